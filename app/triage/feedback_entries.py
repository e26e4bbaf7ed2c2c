"""Reads feedback with the error and the replay that it is about, by one rule for every page.

feedback ─► the event that it names ─► the issue of that event
└──► the replay that it or the event names,
or else a replay that shares their trace and was recorded at that time
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, DateTime, TextClause, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import IssueId, ProjectId, ReplayId
from app.core.replay.replay_window import SLACK, ReplayWindow
from app.db.lists import ListCursor, ListPage, PageRequest, RowRun, cut_run, read_page
from app.db.windows import are_held_up
from app.feedback import queries as feedback
from app.feedback.model import FeedbackRecord
from app.issues.model import IssueKey
from app.playback.links import replay_clock
from app.replays import queries as replays
from app.replays.model import ReplayKey

_SLACK: Final = f"interval '{SLACK.total_seconds():g} s'"
_DRIFT: Final = "(f.drift_ms - r.drift_ms) * interval '1 ms'"


def _make_statement(condition: str, *, is_backward: bool) -> TextClause:
    """Return a statement for feedback `f`, and the event `e` that it names, under a condition."""
    past, direction = (">", "asc") if is_backward else ("<", "desc")
    return text(
        f"""
        select {feedback.FEEDBACK_COLUMNS}, e.title, e.issue_id, r.project_id as replay_project_id,
               r.replay_id as linked_id, r.started_at, r.ended_at, r.drift_ms as replay_drift_ms,
               r.drift_low_ms, r.drift_high_ms, r.clock_steps
        from feedback f
        left join events e on e.project_id = f.project_id and e.event_id = f.associated_event_id
        left join lateral (
            select r.* from replays r
            where r.project_id = any(:seen) and (
                r.replay_id = coalesce(f.replay_id, e.replay_id)
                or coalesce(f.replay_id, e.replay_id) is null
                and r.replay_id = any(array(
                    select t.replay_id from replay_traces t
                    where t.trace_id = coalesce(f.trace_id, e.trace_id)
                ))
                and (f.at between r.started_at - {_SLACK} and r.ended_at + {_SLACK}
                    or not {are_held_up("f.drift_ms", "r.drift_ms")}
                    and f.at + {_DRIFT} between r.started_at - {_SLACK} and r.ended_at + {_SLACK})
            )
            order by r.first_received_at desc, r.project_id, r.replay_id limit 1
        ) r on true
        where {condition} and (
            cast(:cursor_at as timestamptz) is null
            or (f.received_at, f.event_id) {past} (:cursor_at, cast(:cursor_id as uuid))
        )
        order by f.received_at {direction}, f.event_id {direction}
        limit :rows
        """  # noqa: S608 - joined from constants
    ).bindparams(
        bindparam("seen", type_=ARRAY(BigInteger)),
        bindparam("cursor_at", type_=DateTime(timezone=True)),
        bindparam("cursor_id", type_=Uuid()),
    )


_OF_PROJECTS: Final = {
    is_backward: _make_statement(
        "f.project_id = any(:searched)", is_backward=is_backward
    ).bindparams(bindparam("searched", type_=ARRAY(BigInteger)))
    for is_backward in (False, True)
}
_OF_ISSUE: Final = {
    is_backward: _make_statement(
        "e.project_id = :project_id and e.issue_id = :issue_id", is_backward=is_backward
    ).bindparams(bindparam("issue_id", type_=Uuid()))
    for is_backward in (False, True)
}


@dataclass(frozen=True, slots=True)
class FeedbackEntry:
    """A piece of feedback, with the error and the replay that it is about, if they are here."""

    feedback: FeedbackRecord
    error: str | None
    """The title of the event that it names."""
    issue_id: IssueId | None
    replay: ReplayKey | None
    at_ms: int | None
    """The time at which it was written, by the replay's clock; None if that did not run then."""


async def read_feedback_page(
    connection: AsyncConnection,
    project_ids: Sequence[ProjectId],
    visible_ids: Sequence[ProjectId],
    request: PageRequest,
    *,
    limit: int,
) -> ListPage[FeedbackEntry]:
    """Read a page of the feedback of some projects; what was received last comes first.

    Args:
        connection: The connection to read with.
        project_ids: The projects whose feedback it is.
        visible_ids: The projects that the reader may see; replays of others are left out.
        request: The page; its cursors have a `TIME_KEY`.
        limit: Entries of a page.
    """
    of_projects = {"searched": list(project_ids), "seen": list(visible_ids)}
    return await _read_page(connection, _OF_PROJECTS, of_projects, request, limit=limit)


async def read_issue_feedback(
    connection: AsyncConnection,
    key: IssueKey,
    visible_ids: Sequence[ProjectId],
    request: PageRequest,
    *,
    limit: int,
) -> ListPage[FeedbackEntry]:
    """Read a page of the feedback that names an event of an issue; the last received comes first.

    Args:
        connection: The connection to read with.
        key: The issue.
        visible_ids: The projects that the reader may see; replays of others are left out.
        request: The page; its cursors have a `TIME_KEY`.
        limit: Entries of a page.
    """
    of_issue = {
        "project_id": key[0],
        "issue_id": uuid.UUID(hex=key[1]),
        "seen": list(visible_ids),
    }
    return await _read_page(connection, _OF_ISSUE, of_issue, request, limit=limit)


async def _read_page(
    connection: AsyncConnection,
    statements: Mapping[bool, TextClause],
    parameters: Mapping[str, object],
    request: PageRequest,
    *,
    limit: int,
) -> ListPage[FeedbackEntry]:
    """Read a page with the statement for reading forward or the one for reading backward."""

    async def read_run(
        cursor: ListCursor | None, *, is_backward: bool, limit: int
    ) -> RowRun[FeedbackEntry]:
        at, event_id = cursor or (None, None)
        of_run = {
            "cursor_at": at,
            "cursor_id": uuid.UUID(hex=str(event_id)) if event_id else None,
            "rows": limit + 1,
        }
        rows = await connection.execute(statements[is_backward], {**parameters, **of_run})
        return cut_run([_read_entry(row) for row in rows], limit)

    return await read_page(request, read_run, key_of=_key_of_entry, limit=limit)


def _key_of_entry(entry: FeedbackEntry) -> ListCursor:
    return entry.feedback.received_at, entry.feedback.event_id


def _read_entry(row: Row[Any]) -> FeedbackEntry:
    stored = feedback.to_feedback(row)
    at_ms, replay = None, None
    if row.linked_id is not None:
        replay = ReplayKey(ProjectId(row.replay_project_id), ReplayId(row.linked_id.hex))
        window = ReplayWindow(
            replay.replay_id,
            frozenset(),
            row.started_at,
            row.ended_at,
            row.replay_drift_ms,
            replays.to_drift_range_ms(row),
            replays.to_clock_steps(row.clock_steps),
        )
        made_by = replay_clock.find_side(replay.project_id, stored.project_id, stored.platform)
        offset = replay_clock.find_offset(window, stored.at, stored.drift_ms, made_by=made_by)
        at_ms = replay_clock.clamp_to_replay_ms(window, offset)
    return FeedbackEntry(
        stored,
        error=row.title,
        issue_id=IssueId(row.issue_id.hex) if row.issue_id else None,
        replay=replay,
        at_ms=at_ms,
    )
