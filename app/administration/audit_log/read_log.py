"""Reads the log of a project for its admins, and that of everything for admins of the server."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import queries as accounts
from app.accounts.model import Person
from app.administration.server.server_admin import require_server_admin
from app.audit.kinds import LogKind, list_actions
from app.audit.log_queries import LogEntry, LogFilters, list_log
from app.core.ids import PersonId, ProjectId, ReplayId
from app.db.engine import Database
from app.db.lists import ListCursor, ListPage, PageRequest, RowRun, read_page
from app.memberships.model import ProjectAccess, Role
from app.projects import queries as projects

PAGE_LINES: Final = 50
_ABOUT_PEOPLE: Final = ("member_", "person_", "link_", "identity_", "sign_in_ended")
"""Actions that begin so were done to a person, if they name anything."""


@dataclass(frozen=True, slots=True)
class LogQuery:
    """The lines that somebody wants to see; what is empty does not restrict."""

    person: str = ""
    """A part of a name; in the log of the server also of an address."""
    kind: LogKind | None = None
    since: date | None = None
    until: date | None = None
    """The last day that is shown, by UTC as all days of the log."""
    replay_id: ReplayId | None = None


@dataclass(frozen=True, slots=True)
class LogNames:
    """The people and projects that lines of the log are about."""

    people: Mapping[PersonId, Person]
    """Those who still have an account."""
    projects: Mapping[ProjectId, str]
    """Names of those that still exist."""


@dataclass(frozen=True, slots=True)
class LogPart:
    """A page of the log, and the names that it needs."""

    page: ListPage[LogEntry]
    names: LogNames


@dataclass(frozen=True, slots=True)
class LogReader:
    """Somebody who may read a log: that of one project, or of the whole server."""

    database: Database
    person: Person
    project_id: ProjectId | None
    """None for the log of the server, which includes those of all projects."""


def open_project_log(database: Database, access: ProjectAccess) -> LogReader:
    """Return a reader of the log of a project.

    Raises:
        PermissionDenied: The person is not an admin of the project.
    """
    access.require_role(Role.ADMIN)
    return LogReader(database, access.person, access.project.id)


def open_server_log(database: Database, person: Person) -> LogReader:
    """Return a reader of the log of the server.

    Raises:
        PermissionDenied: The person is not an admin of the server.
    """
    require_server_admin(person)
    return LogReader(database, person, None)


async def read_log(reader: LogReader, query: LogQuery, request: PageRequest) -> LogPart:
    """Read a page of the log, the newest line first."""
    async with reader.database.reading() as connection:
        filters = await make_filters(connection, reader, query)

        async def read_run(
            cursor: ListCursor | None, *, is_backward: bool, limit: int
        ) -> RowRun[LogEntry]:
            return await list_log(
                connection, filters, cursor=cursor, is_backward=is_backward, limit=limit
            )

        page = await read_page(request, read_run, key_of=lambda entry: entry.key, limit=PAGE_LINES)
        return LogPart(page, await read_names(connection, page.rows))


async def make_filters(
    connection: AsyncConnection, reader: LogReader, query: LogQuery
) -> LogFilters:
    """Return the conditions on lines; people are found by their names of now.

    Admins of a project must not learn addresses of people who are not in it, so they cannot search
    by them.
    """
    people = None
    if query.person:
        is_server = reader.project_id is None
        people = tuple(
            await accounts.find_people_like(connection, query.person, with_emails=is_server)
        )
    return LogFilters(
        project_id=reader.project_id,
        person_ids=people,
        actions=list_actions(query.kind) if query.kind else None,
        replay_id=query.replay_id,
        since=_start_of_day(query.since) if query.since else None,
        until=_start_of_day(query.until + timedelta(days=1)) if query.until else None,
    )


async def read_names(connection: AsyncConnection, entries: Collection[LogEntry]) -> LogNames:
    """Read the names of everybody and everything that lines are about."""
    people = {entry.person_id for entry in entries if entry.person_id is not None}
    people |= {person for entry in entries if (person := person_acted_on(entry)) is not None}
    known_projects = {entry.project_id for entry in entries if entry.project_id is not None}
    return LogNames(
        await _read_people(connection, sorted(people)),
        await projects.read_project_names(connection, known_projects),
    )


def person_acted_on(entry: LogEntry) -> PersonId | None:
    """Return the person that something was done to; None if it was not done to a person."""
    subject = entry.subject
    is_about_person = entry.action.startswith(_ABOUT_PEOPLE) and "erased" not in entry.action
    if not is_about_person or subject is None or not subject.isdecimal():
        return None
    return PersonId(int(subject))


async def _read_people(
    connection: AsyncConnection, person_ids: Iterable[PersonId]
) -> dict[PersonId, Person]:
    people = await accounts.read_people(connection, list(person_ids))
    return {person.id: person for person in people}


def _start_of_day(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
