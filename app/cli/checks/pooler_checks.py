"""Finds out whether a pooler between Playhead and Postgres passes prepared statements on."""

from contextlib import suppress
from typing import Final

from app.cli.checks.check_result import CheckLevel, CheckResult
from app.core.errors import DatabaseUnavailable
from app.db import engine

_WAIT_S: Final = 3.0
"""A pooler that has only one connection to lend would let the check wait."""


async def find_pooler_fault(url: str) -> CheckResult | None:
    """Return a failed check if a prepared statement is lost between two transactions.

    A statement is prepared on one connection. Then another connection begins a transaction, and so
    takes the connection to the server that was used last away from the first. A pooler that does
    not pass prepared statements on runs the statement where nobody has prepared it.

    Args:
        url: The URL that Playhead uses.

    Raises:
        DatabaseUnavailable: Postgres cannot be reached.
    """
    first, second = await engine.connect(url), await engine.connect(url)
    try:
        with engine.translating_errors():
            statement = await first.prepare("select 1")
            # Preparing alone does not end a transaction; running it gives the connection back.
            await statement.fetchval()
            await second.execute("begin")
            with suppress(TimeoutError):
                await statement.fetchval(timeout=_WAIT_S)
            await second.execute("rollback")
    except DatabaseUnavailable as error:
        return CheckResult("pooler", CheckLevel.FAIL, str(error))
    finally:
        for connection in (first, second):
            connection.terminate()
    return None
