"""Links issues and replays in digest's transaction, in whatever order they arrive.

    segment, event, transaction, span ─► trace links: a replay and a trace that it names together
    new event ─────────────► replays that it names, or whose traces and time it shares ┐
    new segment or trace ──► events that name the replay, or share its trace and time ─┴─► link

A link is an issue and a replay, with the first event that connects them. The rule is that of
`playback/links/`, seen from the issue: an issue lists a replay when the replay lists an event of
that issue.

Source: docs/protocol.md, section 7.3.
"""

from collections.abc import Collection, Iterable
from datetime import date
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.days import OLD_DAY, BatchDays
from app.core.ids import EventId, ProjectId, ReplayId
from app.core.replay.replay_window import SLACK, SMALL_DRIFT
from app.db import windows
from app.db.engine import get_driver
from app.ingest.items.event import EVENT
from app.ingest.items.item_type import PreparedBatch
from app.ingest.items.replay_video import REPLAY_VIDEO
from app.ingest.items.span import SPAN
from app.ingest.items.transaction import TRANSACTION
from app.issues import replay_links
from app.issues.model import NewEvent
from app.replays import trace_links
from app.replays.trace_links import TraceLink
from app.traces.model import NewBlock

_SLACK: Final = f"interval '{SLACK.total_seconds():g} s'"
_NEAR: Final = f"interval '{SMALL_DRIFT.total_seconds():g} s'"
_DRIFT: Final = "r.drift_ms * interval '1 ms'"
_WINDOW: Final = f"""
    r.project_id, r.replay_id, r.first_received_at,
    r.started_at - {_SLACK} as starts, r.ended_at + {_SLACK} as ends,
    r.started_at + {_DRIFT} - {_SLACK} as server_starts,
    r.ended_at + {_DRIFT} + {_SLACK} as server_ends, r.drift_ms as own_drift_ms
"""
_OF_REPLAY: Final = "w.project_id as replay_project_id, w.replay_id, w.first_received_at"
_OF_EVENT: Final = "{0}.event_id, {0}.at, {0}.drift_ms, {0}.platform"
_SINCE: Final = f"({{0}}.day >= ${{1}} or {{0}}.day = '{OLD_DAY}')"
"""Nothing is stored before it happens, so Postgres need not look into earlier days."""
_TRACED: Final = windows.traced_rows(
    "events",
    f"x.project_id as of_project, x.issue_id, {_OF_EVENT.format('x')}",
    lasts=False,
    only=f"x.issue_id is not null and {_SINCE.format('x', 5)}",
)
_LINK: Final = f"""
    with fresh as materialized (
        select e.project_id, e.issue_id, e.replay_id as named_id, e.trace_id,
               {_OF_EVENT.format("e")}
        from unnest($1::bigint[], $2::uuid[]) as k (project_id, event_id)
        -- By the key, fenced off: the plan is made once, often while the partition of the day is
        -- empty, and a join with all its events looks cheaper then.
        cross join lateral (
            select * from events e
            where e.project_id = k.project_id and e.event_id = k.event_id and e.day = $4 offset 0
        ) e
        where e.issue_id is not null
    ),
    windows as materialized (
        select row_number() over () as n, {_WINDOW}
        from replays r where r.replay_id = any($3::uuid[])
    ),
    window_traces as materialized (
        select distinct w.*, t.trace_id, r.starts as reach_starts, r.ends as reach_ends
        from windows w
        join replay_traces t on t.replay_id = w.replay_id
        cross join lateral (
            select w.server_starts - {_NEAR} as starts, w.server_ends + {_NEAR} as ends
        ) s
        cross join lateral (
            select least(w.starts, s.starts) as starts, greatest(w.ends, s.ends) as ends
            where w.starts <= s.ends and w.ends >= s.starts
            union all select w.starts, w.ends where w.starts > s.ends or w.ends < s.starts
            union all select s.starts, s.ends where w.starts > s.ends or w.ends < s.starts
        ) r
    ),
    candidates as (
        select f.project_id, f.issue_id, {_OF_REPLAY}, {_OF_EVENT.format("f")}
        from fresh f join replays w on w.replay_id = f.named_id
        union all
        select f.project_id, f.issue_id, {_OF_REPLAY}, {_OF_EVENT.format("f")}
        from fresh f
        join replay_traces t on t.trace_id = f.trace_id
        cross join lateral (select {_WINDOW} from replays r where r.replay_id = t.replay_id) w
        where f.named_id is null and {windows.happened_within("f")}
        union all
        select l.project_id, l.issue_id, {_OF_REPLAY}, {_OF_EVENT.format("e")}
        from windows w
        join issue_replays l on l.replay_id = w.replay_id
        cross join lateral (
            -- By the replay, fenced off: the index of issues would lead through all their events.
            select {_OF_EVENT.format("e")} from (
                select e.project_id, e.issue_id, {_OF_EVENT.format("e")} from events e
                where e.replay_id = l.replay_id and {_SINCE.format("e", 5)} offset 0
            ) e
            where e.project_id = l.project_id and e.issue_id = l.issue_id
              and not exists (
                  select from issue_links k
                  where k.project_id = l.project_id and k.issue_id = l.issue_id
                    and k.replay_project_id = w.project_id and k.replay_id = w.replay_id
              )
            order by e.at, e.event_id limit 1
        ) e
        union all
        select e.of_project, e.issue_id, {_OF_REPLAY}, {_OF_EVENT.format("e")}
        from windows w join ({_TRACED}) e on e.n = w.n
    ),
    firsts as (
        select distinct on (project_id, issue_id, replay_project_id, replay_id) * from candidates
        order by project_id, issue_id, replay_project_id, replay_id, at, event_id
    ),
    new as (
        insert into issue_links as k (
            project_id, issue_id, replay_project_id, replay_id, first_received_at,
            event_id, at, drift_ms, platform
        )
        select f.* from firsts f
        where not exists (
            select from issue_links k
            where k.project_id = f.project_id and k.issue_id = f.issue_id
              and k.replay_project_id = f.replay_project_id and k.replay_id = f.replay_id
              and (k.at, k.event_id) <= (f.at, f.event_id)
        )
        on conflict (project_id, issue_id, replay_project_id, replay_id) do update set
            event_id = excluded.event_id, at = excluded.at, drift_ms = excluded.drift_ms,
            platform = excluded.platform
        where (k.at, k.event_id) > (excluded.at, excluded.event_id)
        returning project_id, issue_id, replay_project_id, (xmax = 0) as is_new
    )
    insert into issue_link_counts as c (project_id, issue_id, replay_project_id, replays)
    select project_id, issue_id, replay_project_id, count(*) from new where is_new
    group by 1, 2, 3 order by 1, 2, 3
    on conflict (project_id, issue_id, replay_project_id)
        do update set replays = c.replays + excluded.replays
"""  # noqa: S608 - joined from constants


_UNLINKED: Final = f"""
    select r.replay_id from replays r
    where r.replay_id = any($1::uuid[]) and (
        exists (
            select from issue_replays l
            where l.replay_id = r.replay_id and not exists (
                select from issue_links k
                where k.project_id = l.project_id and k.issue_id = l.issue_id
                  and k.replay_project_id = r.project_id and k.replay_id = r.replay_id
            )
        )
        or exists (
            select from replay_traces t join events e on e.trace_id = t.trace_id
            where t.replay_id = r.replay_id and e.replay_id is null and {_SINCE.format("e", 2)}
        )
    )
"""  # noqa: S608 - joined from constants


async def link_batch(
    connection: AsyncConnection,
    prepared: PreparedBatch,
    new_events: Iterable[tuple[ProjectId, EventId]],
    days: BatchDays,
) -> None:
    """Link the events and segments of a batch; call it when all rows of the batch are written.

    Args:
        connection: The transaction that stored the batch.
        prepared: The batch.
        new_events: The keys of its events that were not stored before.
        days: The days of the batch.
    """
    segments = [row.segment for row in prepared.rows_of(REPLAY_VIDEO)]
    named_links = _find_trace_links(prepared)
    replay_ids = {segment.key.replay_id for segment in segments}
    replay_ids |= await trace_links.add_trace_links(connection, named_links)
    new_keys = set(new_events)
    events = [
        event for event in prepared.rows_of(EVENT) if (event.project_id, event.event_id) in new_keys
    ]
    replays_of_events = {event.replay_id for event in events if event.replay_id}
    traces_of_events = {
        event.trace_id for event in events if event.trace_id and not event.replay_id
    }
    # Two batches that bring two sides of one link wait for each other here, and the second one
    # sees what the first one stored.
    await replay_links.lock_links(
        connection,
        {
            *replay_ids,
            *replays_of_events,
            *await trace_links.find_replays_of_traces(connection, traces_of_events),
            *traces_of_events,
            *(trace_id for _, _, trace_id in named_links),
            *(trace_id for segment in segments for trace_id in segment.trace_ids),
        },
    )
    since = days.since or OLD_DAY
    to_link = await _select_unlinked(connection, replay_ids, since)
    await link_events_to_replays(connection, new_keys, to_link, day=days.today, since=since)


async def _select_unlinked(
    connection: AsyncConnection, replay_ids: Collection[ReplayId], since: date
) -> set[ReplayId]:
    """Skip replays whose events are all linked already, which is most of them."""
    if not replay_ids:
        return set()
    rows = await (await get_driver(connection)).fetch(_UNLINKED, list(replay_ids), since)
    return {ReplayId(row["replay_id"].hex) for row in rows}


async def link_events_to_replays(
    connection: AsyncConnection,
    events: Collection[tuple[ProjectId, EventId]],
    replay_ids: Collection[ReplayId],
    *,
    day: date = OLD_DAY,
    since: date = OLD_DAY,
) -> None:
    """Link events to the replays that are stored, and replays to the events that are stored.

    Doing it again changes nothing.

    Args:
        connection: The transaction that holds the locks of the links.
        events: The keys of new events.
        replay_ids: Replays with a new segment or a new trace.
        day: The day of the new events.
        since: The day before which no event of the replays was stored.
    """
    if not events and not replay_ids:
        return
    driver = await get_driver(connection)
    await driver.execute(
        _LINK,
        [project_id for project_id, _ in events],
        [event_id for _, event_id in events],
        list(replay_ids),
        day,
        since,
    )


async def relink_replays(connection: AsyncConnection, replay_ids: Collection[ReplayId]) -> None:
    """Link replays anew to the events that are left of issues after some were deleted.

    Args:
        connection: The transaction that deleted the events, and holds the locks of the links.
        replay_ids: The replays.
    """
    await link_events_to_replays(connection, (), replay_ids)


async def link_blocks(connection: AsyncConnection, blocks: Iterable[NewBlock]) -> None:
    """Link by the traces and replays that some blocks of spans name.

    For blocks that were stored by an older release and have moved to another table.
    """
    named = _collect_trace_links(blocks)
    replay_ids = await trace_links.add_trace_links(connection, named)
    await replay_links.lock_links(
        connection, {*replay_ids, *(trace_id for _, _, trace_id in named)}
    )
    await link_events_to_replays(connection, (), replay_ids)


def _find_trace_links(prepared: PreparedBatch) -> set[TraceLink]:
    """Find the events and spans of a batch that name both a trace and a replay.

    Segments are not among them, since storing them adds their own trace links.
    """
    transactions = prepared.rows_of(TRANSACTION)
    blocks = [
        *prepared.rows_of(SPAN),
        *(transaction.block for transaction in transactions),
        *(block for transaction in transactions for block in transaction.others),
    ]
    return _collect_trace_links([*prepared.rows_of(EVENT), *blocks])


def _collect_trace_links(rows: Iterable[NewEvent | NewBlock]) -> set[TraceLink]:
    ids_of_rows = [(row.project_id, row.replay_id, row.trace_id) for row in rows]
    return {
        (project_id, replay_id, trace_id)
        for project_id, replay_id, trace_id in ids_of_rows
        if replay_id is not None and trace_id is not None
    }
