"""Which replays belong to issues and events: one statement for counts, lists and previews.

    events that name a replay (issue_replays) ─────────────────────────┐
    the newest events without, by their trace:                         ├─► replays that are here,
        traces that segments, events or spans tie to a replay, ────────┘   of projects one may see
        and a moment inside its time

It is the rule of `links.py` seen from the other side, so that an issue lists a replay when that
replay lists an event of the issue. One limit: of an issue's events without a replay id the newest
`TRACED` are looked at, since each costs a look into three tables.

Source: wire protocol notes 7.3.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, DateTime, Integer, TextClause, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId, ReplayId
from app.core.windows import SLACK, ReplayWindow
from app.errors import queries as errors
from app.errors.model import IssueKey, StoredEvent
from app.errors.queries import Moment
from app.playback import links
from app.replays import queries as replays
from app.replays.model import Replay, ReplayKey
from app.replays.search import Place, at_of

MOST: Final = 50
"""Up to here replays are counted; a count of more reads `50+`."""
TRACED: Final = 30
"""Events without a replay id that are looked at, of each issue."""

_KEYS: Final = """
    keys as (
        select * from unnest(:numbers, :projects, :issues) as k (n, project_id, issue_id)
    ),
    named as (
        select k.n, r.* from keys k cross join lateral (
            select r.project_id, r.replay_id, r.first_received_at
            from issue_replays l join replays r on r.replay_id = l.replay_id
            where l.project_id = k.project_id and l.issue_id = k.issue_id
              and r.project_id = any(:project_ids)
            limit :most
        ) r
    ),
    traced as (
        select k.n, e.trace_id, e.at, e.drift_ms from keys k cross join lateral (
            select e.replay_id, e.trace_id, e.at, e.drift_ms from events e
            where e.project_id = k.project_id and e.issue_id = k.issue_id
            order by e.received_at desc, e.event_id desc
            limit :traced
        ) e
        where e.replay_id is null and e.trace_id is not null
    )
"""
_EVENT: Final = """
    named as (
        select 0 as n, r.project_id, r.replay_id, r.first_received_at
        from replays r where r.replay_id = :replay_id and r.project_id = any(:project_ids)
    ),
    traced as (
        select 0 as n, cast(:trace_id as uuid) as trace_id,
               cast(:at as timestamptz) as at, cast(:drift_ms as bigint) as drift_ms
        where cast(:replay_id as uuid) is null
    )
"""
_TIED: Final = 1_000
"""Rows of one trace in one table. The limit also tells Postgres to look each trace up by its index:
it takes a handful of traces for a reason to read whole tables (measured: 120 ms against 8)."""
_SLACK: Final = f"interval '{SLACK.total_seconds():g} s'"
_LINKED: Final = f"""
    tied as (
        select t.n, t.at, t.drift_ms, l.replay_id, l.project_id
        from traced t cross join lateral (
            (select l.replay_id, l.project_id from replay_traces l
             where l.trace_id = t.trace_id limit {_TIED})
            union all
            (select l.replay_id, null from events l
             where l.trace_id = t.trace_id and l.replay_id is not null
               and l.project_id = any(:project_ids) limit {_TIED})
            union all
            (select l.replay_id, null from span_blocks l
             where l.trace_id = t.trace_id and l.replay_id is not null
               and l.project_id = any(:project_ids) limit {_TIED})
        ) l
    ),
    linked as (
        select * from named
        union
        select t.n, r.project_id, r.replay_id, r.first_received_at
        from tied t cross join lateral (
            select r.* from replays r
            where r.replay_id = t.replay_id
              and (t.project_id is null or r.project_id = t.project_id)
              and r.project_id = any(:project_ids)
            limit {_TIED}
        ) r
        where t.at between r.started_at - {_SLACK} and r.ended_at + {_SLACK}
           or t.at + t.drift_ms * interval '1 ms'
               between r.started_at + r.drift_ms * interval '1 ms' - {_SLACK}
                   and r.ended_at + r.drift_ms * interval '1 ms' + {_SLACK}
    )
"""  # noqa: S608 - joined from constants

_MANY: Final = 1_000_000


def _statement(sql: str) -> TextClause:
    return text(sql).bindparams(
        bindparam("numbers", type_=ARRAY(Integer)),
        bindparam("projects", type_=ARRAY(BigInteger)),
        bindparam("issues", type_=ARRAY(Uuid)),
        bindparam("project_ids", type_=ARRAY(BigInteger)),
    )


_COUNTS: Final = _statement(
    f"with {_KEYS}, {_LINKED} select n, count(*) as replays from linked group by n"  # noqa: S608
)
_PAGE: Final = _statement(
    f"""
    with {_KEYS}, {_LINKED}
    select project_id, replay_id from linked
    where cast(:before_at as timestamptz) is null
       or (first_received_at, replay_id) < (:before_at, cast(:before_id as uuid))
    order by first_received_at desc, replay_id desc
    limit :rows
    """  # noqa: S608 - joined from constants
)
_OF_EVENT: Final = text(
    f"""
    with {_EVENT}, {_LINKED}
    select project_id, replay_id from linked order by first_received_at desc, replay_id desc limit 1
    """  # noqa: S608 - joined from constants
).bindparams(
    bindparam("project_ids", type_=ARRAY(BigInteger)),
    bindparam("replay_id", type_=Uuid()),
    bindparam("trace_id", type_=Uuid()),
    bindparam("at", type_=DateTime(timezone=True)),
)


@dataclass(frozen=True, slots=True)
class LinkedReplay:
    """A replay, and where an event lies in it."""

    replay: Replay
    at_ms: int | None
    """On the replay's clock, 0 at its start; None if the event is gone meanwhile."""


async def counts(
    connection: AsyncConnection, keys: Sequence[IssueKey], project_ids: Sequence[ProjectId]
) -> list[int]:
    """Count the replays of several issues, in the order given; more than `MOST` is `MOST` + 1.

    Args:
        connection: Where to read.
        keys: The issues.
        project_ids: The projects that the reader may see.
    """
    found = [0 for _ in keys]
    if keys:
        for row in await connection.execute(_COUNTS, _parameters(keys, project_ids, MOST + 1)):
            found[row.n] = min(row.replays, MOST + 1)
    return found


async def page_of(
    connection: AsyncConnection,
    key: IssueKey,
    project_ids: Sequence[ProjectId],
    *,
    before: Place | None = None,
    limit: int,
) -> list[LinkedReplay]:
    """Read a page of the replays of an issue, the newest received first.

    Args:
        connection: Where to read.
        key: The issue.
        project_ids: The projects that the reader may see.
        before: The place of the last replay of the page before.
        limit: Rows at most.
    """
    place = {
        "before_at": at_of(before) if before else None,
        "before_id": uuid.UUID(hex=before.replay_id) if before else None,
        "rows": limit,
    }
    found = await connection.execute(_PAGE, _parameters([key], project_ids, _MANY) | place)
    replay_keys = [
        ReplayKey(ProjectId(row.project_id), ReplayId(row.replay_id.hex)) for row in found
    ]
    return await _placed(connection, replay_keys, project_ids, key)


async def of_event(
    connection: AsyncConnection, event: StoredEvent, project_ids: Sequence[ProjectId]
) -> LinkedReplay | None:
    """Find the replay that an event belongs to, if it is here; of several the newest."""
    found = await connection.execute(
        _OF_EVENT,
        {
            "replay_id": uuid.UUID(hex=event.replay_id) if event.replay_id else None,
            "trace_id": uuid.UUID(hex=event.trace_id) if event.trace_id else None,
            "at": event.at,
            "drift_ms": event.drift_ms,
            "project_ids": list(project_ids),
        },
    )
    row = found.first()
    if row is None:
        return None
    key = ReplayKey(ProjectId(row.project_id), ReplayId(row.replay_id.hex))
    replay = await replays.one(connection, key)
    if replay is None:
        return None
    (window,) = await links.windows_of(connection, [replay], project_ids)
    made_by = links.side(key.project_id, event.project_id, event.platform)
    return LinkedReplay(replay, links.offset_ms(window, event.at, event.drift_ms, made_by=made_by))


async def _placed(
    connection: AsyncConnection,
    keys: Sequence[ReplayKey],
    project_ids: Sequence[ProjectId],
    issue: IssueKey,
) -> list[LinkedReplay]:
    """Read replays, and where the first event of the issue lies in each."""
    found = await replays.several(connection, keys)
    windows = await links.windows_of(connection, found, project_ids)
    moments = await errors.moments(connection, windows, project_ids, issue)
    return [
        LinkedReplay(replay, _at_ms(replay, window, moment, issue[0]))
        for replay, window, moment in zip(found, windows, moments, strict=True)
    ]


def _at_ms(
    replay: Replay, window: ReplayWindow, moment: Moment | None, project_id: ProjectId
) -> int | None:
    if moment is None:
        return None
    made_by = links.side(replay.key.project_id, project_id, moment.platform)
    return links.offset_ms(window, moment.at, moment.drift_ms, made_by=made_by)


def _parameters(
    keys: Sequence[IssueKey], project_ids: Sequence[ProjectId], most: int
) -> dict[str, Any]:
    return {
        "numbers": list(range(len(keys))),
        "projects": [key[0] for key in keys],
        "issues": [uuid.UUID(hex=key[1]) for key in keys],
        "project_ids": list(project_ids),
        "most": most,
        "traced": TRACED,
    }
