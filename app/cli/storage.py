"""`playhead storage …`: shows which store the database has claimed, and claims another one."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

import typer

from app.audit import writes as audit
from app.audit.model import Action
from app.cli import environment
from app.cli.environment import out
from app.core.errors import InvalidInput
from app.core.settings import Settings
from app.processes import records, store_claim
from app.processes.store_claim import StoreClaim
from app.storage.choose import describe_store, open_store

storage = typer.Typer(help="Storage: where the objects of the database lie.", no_args_is_help=True)


@dataclass(frozen=True, slots=True)
class _StoreFacts:
    """The claims of the database and of the store, side by side."""

    claim: StoreClaim | None
    marks: list[str]


@storage.command("show")
def show_store() -> None:
    """Say which store the database has claimed, and whether it is that of the settings."""
    settings = environment.read_settings()
    facts = asyncio.run(_read_facts(settings))
    place = describe_store(settings)
    out.print(f"Settings  {place}")
    if facts.claim is None:
        out.print("Database  has claimed no store yet; the next start claims this one.")
        return
    out.print(f"Database  {facts.claim.place}, claimed on {facts.claim.claimed_at:%d %B %Y}")
    if facts.claim.store_id in facts.marks:
        out.print("Both are the same store.")
        return
    out.print("They are not the same store: Playhead does not start with these settings.")
    raise typer.Exit(1)


@storage.command("claim")
def claim_store(*, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Make the store of the settings that of the database, after the objects have moved.

    All objects must be there already: what is missing cannot be played. Never point two databases
    at one store, since each deletes objects that it has no rows for.
    """
    settings = environment.read_settings()
    place = describe_store(settings)
    if not yes:
        typer.confirm(f"Do all objects of the database lie at {place}?", abort=True)
    asyncio.run(_claim(settings, place))
    out.print(f"The database has claimed {place}. Start Playhead with these settings everywhere.")


async def _read_facts(settings: Settings) -> _StoreFacts:
    objects = open_store(settings, settings.data_dir)
    try:
        async with (
            environment.open_database(settings) as database,
            database.reading() as connection,
        ):
            claim = await store_claim.read_claim(connection)
        return _StoreFacts(claim, await store_claim.read_marks(objects))
    finally:
        await objects.close()


async def _claim(settings: Settings, place: str) -> None:
    objects = open_store(settings, settings.data_dir)
    try:
        async with (
            environment.open_database(settings) as database,
            database.transaction() as connection,
        ):
            running = await records.list_processes(
                connection,
                heartbeat_s=settings.heartbeat_s,
                silent_after_s=settings.silent_after_s,
            )
            elsewhere = [
                f"process {each.identity.pid} on {each.identity.host} ({each.identity.store})"
                for each in running
                if each.is_running and each.identity.store != place
            ]
            if elsewhere:
                raise InvalidInput(
                    "stop the processes that use another store first: " + ", ".join(elsewhere)
                )
            before = await store_claim.read_claim(connection)
            await store_claim.claim_store(connection, objects, place)
            detail = {"by": "command line", "place": place}
            if before is not None:
                detail["before"] = before.place
            await audit.add_audit_line(
                connection, Action.STORE_CLAIMED, person_id=None, detail=detail
            )
    finally:
        await objects.close()
