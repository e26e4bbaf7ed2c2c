"""Adding segments: keyed and commutative, so that order and repetition change nothing."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import case, func, literal_column, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningInsert

from app.db.text import clean, clean_json, clean_or_none
from app.replays.model import NewSegment, ReplayKey
from app.replays.tables import object_outbox, replay_traces, replays, segments

_POOR: Final = 1_000_000
"""Added to the rank of a segment whose facts are poor: any complete one beats it."""
_NEVER: Final = 2_147_483_647
_SCREENS: Final = 200
"""Screens kept per replay for lists; the page reads them all from its segments."""
_JOINED_SCREENS: Final = text(
    "(select coalesce(array_agg(s order by s), '{}') from (select distinct s from"
    " unnest(replays.screens || excluded.screens) as s order by s limit :most_screens) as u)"
).bindparams(most_screens=_SCREENS)


@dataclass(frozen=True, slots=True)
class AddedSegment:
    """What became of one segment."""

    segment: NewSegment
    is_new: bool
    """False when a row without video gained this segment's video."""


async def add_segments(
    connection: AsyncConnection, new: Sequence[NewSegment]
) -> list[AddedSegment]:
    """Store segments that are not there yet, and what they add to their replays.

    Returns:
        Those that changed something. A segment that is absent was a duplicate: the first write
        wins, except that a row without video may gain one.
    """
    added: list[AddedSegment] = []
    by_key: dict[tuple[ReplayKey, int], NewSegment] = {}
    for one in new:
        first = by_key.setdefault((one.key, one.segment_id), one)
        if first.video is None and one.video is not None:
            by_key[one.key, one.segment_id] = one
    if by_key:
        # Sorted, so that two processes lock rows in the same order.
        rows = [_segment_row(by_key[place]) for place in sorted(by_key)]
        for row in await connection.execute(_INSERT_SEGMENTS, rows):
            key = ReplayKey(row.project_id, row.replay_id)
            added.append(AddedSegment(by_key[key, row.segment_id], row.is_new))
    if added:
        await _add_to_replays(connection, added)
        await _add_traces(connection, added)
    return added


async def discard_objects(
    connection: AsyncConnection, objects: Iterable[tuple[ReplayKey, str]], at: datetime
) -> None:
    """Note objects that nothing points at for removal by the sweep."""
    rows = [
        {
            "project_id": key.project_id,
            "replay_id": key.replay_id,
            "object_key": object_key,
            "added_at": at,
        }
        for key, object_key in sorted(set(objects))
    ]
    if rows:
        await connection.execute(insert(object_outbox), rows)


def _segment_row(one: NewSegment) -> dict[str, Any]:
    video = one.video
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
        "sdk_name": clean_or_none(one.facts.get("sdk_name")),
        "width_px": video.width_px if video else declared[0],
        "height_px": video.height_px if video else declared[1],
        "frames": video.frames if video else 0,
        "codec": clean_or_none(video.codec) if video else None,
        "video_fault": clean_or_none(video.fault if video else one.no_video_reason),
        "object_key": video.object_key if video else None,
        "object_offset": video.object_offset if video else 0,
        "object_bytes": video.object_bytes if video else 0,
        "layout": video.layout if video else None,
        "recording": one.recording,
        "breadcrumbs": one.breadcrumbs,
        "screens": [clean(name) for name in one.screens],
    }


async def _add_to_replays(connection: AsyncConnection, added: Sequence[AddedSegment]) -> None:
    by_key: defaultdict[ReplayKey, list[AddedSegment]] = defaultdict(list)
    for one in added:
        by_key[one.segment.key].append(one)
    # Sorted, so that two processes lock rows in the same order.
    rows = [_replay_row(key, by_key[key]) for key in sorted(by_key)]
    await connection.execute(_UPSERT_REPLAYS, rows)


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
        "facts": clean_json(dict(factual.facts)),
        "user_rank": known.segment_id if known else _NEVER,
        "recorded_user": clean_json(dict(known.user)) if known else {},
        "background_at": max((one.background_at for one in new if one.background_at), default=None),
        "foreground_at": max((one.foreground_at for one in new if one.foreground_at), default=None),
        "screens": sorted(screens)[:_SCREENS],
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
    names = ("project_id", "replay_id", "trace_id")
    if rows:
        await connection.execute(
            insert(replay_traces).on_conflict_do_nothing(),
            [dict(zip(names, row, strict=True)) for row in rows],
        )


def _insert_segments() -> ReturningInsert[Any]:
    statement = insert(segments)
    video = (
        "width_px", "height_px", "frames", "codec", "video_fault",
        "object_key", "object_offset", "object_bytes", "layout",
    )  # fmt: skip
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["project_id", "replay_id", "segment_id"],
        set_={
            **{name: new[name] for name in video},
            "started_at": func.least(segments.c.started_at, new.started_at),
            "ended_at": func.greatest(segments.c.ended_at, new.ended_at),
        },
        where=segments.c.object_key.is_(None) & statement.excluded.object_key.is_not(None),
    ).returning(
        segments.c.project_id,
        segments.c.replay_id,
        segments.c.segment_id,
        literal_column("(xmax = 0)").label("is_new"),
    )


def _upsert_replays() -> ReturningInsert[Any]:
    statement = insert(replays)
    new, old = statement.excluded, replays.c
    changes: dict[str, Any] = {
        "first_received_at": func.least(old.first_received_at, new.first_received_at),
        "last_received_at": func.greatest(old.last_received_at, new.last_received_at),
        "started_at": func.least(old.started_at, new.started_at),
        "ended_at": func.greatest(old.ended_at, new.ended_at),
        "background_at": func.greatest(old.background_at, new.background_at),
        "foreground_at": func.greatest(old.foreground_at, new.foreground_at),
        "screens": _JOINED_SCREENS,
    }
    for rank, decided in (
        ("type_rank", ("replay_type", "drift_ms")),
        ("facts_rank", ("facts",)),
        ("user_rank", ("recorded_user",)),
    ):
        changes[rank] = func.least(old[rank], new[rank])
        for name in decided:
            changes[name] = case((new[rank] < old[rank], new[name]), else_=old[name])
    for name in (
        "segments", "video_segments", "video_ms", "video_bytes", "frames", "breadcrumbs",
        "taps", "rage_taps", "network_requests", "network_failures",
    ):  # fmt: skip
        changes[name] = old[name] + new[name]
    # What is returned is not read: it makes SQLAlchemy send all rows in one statement.
    return statement.on_conflict_do_update(
        index_elements=["project_id", "replay_id"], set_=changes
    ).returning(old.project_id)


# Made once: SQLAlchemy then compiles each of them once, whatever the size of a batch.
_INSERT_SEGMENTS: Final = _insert_segments()
_UPSERT_REPLAYS: Final = _upsert_replays()
