"""Tells a replay that only a crash made known what its crash event says of the app.

    segment that came with the next launch ─┐
    crash event that names its replay ──────┴─► release, environment

Android sends such segments without them. In buffer mode with a crash there are no others.

Source: docs/protocol.md, sections 4.4, 6.5.
"""

from collections.abc import Collection
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, ProjectId
from app.db.engine import get_driver
from app.formats.events.event import CRASHES
from app.ingest.items.event import EVENT
from app.ingest.items.item_type import PreparedBatch
from app.ingest.items.replay_video import REPLAY_VIDEO
from app.replays.writes import POOR

_FILL: Final = """
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
          and e.kind = any($3::text[]) and e.release is not null and e.environment is not null
        order by e.at, e.event_id limit 1
    ) c
    where r.project_id = p.project_id and r.replay_id = p.replay_id and not r.facts @> c.facts
"""
"""Of several crashes the first one counts, in whatever order they come. A row that is locked
belongs to a batch with more of the replay; that waits for this one and then looks itself, so to
wait for it here would never end."""


async def copy_crash_facts(
    connection: AsyncConnection,
    prepared: PreparedBatch,
    added: Collection[tuple[ProjectId, EventId]],
) -> None:
    """Fill in what the segments of a batch lack, or what its crashes know; most have neither.

    Args:
        connection: Of the transaction that stored the batch, and holds the locks of its links.
        prepared: The batch.
        added: The events of it that were new.
    """
    replay_ids = {
        work.segment.key.replay_id
        for work in prepared.rows_of(REPLAY_VIDEO)
        if not work.segment.is_complete
    }
    replay_ids |= {
        one.replay_id
        for one in prepared.rows_of(EVENT)
        if one.replay_id and one.kind in CRASHES and (one.project_id, one.event_id) in added
    }
    if replay_ids:
        driver = await get_driver(connection)
        await driver.execute(_FILL, list(replay_ids), POOR, list(CRASHES))
