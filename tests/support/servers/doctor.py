"""Asks the checks of `playhead doctor` about the processes that use a database."""

from app.cli.checks.check_result import CheckLevel
from app.cli.checks.process_checks import check_processes
from app.core.settings import Settings
from app.db.engine import Database
from tests.support.waiting import until_asked


async def wait_until_named(
    database: Database, pid: int, *, heartbeat_s: float, silent_after_s: float
) -> None:
    """Ask again and again, until `doctor` names a process as one that has died, or may have."""
    settings = Settings(heartbeat_s=heartbeat_s, silent_after_s=silent_after_s)

    async def is_named() -> bool:
        results = await check_processes(settings, database)
        return any(
            result.state is CheckLevel.FAIL and f"({pid})" in result.text for result in results
        )

    await until_asked(is_named)
