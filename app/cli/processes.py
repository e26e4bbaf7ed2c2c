"""`playhead processes …`: lists the processes that use the database, and forgets a dead one."""

import asyncio
from typing import Annotated, Final

import typer
from rich.table import Table

from app.administration.server.process_list import forget_dead_process
from app.cli import environment
from app.cli.environment import out, print_table
from app.core.settings import Settings
from app.core.units import format_bytes
from app.processes import records
from app.processes.model import ProcessRecord
from app.web.words.processes import describe_clock, describe_roles, describe_silence

_ID_DIGITS: Final = 8
"""The first digits of an id, which tell processes apart."""

processes = typer.Typer(
    help="Processes: which run on this database, and how they are.", no_args_is_help=True
)


@processes.command("list")
def list_processes() -> None:
    """List all processes, those that run first."""
    known = asyncio.run(_read_processes(environment.read_settings()))
    if not known:
        out.print("No process has used this database since it was migrated to this release.")
        return
    table = Table(
        "Id", "Host", "Pid", "Roles", "Release", "State", "Heard of", "Waiting", "Clock", box=None
    )
    for each in known:
        waiting = f"{each.condition.backlog_entries:,}"
        if each.condition.backlog_bytes:
            waiting += f", {format_bytes(each.condition.backlog_bytes)}"
        table.add_row(
            each.identity.process_id[:_ID_DIGITS],
            each.identity.host,
            str(each.identity.pid),
            describe_roles(each.identity.roles),
            each.identity.version,
            each.state,
            f"{describe_silence(each)} ago",
            waiting,
            describe_clock(each.clock_ahead_ms),
        )
    print_table(table)


@processes.command("forget")
def forget_process(
    process_id: Annotated[str, typer.Argument(help="The first digits of its id, from the list.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a dead process from the list, when its journal is lost for good.

    As long as its disk may come back, leave it there: a process that starts on its data folder
    digests what it has left.
    """
    if not yes:
        typer.confirm(
            "Is its data folder lost for good? What it had not digested is lost, too.", abort=True
        )
    asyncio.run(_forget_process(environment.read_settings(), process_id))
    out.print("Removed.")


async def _read_processes(settings: Settings) -> tuple[ProcessRecord, ...]:
    async with environment.open_database(settings) as database, database.reading() as connection:
        return await records.list_processes(
            connection,
            heartbeat_s=settings.heartbeat_s,
            silent_after_s=settings.silent_after_s,
        )


async def _forget_process(settings: Settings, process_id: str) -> None:
    async with (
        environment.open_database(settings) as database,
        database.transaction() as connection,
    ):
        await forget_dead_process(
            connection,
            process_id,
            person_id=None,
            heartbeat_s=settings.heartbeat_s,
            silent_after_s=settings.silent_after_s,
        )
