"""Copies release and environment from a crash event to a replay that has none of its own.

    segment that was sent at the next launch ─┐
    crash event that names its replay ────────┴─► release, environment

After a crash, Android sends the last segments at the next launch, without release and environment.
In buffer mode a replay that ends in a crash has no other segments.

Source: docs/protocol.md, sections 4.4, 6.5.
"""

from collections.abc import Collection
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.days import OLD_DAY, BatchDays
from app.core.ids import EventId, ProjectId
from app.db.engine import get_driver
from app.formats.events.event import CRASHES
from app.ingest.items.event import EVENT
from app.ingest.items.item_type import PreparedBatch
from app.ingest.items.replay_video import REPLAY_VIDEO
from app.replays.writes import POOR

_COPY_FACTS: Final = f"""
    with poor as (
        select project_id, replay_id from replays
        where replay_id = any($1::uuid[]) and facts_rank >= $2
        for no key update skip locked
    )
    update replays r set facts = r.facts || c.facts
    from poor p cross join lateral (
        select jsonb_build_object('release', release, 'environment', environment) as facts
        from events e
        where e.project_id = p.project_id and e.replay_id = p.replay_id
          and (e.day >= $4 or e.day = '{OLD_DAY}')
          and e.kind = any($3::text[]) and e.release is not null and e.environment is not null
        order by e.at, e.event_id limit 1
    ) c
    where r.project_id = p.project_id and r.replay_id = p.replay_id and not r.facts @> c.facts
"""  # noqa: S608 - made of a constant
"""The first of several crashes counts, in whatever order they arrive. A locked row belongs to a
batch with more of the same replay. That batch waits for this one and then copies the facts itself,
so waiting for its lock here would never end."""


async def copy_crash_facts(
    connection: AsyncConnection,
    prepared: PreparedBatch,
    new_events: Collection[tuple[ProjectId, EventId]],
    days: BatchDays,
) -> None:
    """Copy facts to replays whose incomplete segments, or whose crashes, are in a batch.

    Args:
        connection: The transaction that stored the batch and holds the locks of its links.
        prepared: The batch; most have neither such segments nor crashes.
        new_events: The keys of its events that were not stored before.
        days: The days of the batch.
    """
    replay_ids = {
        row.segment.key.replay_id
        for row in prepared.rows_of(REPLAY_VIDEO)
        if not row.segment.is_complete
    }
    replay_ids |= {
        event.replay_id
        for event in prepared.rows_of(EVENT)
        if event.replay_id
        and event.kind in CRASHES
        and (event.project_id, event.event_id) in new_events
    }
    if replay_ids:
        driver = await get_driver(connection)
        since = days.since or OLD_DAY
        await driver.execute(_COPY_FACTS, list(replay_ids), POOR, list(CRASHES), since)
