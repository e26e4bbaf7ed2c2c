"""Reads the audit log and the log of watched replays as one log, page by page.

Both tables are read in the order of their indexes, each as far as a page needs, and merged. The
place of a line is its time and a number: twice its id, and one more for a line of the audit log.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Select,
    Text,
    cast,
    false,
    func,
    literal,
    select,
    text,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from app.audit.model import REPLAY_VIEWED, ActionDetail
from app.audit.tables import audit_lines, view_log
from app.core.ids import PersonId, ProjectId, ReplayId
from app.db.lists import ListCursor, RowRun, cut_run

LOG_KEY: Final = (datetime, int)
"""The types of the values in the place of a line."""
_VIEWS, _LINES = 0, 1
_SOURCES: Final = 2
_NO_DETAIL: Final = cast(literal("{}", Text), JSONB)
_MERGED_ORDER: Final = {False: "at desc, place desc", True: "at, place"}


@dataclass(frozen=True, slots=True)
class LogFilters:
    """The filters of the log; empty ones do not restrict it."""

    project_id: ProjectId | None = None
    """Only lines of this project; None for those of all, and of none."""
    person_ids: tuple[PersonId, ...] | None = None
    """Only what these people did; empty for nobody's lines."""
    actions: frozenset[str] | None = None
    replay_id: ReplayId | None = None
    """Only what was done to this replay of the project."""
    since: datetime | None = None
    until: datetime | None = None
    """Only lines before this moment."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A line of the log: somebody looked at something, or did something."""

    at: datetime
    place: int
    """The number that orders lines of one moment."""
    person_id: PersonId | None
    """The person who did it; None if the program did it by itself."""
    action: str
    project_id: ProjectId | None
    subject: str | None
    detail: ActionDetail

    @property
    def key(self) -> ListCursor:
        """Return the place of this line in the log."""
        return self.at, self.place


async def list_log(
    connection: AsyncConnection,
    filters: LogFilters,
    *,
    cursor: ListCursor | None = None,
    is_backward: bool = False,
    limit: int = 50,
) -> RowRun[LogEntry]:
    """Read lines of the log, the newest first.

    Args:
        connection: The connection to read with.
        filters: The filters of the lines.
        cursor: The place after which to read; None for the newest line.
        is_backward: True to read from the place towards newer lines.
        limit: Lines at most.
    """
    parts = [
        part.limit(limit + 1).subquery()
        for part in (
            _sort_lines(_select_views(filters), view_log, _VIEWS, cursor, is_backward=is_backward),
            _sort_lines(
                _select_lines(filters), audit_lines, _LINES, cursor, is_backward=is_backward
            ),
        )
    ]
    merged = union_all(*(select(part) for part in parts)).subquery()
    rows = await connection.execute(
        select(merged).order_by(text(_MERGED_ORDER[is_backward])).limit(limit + 1)
    )
    return cut_run([LogEntry(**row) for row in rows.mappings()], limit)


def _select_views(filters: LogFilters) -> Select[Any]:
    columns = view_log.c
    query = select(
        columns.at,
        (columns.id * _SOURCES + _VIEWS).label("place"),
        columns.person_id,
        literal(REPLAY_VIEWED, Text).label("action"),
        columns.project_id,
        # Written with 32 digits, as ids of replays are everywhere.
        func.replace(cast(columns.replay_id, Text), "-", "").label("subject"),
        _NO_DETAIL.label("detail"),
    ).select_from(view_log)
    if filters.actions is not None and REPLAY_VIEWED not in filters.actions:
        query = query.where(false())
    if filters.replay_id is not None:
        query = query.where(columns.replay_id == filters.replay_id)
    return query.where(*_common_conditions(filters, columns))


def _select_lines(filters: LogFilters) -> Select[Any]:
    columns = audit_lines.c
    query = select(
        columns.at,
        (columns.id * _SOURCES + _LINES).label("place"),
        columns.person_id,
        columns.action,
        columns.project_id,
        columns.subject,
        columns.detail,
    )
    if filters.actions is not None:
        query = query.where(columns.action.in_(sorted(filters.actions)))
    if filters.replay_id is not None:
        query = query.where(columns.subject == filters.replay_id)
    return query.where(*_common_conditions(filters, columns))


def _common_conditions(filters: LogFilters, columns: Any) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.project_id is not None:
        conditions.append(columns.project_id == filters.project_id)
    if filters.person_ids is not None:
        conditions.append(_is_one_of(columns.person_id, filters.person_ids))
    if filters.since is not None:
        conditions.append(columns.at >= filters.since)
    if filters.until is not None:
        conditions.append(columns.at < filters.until)
    return conditions


def _is_one_of(column: ColumnElement[Any], values: Collection[int]) -> ColumnElement[bool]:
    return column.in_(values) if values else false()


def _sort_lines(
    query: Select[Any],
    table: Any,
    source: int,
    cursor: ListCursor | None,
    *,
    is_backward: bool,
) -> Select[Any]:
    """Put the lines of one table in order, from a place of the merged log on."""
    at, row_id = table.c.at, table.c.id
    if cursor is not None:
        moment, place = cursor
        assert isinstance(place, int)  # noqa: S101 - see LOG_KEY
        key = tuple_(at, row_id)
        moment_value = literal(moment, DateTime(timezone=True))
        if is_backward:
            first_id = (place - source) // _SOURCES + 1
            query = query.where(key >= tuple_(moment_value, literal(first_id)))
        else:
            last_id = -((source - place) // _SOURCES) - 1
            query = query.where(key <= tuple_(moment_value, literal(last_id)))
    order = (at.asc(), row_id.asc()) if is_backward else (at.desc(), row_id.desc())
    return query.order_by(*order)
