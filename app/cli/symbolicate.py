"""`playhead symbolicate`: makes stored events readable with the debug files that are here now."""

import asyncio
from typing import Annotated

import typer

from app.administration.debug_files.symbolicate_events import symbolicate_events
from app.cli import environment
from app.cli.environment import out
from app.cli.projects import find_project
from app.core import ids, log
from app.core.errors import InvalidInput
from app.core.ids import EventId, IssueId
from app.core.settings import Settings


def symbolicate(
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="Id or slug.")],
    *,
    issue: Annotated[
        str | None, typer.Option(help="Only the events of this issue: its id, 32 hex digits.")
    ] = None,
    event: Annotated[str | None, typer.Option(help="Only this event: 32 hex digits.")] = None,
) -> None:
    """Symbolicate stored events again, with the debug files that are here now.

    Events that miss a file are done by themselves when it comes. This is for the others: those of
    releases before symbolication, and those of a file that was uploaded a second time.
    """
    issue_id = IssueId(_read_id(issue, "issue")) if issue else None
    event_id = EventId(_read_id(event, "event")) if event else None
    queued = asyncio.run(_queue(environment.read_settings(), project, issue_id, event_id))
    if not queued:
        out.print("There are no such events.")
    else:
        events = "1 event waits" if queued == 1 else f"{queued:,} events wait"
        out.print(f"{events} for the running server, which takes 200 at a time.")


def _read_id(text: str, name: str) -> str:
    digits = ids.read_hex32(text)
    if digits is None:
        raise InvalidInput(f"{log.shown(text)} is not the id of an {name}: 32 hex digits")
    return digits


async def _queue(
    settings: Settings, id_or_slug: str, issue_id: IssueId | None, event_id: EventId | None
) -> int:
    async with environment.open_database(settings) as database:
        async with database.reading() as connection:
            project = await find_project(connection, id_or_slug)
        return await symbolicate_events(
            database, project.id, issue_id=issue_id, event_id=event_id, person_id=None
        )
