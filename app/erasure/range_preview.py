"""Counts what a project received in a range of time, before anybody erases it."""

from collections import Counter
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.db import record_scans
from app.erasure.jobs.scopes import RangeScope
from app.erasure.people import records
from app.replays.deletion import erase_scopes
from app.replays.keeping import holds
from app.replays.model import ReplayKey

_BATCH: Final = 5_000


async def preview_range(
    connection: AsyncConnection, project_id: ProjectId, scope: RangeScope
) -> tuple[Counter[str], int]:
    """Count what a range of time has, without changing anything.

    Returns:
        Counts by the names in `COUNTED` and `video_bytes`, and the number of replays under holds.
    """
    counts, held = Counter[str](), 0
    if "replays" in scope.kinds:
        within = erase_scopes.is_received_within(scope.since, scope.until)
        after: ReplayKey | None = None
        while keys := await erase_scopes.list_replay_keys(
            connection, project_id, within, after=after, limit=_BATCH
        ):
            after = keys[-1]
            replays, segments, size_bytes = await erase_scopes.sum_replays(connection, keys)
            counts.update({"replays": replays, "segments": segments, "video_bytes": size_bytes})
            held += len(await holds.find_holds(connection, keys))
    sources = [source for kind in scope.kinds for source in records.RECORD_KINDS[kind]]
    for source in sources:
        condition = record_scans.is_received_between(source, scope.since, scope.until)
        counts[records.COUNTED_AS[source.name]] += await record_scans.count_records(
            connection, source, project_id, condition=condition
        )
    return counts, held
