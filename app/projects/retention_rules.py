"""Reads and writes the retention rules of projects and of the server; the caller commits.

    own rule of the project, or else the server's default ─► cut to the server's longest ─► days

A day counts as a whole: data of a day is kept for so many days after the day has ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.days import RetentionClass
from app.core.errors import InvalidInput, NotFound
from app.core.ids import PersonId, ProjectId
from app.projects.tables import projects, server_settings

MOST_DAYS: Final = 36_500
MOST_REST_HOURS: Final = 24 * 365
MOST_KEEP_QUERIES: Final = 10
MOST_LIMIT_BYTES: Final = 2**62
LEAST_COUNT_DAYS: Final = 30
"""Pages look so far back at counts, and rules for content do not take that away."""
MOST_COUNT_DAYS: Final = 400
"""Counts end after so many days, so that a month can be compared with that of a year ago."""
MOST_MARK_DAYS: Final = 30
"""Days for which the id of a session is kept, so that its end counts once if it comes twice."""

_DEFAULT: Final = "keep_days_default"
_LONGEST: Final = "keep_days_at_most"
_RULE: Final[tuple[ColumnElement[Any], ...]] = (
    projects.c.id,
    projects.c.follows_server,
    projects.c.keep_days,
    projects.c.stored_bytes_limit,
    projects.c.at_limit,
    projects.c.keep_queries,
    projects.c.rest_hours,
)


class AtLimit(StrEnum):
    """The behaviour at the limit of a project's bytes."""

    REFUSE = "refuse"
    """New videos and files are turned away."""
    DELETE_OLDEST = "delete_oldest"
    """New data is kept, and the oldest goes."""


@dataclass(frozen=True, slots=True)
class ServerRules:
    """The rules of the server about age, which hold for all projects."""

    default_days: int | None = None
    """The days for projects without a rule of their own; None for ever."""
    longest_days: int | None = None
    """The most days that any project keeps, whatever its rule says; None for no such limit."""

    @property
    def mark_days(self) -> int:
        """For how many days ids of sessions are kept."""
        return min(MOST_MARK_DAYS, self.longest_days or MOST_MARK_DAYS)


@dataclass(frozen=True, slots=True)
class ProjectRules:
    """The retention rules of a project."""

    follows_server: bool = True
    """True if the server's default says how many days are kept."""
    keep_days: int | None = None
    """The project's own number of days; None for ever, or if it follows the server."""
    limit_bytes: int | None = None
    at_limit: AtLimit = AtLimit.REFUSE
    keep_queries: tuple[str, ...] = ()
    """Queries of the list of replays; a replay that matches one of them is kept."""
    rest_hours: int | None = None
    """The hours after which a closed replay that matches none of them goes; None: it does not."""

    def effective_days(self, server: ServerRules) -> int | None:
        """Return how many days are kept in the end; None for ever."""
        own = server.default_days if self.follows_server else self.keep_days
        return min((days for days in (own, server.longest_days) if days is not None), default=None)

    def count_days(self, server: ServerRules) -> int:
        """Return how many days the counts of sessions, outcomes and removals are kept.

        Counts name no user, so a rule for content does not make them shorter than what pages show;
        the longest that the server keeps anything does.
        """
        own = self.effective_days(server)
        kept = MOST_COUNT_DAYS if own is None else max(LEAST_COUNT_DAYS, min(own, MOST_COUNT_DAYS))
        return kept if server.longest_days is None else min(kept, server.longest_days)


def check_days(days: int | None) -> None:
    """Make sure that a number of days is possible.

    Raises:
        InvalidInput: It is not between 1 and a hundred years.
    """
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise InvalidInput(f"the number of days is between 1 and {MOST_DAYS:,}")


async def read_server_rules(connection: AsyncConnection) -> ServerRules:
    """Read the rules of the server."""
    rows = await connection.execute(select(server_settings.c.name, server_settings.c.value))
    values = {row.name: row.value for row in rows}
    return ServerRules(values.get(_DEFAULT), values.get(_LONGEST))


async def write_server_rules(
    connection: AsyncConnection, rules: ServerRules, *, person_id: PersonId | None
) -> None:
    """Write the rules of the server.

    Raises:
        InvalidInput: A number of days is impossible, or the default is beyond the longest.
    """
    check_days(rules.default_days)
    check_days(rules.longest_days)
    for name, value in ((_DEFAULT, rules.default_days), (_LONGEST, rules.longest_days)):
        values = {"value": value, "changed_by": person_id}
        await connection.execute(
            upsert(server_settings)
            .values(name=name, **values)
            .on_conflict_do_update(
                index_elements=[server_settings.c.name],
                set_=values | {"changed_at": func.now()},
            )
        )


async def read_all_rules(connection: AsyncConnection) -> dict[ProjectId, ProjectRules]:
    """Read the rules of all projects."""
    rows = await connection.execute(select(*_RULE).order_by(projects.c.id))
    return {ProjectId(row.id): _to_rules(row) for row in rows}


async def read_rules(connection: AsyncConnection, project_id: ProjectId) -> ProjectRules:
    """Read the rules of a project.

    Raises:
        NotFound: There is no such project.
    """
    row = (await connection.execute(select(*_RULE).where(projects.c.id == project_id))).first()
    if row is None:
        raise NotFound(f"no project {project_id}")
    return _to_rules(row)


async def write_rules(
    connection: AsyncConnection, project_id: ProjectId, rules: ProjectRules
) -> None:
    """Write the rules of a project; it applies to what is stored already, too.

    Raises:
        InvalidInput: A number is impossible, or there are too many queries.
        NotFound: There is no such project.
    """
    check_rules(rules)
    updated = await connection.execute(
        update(projects)
        .where(projects.c.id == project_id)
        .values(
            follows_server=rules.follows_server,
            keep_days=None if rules.follows_server else rules.keep_days,
            stored_bytes_limit=rules.limit_bytes,
            at_limit=rules.at_limit,
            keep_queries=list(rules.keep_queries),
            rest_hours=rules.rest_hours,
        )
    )
    if not updated.rowcount:
        raise NotFound(f"no project {project_id}")


def check_rules(rules: ProjectRules) -> None:
    """Make sure that the numbers of rules are possible; what queries say is checked elsewhere.

    Raises:
        InvalidInput: They are not.
    """
    check_days(rules.keep_days)
    if rules.limit_bytes is not None and not 0 <= rules.limit_bytes <= MOST_LIMIT_BYTES:
        raise InvalidInput("the storage limit is a number of bytes, 0 or more")
    if rules.rest_hours is not None and not 1 <= rules.rest_hours <= MOST_REST_HOURS:
        raise InvalidInput(f"the rest goes after 1 to {MOST_REST_HOURS:,} hours")
    if len(rules.keep_queries) > MOST_KEEP_QUERIES:
        raise InvalidInput(f"{len(rules.keep_queries)} keep rules, {MOST_KEEP_QUERIES} are allowed")
    if rules.rest_hours is not None and not rules.keep_queries:
        raise InvalidInput("a time after which the rest goes needs at least one keep rule")
    if rules.keep_queries and rules.rest_hours is None:
        raise InvalidInput("keep rules need a number of hours after which the rest goes")


async def list_deleting_limits(connection: AsyncConnection) -> dict[ProjectId, int]:
    """Return the bytes at which the oldest goes, by project; other projects are left out."""
    rows = await connection.execute(
        select(projects.c.id, projects.c.stored_bytes_limit).where(
            projects.c.stored_bytes_limit.is_not(None),
            projects.c.at_limit == AtLimit.DELETE_OLDEST,
        )
    )
    return {ProjectId(row.id): row.stored_bytes_limit for row in rows}


async def set_classes(
    connection: AsyncConnection, classes: Mapping[ProjectId, RetentionClass]
) -> None:
    """Let what projects store from now on have these retention classes."""
    for project_id, retention_class in sorted(classes.items()):
        await connection.execute(
            update(projects)
            .where(projects.c.id == project_id, projects.c.retention_class != retention_class.value)
            .values(retention_class=retention_class.value)
        )


def _to_rules(row: Row[Any]) -> ProjectRules:
    return ProjectRules(
        follows_server=row.follows_server,
        keep_days=row.keep_days,
        limit_bytes=row.stored_bytes_limit,
        at_limit=AtLimit(row.at_limit),
        keep_queries=tuple(row.keep_queries),
        rest_hours=row.rest_hours,
    )
