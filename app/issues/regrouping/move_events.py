"""Writes the clear stacks of stored events, and moves those that belong to another issue by them.

    lock all issues ─► lock events ─► clear columns
      for each issue that loses events: counts, first, last, links; none left ─► replaced
      for each issue that gains events: counts as of new events, but nothing is reopened

The end depends on the events alone, and not on when they became clear: an issue counts what it
would count if its events had been clear from the start. An issue that loses its last event hands
what is left of it to the issue that took most of its events: the counts of events that have
expired, and its status. Its address leads there from then on (`replaced_issues.py`).
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from sqlalchemy import Date, bindparam, select, text, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, IssueId, ProjectId, ReplayId
from app.db.rows import RowShape, run_with_rows
from app.db.text import clean, clean_or_none
from app.db.types import Hex32
from app.issues.counts import counting, uncounting
from app.issues.events.event_rows import to_hex, to_new_event
from app.issues.model import ClearedEvent, NewEvent
from app.issues.regrouping import replaced_issues
from app.issues.regrouping.replaced_issues import LockedIssue
from app.issues.tables import events
from app.issues.writes import NAME_BYTES, VALUE_BYTES

_SHAPE: Final = RowShape(
    {
        "day": "date", "event_id": "uuid", "issue_id": "uuid", "title": "text", "culprit": "text",
        "exception_type": "text", "exception_value": "text", "symbolicated": "bytea",
    }
)  # fmt: skip
_UPDATE: Final = f"""
    update events e set
        issue_id = n.issue_id, title = n.title, culprit = n.culprit,
        exception_type = n.exception_type, exception_value = n.exception_value,
        symbolicated = n.symbolicated
    from (select * from {_SHAPE.source}) n
    where e.project_id = ${_SHAPE.next_number} and e.day = n.day and e.event_id = n.event_id
"""  # noqa: S608 - joined from constants
_FIND_ISSUES: Final = text(
    """
    select e.event_id, e.issue_id
    from unnest(:event_ids, :days) as k (event_id, day)
    join events e on e.event_id = k.event_id and e.day = k.day
    where e.project_id = :project_id and e.issue_id is not null
    """
).bindparams(bindparam("event_ids", type_=ARRAY(Hex32)), bindparam("days", type_=ARRAY(Date)))
_HAS_EVENTS: Final = text(
    "select exists (select from events where project_id = :project_id and issue_id = :issue_id)"
).bindparams(bindparam("issue_id", type_=Hex32))
_RENAME_ISSUES: Final = text(
    """
    update issues i set title = e.title, culprit = e.culprit
    from events e
    where i.project_id = :project_id and i.issue_id = any(:issue_ids)
      and e.project_id = i.project_id and e.issue_id = i.issue_id
      and e.event_id = i.last_event_id and e.event_id = any(:event_ids)
    """
).bindparams(bindparam("issue_ids", type_=ARRAY(Hex32)), bindparam("event_ids", type_=ARRAY(Hex32)))
_UNREAD: Final = frozenset({"payload", "removals", "symbolicated"})


@dataclass(slots=True)
class MovedEvents:
    """The results of writing the clear stacks of events."""

    written: set[EventId] = field(default_factory=set)
    """The events that are clear now. Others were moved by somebody else meanwhile, or are gone."""
    gone: set[EventId] = field(default_factory=set)
    """The events that are not there any more, or that have no issue yet."""
    moved: list[tuple[date, NewEvent]] = field(default_factory=list)
    """The events that have another issue now, with their days; the caller links them to replays."""
    issues: dict[EventId, IssueId] = field(default_factory=dict)
    """The new issues of the events that moved."""
    replaced: dict[IssueId, IssueId] = field(default_factory=dict)
    """The issues that are gone, with those that took their place."""
    replays_to_link: tuple[ReplayId, ...] = ()
    """Replays that lost a link, and that other events of the same issues may still lead to."""


async def write_cleared_events(
    connection: AsyncConnection, project_id: ProjectId, cleared: Sequence[ClearedEvent]
) -> MovedEvents:
    """Write the clear columns of events, and move them to the issues they belong to.

    Doing it again changes nothing. Nothing is reopened, and nobody is told.

    Args:
        connection: The transaction of the caller, which has locked no issue yet.
        project_id: The project of the events.
        cleared: The events; those that are gone are left out.

    Returns:
        What was written. The caller links what was moved in the same transaction.
    """
    result = MovedEvents(gone={each.event_id for each in cleared})
    sources = await _find_issues(connection, project_id, cleared)
    present = {each.event_id: each for each in cleared if each.event_id in sources}
    result.gone -= present.keys()
    if not present:
        return result
    chosen = await counting.choose_issues(connection, [*present.values()])
    targets = dict(zip(present, chosen, strict=True))
    leaving = {
        source for event_id, source in sources.items() if source != targets.get(event_id, source)
    }
    earlier = await replaced_issues.list_targets(connection, project_id, leaving)
    # Issues first, in one order, as digest and erasures do.
    locked = await replaced_issues.lock_issues(
        connection,
        project_id,
        {*sources.values(), *chosen, *(each for some in earlier.values() for each in some)},
    )
    rows = [
        row
        for row in await _lock_events(connection, project_id, present.values())
        # What another process has moved meanwhile is in an issue that is not locked here.
        if row.issue_id == sources[EventId(row.event_id)]
    ]
    result.written = {EventId(row.event_id) for row in rows}
    await _write_columns(connection, project_id, [(present[r.event_id], targets) for r in rows])
    await _rename_issues(connection, project_id, rows)
    moving = [row for row in rows if row.issue_id != targets[EventId(row.event_id)]]
    if moving:
        move = _Move(connection, project_id, locked, present, targets)
        result.issues = {EventId(row.event_id): targets[EventId(row.event_id)] for row in moving}
        result.moved, result.replaced = await move.move_counts(moving)
        result.replays_to_link = await uncounting.unlink_events(
            connection,
            project_id,
            sorted(EventId(row.event_id) for row in moving),
            sorted({IssueId(row.issue_id) for row in moving}),
        )
    await replaced_issues.delete_unused(connection, project_id, locked)
    return result


@dataclass(frozen=True, slots=True)
class _Move:
    """Events that go from their issues to others, all of which are locked."""

    connection: AsyncConnection
    project_id: ProjectId
    locked: Mapping[IssueId, LockedIssue]
    cleared: Mapping[EventId, ClearedEvent]
    targets: Mapping[EventId, IssueId]

    async def move_counts(
        self, rows: Sequence[Row[Any]]
    ) -> tuple[list[tuple[date, NewEvent]], dict[IssueId, IssueId]]:
        """Move the counts of events whose rows name their new issue already.

        Args:
            rows: The rows as they were before, with their old issue.

        Returns:
            The events with their days, and the issues that were replaced with their successors.
        """
        by_source: defaultdict[IssueId, list[Row[Any]]] = defaultdict(list)
        for row in rows:
            by_source[IssueId(row.issue_id)].append(row)
        emptied = [
            source
            for source in sorted(by_source)
            if not await self._leave(source, by_source[source])
        ]
        moved = [(row.day, self._to_new_event(row)) for row in rows]
        await counting.count_events(
            self.connection,
            [(event, self.targets[event.event_id]) for _, event in moved],
            may_reopen=False,
        )
        moves = Counter(
            (IssueId(row.issue_id), self.targets[EventId(row.event_id)]) for row in rows
        )
        await replaced_issues.note_moves(self.connection, self.project_id, moves)
        await self._inherit_for_new(moves)
        return moved, await self._replace(emptied)

    async def _leave(self, source: IssueId, rows: Sequence[Row[Any]]) -> bool:
        """Subtract events from the issue that they left; returns whether it has others."""
        key, issue = (self.project_id, source), self.locked[source]
        gone = {EventId(row.event_id) for row in rows}
        if gone & {issue.first_event_id, issue.last_event_id}:
            is_left = await uncounting.replace_first_and_last(self.connection, key, gone)
        else:
            which = {"project_id": self.project_id, "issue_id": source}
            is_left = bool(await self.connection.scalar(_HAS_EVENTS, which))
        await uncounting.uncount_events(self.connection, key, rows)
        return is_left

    async def _inherit_for_new(self, moves: Counter[tuple[IssueId, IssueId]]) -> None:
        """Give issues that were made now the status of the one most of their events come from."""
        origins: dict[IssueId, IssueId] = {}
        for (source, target), _ in sorted(moves.items(), key=lambda item: (-item[1], item[0])):
            origins.setdefault(target, source)
        for target, source in origins.items():
            if self.locked[target].is_new:
                await replaced_issues.inherit_status(
                    self.connection, self.project_id, self.locked[source], self.locked[target]
                )

    async def _replace(self, emptied: Sequence[IssueId]) -> dict[IssueId, IssueId]:
        """Replace the issues without events by those that took most of their events."""
        replaced: dict[IssueId, IssueId] = {}
        if not emptied:
            return replaced
        targets = await replaced_issues.list_targets(self.connection, self.project_id, emptied)
        for source in emptied:
            # One that was emptied as well cannot take anything; it may be a target of this one.
            target = next(each for each in targets[source] if each not in emptied)
            if not self.locked[target].is_new:
                await replaced_issues.inherit_status(
                    self.connection, self.project_id, self.locked[source], self.locked[target]
                )
            await replaced_issues.replace_issue(self.connection, (self.project_id, source), target)
            replaced[source] = target
        return replaced

    def _to_new_event(self, row: Row[Any]) -> NewEvent:
        clear = self.cleared[EventId(row.event_id)]
        return to_new_event(
            row,
            title=clear.title,
            culprit=clear.culprit,
            exception_type=clear.exception_type,
            exception_value=clear.exception_value,
            issue_ids=clear.issue_ids,
        )


async def _find_issues(
    connection: AsyncConnection, project_id: ProjectId, cleared: Sequence[ClearedEvent]
) -> dict[EventId, IssueId]:
    which = {
        "project_id": project_id,
        "event_ids": [each.event_id for each in cleared],
        "days": [each.day for each in cleared],
    }
    return {
        EventId(to_hex(row.event_id)): IssueId(to_hex(row.issue_id))
        for row in await connection.execute(_FIND_ISSUES, which)
    }


async def _lock_events(
    connection: AsyncConnection, project_id: ProjectId, cleared: Collection[ClearedEvent]
) -> Sequence[Row[Any]]:
    columns = [column for column in events.c if column.name not in _UNREAD]
    rows = await connection.execute(
        select(*columns)
        .where(
            events.c.project_id == project_id,
            events.c.day.in_(sorted({each.day for each in cleared})),
            tuple_(events.c.event_id).in_([(each.event_id,) for each in cleared]),
        )
        .order_by(events.c.event_id)
        .with_for_update()
    )
    return rows.all()


async def _write_columns(
    connection: AsyncConnection,
    project_id: ProjectId,
    written: Sequence[tuple[ClearedEvent, Mapping[EventId, IssueId]]],
) -> None:
    rows = [
        {
            "day": clear.day,
            "event_id": clear.event_id,
            "issue_id": targets[clear.event_id],
            "title": clean(clear.title, limit_bytes=NAME_BYTES),
            "culprit": clean_or_none(clear.culprit, limit_bytes=NAME_BYTES),
            "exception_type": clean_or_none(clear.exception_type, limit_bytes=NAME_BYTES),
            "exception_value": clean_or_none(clear.exception_value, limit_bytes=VALUE_BYTES),
            "symbolicated": clear.symbolicated,
        }
        for clear, targets in written
    ]
    if rows:
        await run_with_rows(connection, _UPDATE, _SHAPE, rows, project_id)


async def _rename_issues(
    connection: AsyncConnection, project_id: ProjectId, rows: Sequence[Row[Any]]
) -> None:
    """Give issues the clear titles of their last events, where these stay in them."""
    await connection.execute(
        _RENAME_ISSUES,
        {
            "project_id": project_id,
            "issue_ids": sorted({row.issue_id for row in rows}),
            "event_ids": sorted(row.event_id for row in rows),
        },
    )
