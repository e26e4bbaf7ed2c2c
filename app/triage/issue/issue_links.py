"""Reads the replays of issues and events, and places the events on the clocks of the replays.

The links of an issue are stored (`ingest/digest/link_issues.py`), so that lists, tabs and pages
count the same rows, however many there are. The replay of an event is found by the same rule: it is
the one that the event names, or else one that shares its trace and was recorded at that time.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import BigInteger, DateTime, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId, ReplayId
from app.core.replay.replay_window import SLACK, ReplayWindow
from app.db.lists import ListCursor, ListPage, PageRequest, RowRun, read_page
from app.db.windows import are_held_up
from app.issues import replay_links
from app.issues.events import trace_events
from app.issues.model import IssueKey, StoredEvent
from app.issues.replay_links import NEWEST_LINKS, IssueLink
from app.playback.links import placement, replay_clock
from app.playback.links.placement import PlacedMoment, ReplayMoments
from app.replays import queries as replays
from app.replays.model import Replay, ReplayKey

_SLACK: Final = f"interval '{SLACK.total_seconds():g} s'"
_BY_TRACE: Final = text(
    f"""
    select r.project_id, r.replay_id from replays r
    where r.project_id = any(:project_ids)
      and r.replay_id = any(array(
          select distinct t.replay_id from replay_traces t where t.trace_id = :trace_id
      ))
      and (cast(:at as timestamptz) between r.started_at - {_SLACK} and r.ended_at + {_SLACK}
          or not {are_held_up("cast(:drift_ms as bigint)", "r.drift_ms")}
          and cast(:at as timestamptz) + (:drift_ms - r.drift_ms) * interval '1 ms'
              between r.started_at - {_SLACK} and r.ended_at + {_SLACK})
    """  # noqa: S608 - joined from constants
).bindparams(
    bindparam("project_ids", type_=ARRAY(BigInteger)),
    bindparam("trace_id", type_=Uuid()),
    bindparam("at", type_=DateTime(timezone=True)),
    bindparam("drift_ms", type_=BigInteger()),
)


@dataclass(frozen=True, slots=True)
class LinkedReplay:
    """A replay, and when an event happened in it."""

    replay: Replay
    at_ms: int
    """Counted from the start of the replay, by the replay's clock."""
    is_apart: bool
    """True if the event happened outside the part of the replay that is stored."""


async def read_linked_replays(
    connection: AsyncConnection,
    key: IssueKey,
    project_ids: Sequence[ProjectId],
    request: PageRequest,
    *,
    limit: int,
) -> ListPage[LinkedReplay]:
    """Read a page of the replays of an issue; the replay that was received last comes first.

    Args:
        connection: The connection to read with.
        key: The issue.
        project_ids: The projects that the reader may see.
        request: The page; its cursors are those of `NEWEST_LINKS`.
        limit: Replays of a page.
    """

    async def read_run(
        cursor: ListCursor | None, *, is_backward: bool, limit: int
    ) -> RowRun[IssueLink]:
        return await replay_links.read_links(
            connection, key, project_ids, cursor=cursor, is_backward=is_backward, limit=limit
        )

    page = await read_page(request, read_run, key_of=NEWEST_LINKS.key_of, limit=limit)
    keys = [ReplayKey(link.replay_project_id, link.replay_id) for link in page.rows]
    found = {replay.key: replay for replay in await replays.read_replays(connection, keys)}
    # A replay that is being deleted at this moment may be gone while its link is still there.
    linked = [
        (found[replay_key], link)
        for replay_key, link in zip(keys, page.rows, strict=True)
        if replay_key in found
    ]
    replays_of_issue = await _place_links(connection, linked, key[0], project_ids)
    return ListPage(replays_of_issue, back=page.back, next=page.next)


async def find_replay_of_event(
    connection: AsyncConnection, event: StoredEvent, project_ids: Sequence[ProjectId]
) -> LinkedReplay | None:
    """Find the replay that an event belongs to, the newest one if there are several."""
    candidates = await _read_candidates(connection, event, project_ids)
    newest = max(
        candidates, key=lambda replay: (replay.first_received_at, replay.key), default=None
    )
    if newest is None:
        return None
    window = replay_clock.make_window(newest, ())
    [offset] = await placement.place_in_replay(
        connection, window, newest.key.project_id, [placement.make_event_moment(event)], project_ids
    )
    return _make_linked_replay(newest, window, offset)


async def _read_candidates(
    connection: AsyncConnection, event: StoredEvent, project_ids: Sequence[ProjectId]
) -> list[Replay]:
    """Read the replays that an event names, or else those of its trace that ran at its time."""
    if event.replay_id:
        return await replays.read_replays_with_id(connection, event.replay_id, project_ids)
    if event.trace_id is None:
        return []
    parameters = {
        "trace_id": uuid.UUID(hex=event.trace_id),
        "at": event.at,
        "drift_ms": event.drift_ms,
        "project_ids": list(project_ids),
    }
    return await replays.read_replays(
        connection,
        [
            ReplayKey(ProjectId(row.project_id), ReplayId(row.replay_id.hex))
            for row in await connection.execute(_BY_TRACE, parameters)
        ],
    )


async def _place_links(
    connection: AsyncConnection,
    linked: Sequence[tuple[Replay, IssueLink]],
    project_id: ProjectId,
    project_ids: Sequence[ProjectId],
) -> tuple[LinkedReplay, ...]:
    """Place the first event that an issue of a project has in each of some replays."""
    events = await trace_events.read_events(
        connection, [(project_id, link.event_id) for _, link in linked]
    )
    moments = {event.event_id: placement.make_event_moment(event) for event in events}
    asked = [
        ReplayMoments(
            replay_clock.make_window(replay, ()),
            replay.key.project_id,
            # Of an event that is being deleted at this moment, only the link may be left.
            [moments.get(link.event_id) or _make_link_moment(link, project_id)],
        )
        for replay, link in linked
    ]
    placed = await placement.place_in_replays(connection, asked, project_ids)
    return tuple(
        _make_linked_replay(replay, moments_of.window, offset)
        for (replay, _), moments_of, [offset] in zip(linked, asked, placed, strict=True)
    )


def _make_link_moment(link: IssueLink, project_id: ProjectId) -> PlacedMoment:
    return PlacedMoment(project_id, link.platform, link.at, link.drift_ms, None, None)


def _make_linked_replay(replay: Replay, window: ReplayWindow, offset: timedelta) -> LinkedReplay:
    return LinkedReplay(
        replay,
        round(offset.total_seconds() * 1000),
        is_apart=replay_clock.near_replay_ms(window, offset) is None,
    )
