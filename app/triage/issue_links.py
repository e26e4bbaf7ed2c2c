"""The replays of issues and events: what digest linked, placed on the clocks of the replays.

Links are kept (`ingest/digest/link_issues.py`), so that lists, tabs and pages count the same rows, however many
there are. An event finds its replay by the same rule: the one it names, else one of its trace in
whose time it lies.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, cast

from sqlalchemy import BigInteger, DateTime, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId, ReplayId
from app.core.replay_window import SLACK, ReplayWindow
from app.db.lists import ListCursor
from app.db.windows import are_held_up
from app.issues import replay_links, trace_events
from app.issues.model import IssueKey, StoredEvent
from app.issues.replay_links import IssueLink
from app.playback.links import placement, replay_clock
from app.playback.links.placement import Moment, ReplayMoments
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
    """A replay, and where an event lies in it."""

    replay: Replay
    at_ms: int
    """On the replay's clock, 0 at its start."""
    is_apart: bool
    """The event names the replay, and was at another time than what is here of it."""


@dataclass(frozen=True, slots=True)
class LinkedReplayPage:
    """Some replays of an issue, the newest received first."""

    replays: tuple[LinkedReplay, ...]
    older: ListCursor | None
    """Cursor that the next page begins after; None when this is the last page."""


async def read_linked_replays(
    connection: AsyncConnection,
    key: IssueKey,
    project_ids: Sequence[ProjectId],
    *,
    before: ListCursor | None = None,
    limit: int,
) -> LinkedReplayPage:
    """Read a page of the replays of an issue, the newest received first.

    Args:
        connection: Where to read.
        key: The issue.
        project_ids: The projects that the reader may see.
        before: The cursor that the page begins after; a moment of receipt, and a replay's id.
        limit: Rows at most.
    """
    edge = cast("tuple[datetime, ReplayId] | None", before)
    found = await replay_links.read_links(
        connection, key, project_ids, before=edge, limit=limit + 1
    )
    listed, last = found[:limit], found[limit - 1] if len(found) > limit else None
    keys = [ReplayKey(link.replay_project_id, link.replay_id) for link in listed]
    # One that is being deleted this moment is gone while its link is not yet.
    here = {one.key: one for one in await replays.read_replays(connection, keys)}
    known = [
        (here[replay_key], link)
        for replay_key, link in zip(keys, listed, strict=True)
        if replay_key in here
    ]
    return LinkedReplayPage(
        await _place_links(connection, known, key[0], project_ids),
        (last.first_received_at, last.replay_id) if last else None,
    )


async def find_replay_of_event(
    connection: AsyncConnection, event: StoredEvent, project_ids: Sequence[ProjectId]
) -> LinkedReplay | None:
    """Find the replay that an event belongs to, if it is here; of several the newest."""
    candidates = await _read_candidates(connection, event, project_ids)
    newest = max(candidates, key=lambda one: (one.first_received_at, one.key), default=None)
    if newest is None:
        return None
    window = replay_clock.make_window(newest, ())
    [offset] = await placement.place_in_replay(
        connection, window, newest.key.project_id, [placement.make_event_moment(event)], project_ids
    )
    return _linked_replay(newest, window, offset)


async def _read_candidates(
    connection: AsyncConnection, event: StoredEvent, project_ids: Sequence[ProjectId]
) -> list[Replay]:
    """Read the replays that an event names, or else those of its trace in whose time it lies."""
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
    known: Sequence[tuple[Replay, IssueLink]],
    project_id: ProjectId,
    project_ids: Sequence[ProjectId],
) -> tuple[LinkedReplay, ...]:
    """Place the first event that an issue of a project has in each of some replays."""
    events = await trace_events.read_events(
        connection, [(project_id, link.event_id) for _, link in known]
    )
    moments = {event.event_id: placement.make_event_moment(event) for event in events}
    asked = [
        ReplayMoments(
            replay_clock.make_window(replay, ()),
            replay.key.project_id,
            # An event that is being deleted this moment is known by its link alone.
            [moments.get(link.event_id) or _moment_of_link(link, project_id)],
        )
        for replay, link in known
    ]
    placed = await placement.place_in_replays(connection, asked, project_ids)
    return tuple(
        _linked_replay(replay, one.window, offset)
        for (replay, _), one, [offset] in zip(known, asked, placed, strict=True)
    )


def _moment_of_link(link: IssueLink, project_id: ProjectId) -> Moment:
    return Moment(project_id, link.platform, link.at, link.drift_ms, None, None)


def _linked_replay(replay: Replay, window: ReplayWindow, offset: timedelta) -> LinkedReplay:
    return LinkedReplay(
        replay,
        round(offset.total_seconds() * 1000),
        is_apart=replay_clock.near_replay_ms(window, offset) is None,
    )
