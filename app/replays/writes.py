"""Adding segments: keyed and commutative, so that order and repetition change nothing.

Rows go to Postgres as arrays, one statement for each table and batch, whatever is in it: measured,
a third of what multi-row VALUES cost on both sides.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.text import clean, clean_or_none
from app.replays import statements
from app.replays.model import NewSegment, ReplayKey
from app.replays.tables import object_outbox, pack_outbox, packs

_POOR: Final = 1_000_000
"""Added to the rank of a segment whose facts are poor: any complete one beats it."""
_NEVER: Final = 2_147_483_647


@dataclass(frozen=True, slots=True)
class Placed:
    """A new segment, and where in the pack of its batch its video lies; None without one."""

    segment: NewSegment
    offset: int | None


@dataclass(frozen=True, slots=True)
class AddedSegment:
    """What became of one segment."""

    placed: Placed
    is_new: bool
    """False when a row without video gained this segment's video."""

    @property
    def segment(self) -> NewSegment:
        """The segment itself."""
        return self.placed.segment


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes of a pack that belonged to a replay."""

    key: ReplayKey
    pack_id: int
    offset: int
    size_bytes: int


async def add_pack(connection: AsyncConnection, object_key: str, *, live: int) -> int:
    """Note an object that holds the videos of a batch; returns the pack's id.

    Args:
        connection: Where to write.
        object_key: The object, which is stored already.
        live: Segments that lie in it. Those that turn out to be duplicates are taken off again
            by `discard_stretches`.
    """
    statement = insert(packs).values(object_key=object_key, live=live).returning(packs.c.id)
    pack_id: int = (await connection.execute(statement)).scalar_one()
    return pack_id


async def add_segments(
    connection: AsyncConnection, new: Sequence[Placed], *, pack_id: int | None
) -> list[AddedSegment]:
    """Store segments that are not there yet, and what they add to their replays.

    Args:
        connection: Where to write.
        new: Segments, in the order of arrival.
        pack_id: The pack their videos lie in; None when none has a video.

    Returns:
        Those that changed something. A segment that is absent was a duplicate: the first write
        wins, except that a row without video may gain one.
    """
    added: list[AddedSegment] = []
    by_key: dict[tuple[ReplayKey, int], Placed] = {}
    for one in new:
        place = one.segment.key, one.segment.segment_id
        first = by_key.setdefault(place, one)
        if first.segment.video is None and one.segment.video is not None:
            by_key[place] = one
    if by_key:
        # Sorted, so that two processes lock rows in the same order.
        rows = [_segment_row(by_key[place], pack_id) for place in sorted(by_key)]
        for row in await connection.execute(statements.INSERT_SEGMENTS, _columns(rows)):
            key = ReplayKey(row.project_id, row.replay_id)
            added.append(AddedSegment(by_key[key, row.segment_id], row.is_new))
    if added:
        await _add_to_replays(connection, added)
        await _add_traces(connection, added)
    return added


async def discard_stretches(
    connection: AsyncConnection, stretches: Sequence[Stretch], at: datetime
) -> None:
    """Note bytes of packs that no row points at any more, for the sweep to wipe."""
    if not stretches:
        return
    await connection.execute(
        insert(pack_outbox),
        [
            {
                "pack_id": one.pack_id,
                "object_offset": one.offset,
                "object_bytes": one.size_bytes,
                "project_id": one.key.project_id,
                "replay_id": one.key.replay_id,
                "added_at": at,
            }
            for one in stretches
        ],
    )
    # Sorted, so that two processes lock packs in the same order.
    for pack_id, count in sorted(Counter(one.pack_id for one in stretches).items()):
        await connection.execute(
            update(packs).where(packs.c.id == pack_id).values(live=packs.c.live - count)
        )


async def discard_objects(
    connection: AsyncConnection, object_keys: Iterable[str], at: datetime
) -> None:
    """Note whole objects that nothing points at for removal by the sweep."""
    rows = [{"object_key": one, "added_at": at} for one in sorted(set(object_keys))]
    if rows:
        await connection.execute(insert(object_outbox), rows)


def _columns(rows: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    """Turn rows of the same columns into arrays, one for each column."""
    return {name: [row[name] for row in rows] for name in rows[0]}


def _segment_row(placed: Placed, pack_id: int | None) -> dict[str, Any]:
    one, video = placed.segment, placed.segment.video
    declared = one.declared_size_px or (None, None)
    return {
        "project_id": one.key.project_id,
        "replay_id": one.key.replay_id,
        "segment_id": one.segment_id,
        "received_at": one.received_at,
        "drift_ms": one.drift_ms,
        "started_at": one.started_at,
        "ended_at": one.ended_at,
        "replay_type": clean_or_none(one.replay_type),
        "sdk_name": clean_or_none(one.sdk_name),
        "width_px": video.width_px if video else declared[0],
        "height_px": video.height_px if video else declared[1],
        "frames": video.frames if video else 0,
        "codec": clean_or_none(video.codec) if video else None,
        "video_fault": clean_or_none(video.fault if video else one.no_video_reason),
        "pack_id": pack_id if video else None,
        "object_offset": placed.offset or 0,
        "object_bytes": video.object_bytes if video else 0,
        "layout": video.layout if video else None,
        "recording": one.recording,
        "breadcrumbs": one.breadcrumbs,
        "screens": statements.joined(clean(name) for name in one.screens),
    }


async def _add_to_replays(connection: AsyncConnection, added: Sequence[AddedSegment]) -> None:
    by_key: defaultdict[ReplayKey, list[AddedSegment]] = defaultdict(list)
    for one in added:
        by_key[one.segment.key].append(one)
    # Sorted, so that two processes lock rows in the same order.
    rows = [_replay_row(key, by_key[key]) for key in sorted(by_key)]
    await connection.execute(statements.UPSERT_REPLAYS, _columns(rows))


def _replay_row(key: ReplayKey, added: Sequence[AddedSegment]) -> dict[str, Any]:
    """Fold the segments of one batch into one row of differences."""
    all_of = [one.segment for one in added]
    new = [one.segment for one in added if one.is_new]
    videos = [one.video for one in all_of if one.video]
    lowest = min(all_of, key=lambda one: one.segment_id)
    factual = min(all_of, key=_facts_rank)
    known = min((one for one in all_of if one.user), key=lambda one: one.segment_id, default=None)
    screens = {
        f"{one.segment_id:05}:{position:02}:{clean(name, limit_bytes=200)}"
        for one in new
        for position, name in enumerate(one.screens[:100])
    }
    return {
        "project_id": key.project_id,
        "replay_id": key.replay_id,
        "first_received_at": min(one.received_at for one in all_of),
        "last_received_at": max(one.received_at for one in all_of),
        "started_at": min(one.started_at for one in all_of),
        "ended_at": max(one.ended_at for one in all_of),
        "drift_ms": lowest.drift_ms,
        "type_rank": lowest.segment_id,
        "replay_type": clean_or_none(lowest.replay_type),
        "facts_rank": _facts_rank(factual),
        "facts": factual.facts,
        "user_rank": known.segment_id if known else _NEVER,
        "recorded_user": known.user if known else "{}",
        "background_at": max((one.background_at for one in new if one.background_at), default=None),
        "foreground_at": max((one.foreground_at for one in new if one.foreground_at), default=None),
        "screens": statements.joined(sorted(screens)[: statements.SCREENS]),
        "segments": len(new),
        "video_segments": sum(video.layout is not None for video in videos),
        "video_ms": sum(video.duration_ms for video in videos if video.layout is not None),
        "video_bytes": sum(video.object_bytes for video in videos),
        "frames": sum(video.frames for video in videos if video.layout is not None),
        "breadcrumbs": sum(one.breadcrumbs for one in new),
        "taps": sum(one.taps for one in new),
        "rage_taps": sum(one.rage_taps for one in new),
        "network_requests": sum(one.network_requests for one in new),
        "network_failures": sum(one.network_failures for one in new),
    }


def _facts_rank(one: NewSegment) -> int:
    return one.segment_id + (0 if one.is_complete else _POOR)


async def _add_traces(connection: AsyncConnection, added: Sequence[AddedSegment]) -> None:
    rows = sorted(
        {
            (one.segment.key.project_id, one.segment.key.replay_id, trace_id)
            for one in added
            for trace_id in one.segment.trace_ids
        }
    )
    if rows:
        project_ids, replay_ids, trace_ids = map(list, zip(*rows, strict=True))
        await connection.execute(
            statements.INSERT_TRACES,
            {"project_id": project_ids, "replay_id": replay_ids, "trace_id": trace_ids},
        )
