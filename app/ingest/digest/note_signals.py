"""Notes what rules of alerts may ask for, in digest's transaction and only where they do.

    new and returned issues, first crashes ─► wanted by the project? ─► signals
    new fatal event ─► linked to a replay that has closed ─► its queries are asked once more

A project without rules costs not one statement.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, ProjectId, ReplayId
from app.db.engine import get_driver
from app.formats.events.event import CRASHES, HANGS
from app.ingest.items.event import EVENT
from app.ingest.items.item_type import PreparedBatch
from app.issues.model import IssueChanges, NewEvent
from app.messages import signals
from app.messages.model import AlertSignal, SignalKind
from app.messages.wanted import WantedSignals

_CLOSED_REPLAYS: Final = """
    select distinct l.replay_project_id, l.replay_id
    from unnest($1::bigint[], $2::uuid[], $3::uuid[]) as e (project_id, issue_id, event_id)
    join issue_links l on l.project_id = e.project_id and l.issue_id = e.issue_id
        and l.event_id = e.event_id
    join replays r on r.project_id = l.replay_project_id and r.replay_id = l.replay_id
    where r.closed_at is not null
"""


async def note_signals(
    connection: AsyncConnection,
    prepared: PreparedBatch,
    new_events: Collection[tuple[ProjectId, EventId]],
    changes: IssueChanges,
    wanted: WantedSignals,
) -> None:
    """Note what the new events of a batch mean to rules; call it when they are linked.

    Args:
        connection: The transaction that stored the batch.
        prepared: The batch.
        new_events: The keys of its events that were not stored before.
        changes: The issues that these events have begun or brought back.
        wanted: The signals that rules want.
    """
    new_keys = set(new_events)
    events = [
        event for event in prepared.rows_of(EVENT) if (event.project_id, event.event_id) in new_keys
    ]
    found = [*_list_issues(changes, wanted), *_list_crashes(events, wanted)]
    if wanted.wants_any(SignalKind.REPLAY):
        found += await _find_closed_replays(connection, events, wanted)
    await signals.add_signals(connection, found)


def _list_issues(changes: IssueChanges, wanted: WantedSignals) -> Iterable[AlertSignal]:
    for kind, issues in (
        (SignalKind.NEW_ISSUE, changes.begun),
        (SignalKind.RETURNED_ISSUE, changes.returned),
    ):
        for (project_id, issue_id), event_id in issues:
            if wanted.wants(project_id, kind):
                yield AlertSignal(project_id, kind, issue_id, event_id)


def _list_crashes(events: Sequence[NewEvent], wanted: WantedSignals) -> Iterable[AlertSignal]:
    """List one crash of each release; whether it is the first one, judging finds out."""
    crashes: dict[tuple[ProjectId, str], EventId] = {}
    for event in events:
        if event.release and _is_crash(event) and wanted.wants(event.project_id, SignalKind.CRASH):
            crashes.setdefault((event.project_id, event.release), event.event_id)
    for (project_id, release), event_id in crashes.items():
        yield AlertSignal(project_id, SignalKind.CRASH, event_id=event_id, release=release)


async def _find_closed_replays(
    connection: AsyncConnection, events: Sequence[NewEvent], wanted: WantedSignals
) -> list[AlertSignal]:
    """Find replays that had closed before a fatal event was linked to them."""
    fatal = [
        (event, issue_id) for event in events if _is_crash(event) for issue_id in event.issue_ids
    ]
    if not fatal:
        return []
    rows = await (await get_driver(connection)).fetch(
        _CLOSED_REPLAYS,
        [event.project_id for event, _ in fatal],
        [UUID(hex=issue_id) for _, issue_id in fatal],
        [UUID(hex=event.event_id) for event, _ in fatal],
    )
    found = []
    for row in rows:
        project_id = ProjectId(row["replay_project_id"])
        if wanted.wants(project_id, SignalKind.REPLAY):
            replay_id = ReplayId(row["replay_id"].hex)
            found.append(AlertSignal(project_id, SignalKind.REPLAY, replay_id=replay_id))
    return found


def _is_crash(event: NewEvent) -> bool:
    return event.kind in CRASHES or event.kind in HANGS or event.level == "fatal"
