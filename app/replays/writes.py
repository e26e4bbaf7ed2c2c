"""Adding segments: keyed and commutative, so that order and repetition change nothing.

One statement for each table and batch, whatever is in it (`segments/statements.py`).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import case, func, insert, null, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import units
from app.core.days import BatchDays, DaySlot
from app.core.ids import ProjectId, ReplayId
from app.db.engine import get_driver
from app.db.rows import run_with_rows
from app.db.text import clean, clean_or_none
from app.formats.replay.recording_summary import RecordingCounts
from app.replays import trace_links
from app.replays.model import NewSegment, ReplayKey
from app.replays.screen_marks import write_screen_marks
from app.replays.segments import clock_steps, statements
from app.replays.segments.clock_steps import SegmentTimes
from app.replays.tables import COUNT_COLUMNS, object_outbox, pack_outbox, packs
from app.replays.trace_links import TraceLink

_Row = dict[str, Any]
_RowKey = tuple[int, UUID]
"""A project and a replay, as Postgres names them."""

POOR: Final = 1_000_000
"""Added to the rank of a segment whose facts are poor: any complete one beats it."""
_NEVER: Final = 2_147_483_647
_NO_COUNTS: Final = RecordingCounts()


class PlacedSegment(msgspec.Struct, frozen=True, gc=False):
    """A new segment with the place of its video in the pack of its batch."""

    segment: NewSegment
    offset: int | None
    """The first byte of the video in the pack; None when the segment has no video."""


class AddedSegment(msgspec.Struct, frozen=True, gc=False):
    """The result of adding one segment."""

    placed: PlacedSegment
    is_new: bool
    """False when a row without video gained this segment's video."""

    @property
    def segment(self) -> NewSegment:
        """The segment itself."""
        return self.placed.segment


class ReplayMovedError(Exception):
    """A replay has another day or class than its new segments were given.

    Another process has stored its first segment meanwhile, or has moved it. The transaction must be
    rolled back, and the batch stored again.
    """


@dataclass(frozen=True, slots=True)
class PackRange:
    """Bytes of a pack that belonged to a replay."""

    key: ReplayKey
    pack_id: int
    offset: int
    size_bytes: int


async def add_pack(connection: AsyncConnection, object_key: str, *, live: int) -> int:
    """Add the row of an object that holds the videos of a batch, and return the pack's id.

    Args:
        connection: The transaction of the caller.
        object_key: The object, which is stored already.
        live: The number of segments that lie in it. `discard_pack_ranges` subtracts those that turn
            out to be duplicates.
    """
    driver = await get_driver(connection)
    pack_id: int = await driver.fetchval(statements.ADD_PACK, object_key, live)
    return pack_id


async def add_segments(
    connection: AsyncConnection,
    new: Sequence[PlacedSegment],
    *,
    pack_id: int | None,
    days: BatchDays,
) -> list[AddedSegment]:
    """Store segments that are not there yet, and what they add to their replays.

    Args:
        connection: The transaction of the caller.
        new: The segments, in the order of arrival.
        pack_id: The pack that holds their videos; None when no segment has one.
        days: The days of the batch, read in this transaction.

    Returns:
        The segments that changed something. The others were duplicates: the first write wins,
        except that a row without video may gain one.

    Raises:
        ReplayMovedError: A replay has got another day since `days` were read.
    """
    added: list[AddedSegment] = []
    by_key: dict[tuple[ReplayKey, int], PlacedSegment] = {}
    for placed in new:
        key = placed.segment.key, placed.segment.segment_id
        first = by_key.setdefault(key, placed)
        if first.segment.video is None and placed.segment.video is not None:
            by_key[key] = placed
    if by_key:
        # Sorted, so that two processes lock rows in the same order.
        ordered = sorted(by_key)
        new_keys = await _write_segments(
            connection, statements.INSERT_SEGMENTS, [by_key[key] for key in ordered], pack_id, days
        )
        added = [AddedSegment(by_key[key], is_new=True) for key in new_keys]
        again = [
            by_key[key]
            for key in ordered
            if key not in new_keys and by_key[key].segment.video is not None
        ]
        if again:
            with_video = await _write_segments(
                connection, statements.ADD_VIDEOS, again, pack_id, days
            )
            added += [AddedSegment(by_key[key], is_new=False) for key in with_video]
    if added:
        with_steps = await _add_to_replays(connection, added, days)
        await _update_clock_steps(connection, added, with_steps, days)
        await trace_links.add_trace_links(
            connection, {link for each in added for link in _list_trace_links(each.segment)}
        )
    return added


async def discard_pack_ranges(
    connection: AsyncConnection, ranges: Sequence[PackRange], at: datetime
) -> None:
    """Hand bytes of packs that no row points at any more to the sweep, which wipes them."""
    if not ranges:
        return
    await connection.execute(
        insert(pack_outbox),
        [
            {
                "pack_id": pack_range.pack_id,
                "object_offset": pack_range.offset,
                "object_bytes": pack_range.size_bytes,
                "project_id": pack_range.key.project_id,
                "replay_id": pack_range.key.replay_id,
                "added_at": at,
            }
            for pack_range in ranges
        ],
    )
    # Sorted, so that two processes lock packs in the same order.
    for pack_id, count in sorted(Counter(pack_range.pack_id for pack_range in ranges).items()):
        await connection.execute(
            update(packs)
            .where(packs.c.id == pack_id)
            .values(
                live=packs.c.live - count,
                empty_at=case((packs.c.live <= count, func.now()), else_=null()),
            )
        )


async def discard_objects(
    connection: AsyncConnection, object_keys: Iterable[str], at: datetime
) -> None:
    """Hand whole objects that nothing points at to the sweep, which removes them."""
    rows = [{"object_key": object_key, "added_at": at} for object_key in sorted(set(object_keys))]
    if rows:
        await connection.execute(insert(object_outbox), rows)


async def _write_segments(
    connection: AsyncConnection,
    sql: str,
    new: Sequence[PlacedSegment],
    pack_id: int | None,
    days: BatchDays,
) -> set[tuple[ReplayKey, int]]:
    """Run a statement with the rows of some segments; returns the keys of the rows it changed."""
    slots = [days.slot_by_replay[placed.segment.key] for placed in new]
    rows = [
        _make_segment_row(placed, pack_id, slot) for placed, slot in zip(new, slots, strict=True)
    ]
    # Only the update names days: an insert finds the partition of each row by itself.
    named = [sorted({slot.day for slot in slots})] if sql is statements.ADD_VIDEOS else []
    return {
        (ReplayKey(row["project_id"], ReplayId(row["replay_id"].hex)), row["segment_id"])
        for row in await run_with_rows(connection, sql, statements.SEGMENT_ROWS, rows, *named)
    }


def _make_segment_row(placed: PlacedSegment, pack_id: int | None, slot: DaySlot) -> dict[str, Any]:
    segment, video = placed.segment, placed.segment.video
    declared = segment.declared_size_px or (None, None)
    return {
        "day": slot.day,
        "retention_class": slot.retention_class,
        "project_id": segment.key.project_id,
        "replay_id": segment.key.replay_id,
        "segment_id": segment.segment_id,
        "received_at": segment.received_at,
        "drift_ms": segment.drift_ms,
        "started_at": segment.started_at,
        "ended_at": segment.ended_at,
        "replay_type": clean_or_none(segment.replay_type),
        "sdk_name": clean_or_none(segment.sdk_name),
        "width_px": video.width_px if video else declared[0],
        "height_px": video.height_px if video else declared[1],
        "frames": video.frames if video else 0,
        "codec": clean_or_none(video.codec) if video else None,
        "video_fault": clean_or_none(video.fault if video else segment.no_video_reason),
        "pack_id": pack_id if video else None,
        "object_offset": placed.offset or 0,
        "object_bytes": video.object_bytes if video else 0,
        "breadcrumbs": segment.counts.breadcrumbs,
        "screens": [clean(name) for name in segment.screens],
        "layout": video.layout if video else None,
        "recording": segment.recording,
        "removals": segment.removals,
    }


async def _add_to_replays(
    connection: AsyncConnection, added: Sequence[AddedSegment], days: BatchDays
) -> set[_RowKey]:
    """Add segments to the rows of their replays; returns the replays whose clock was set.

    Raises:
        ReplayMovedError: A replay has another day or class than the segments.
    """
    by_key: dict[ReplayKey, _Row] = {}
    for each in added:
        key = each.segment.key
        row = _make_replay_row(each.segment, days.slot_by_replay[key], is_new=each.is_new)
        by_key[key] = _merge_replay_rows(by_key[key], row) if key in by_key else row
    # Sorted, so that two processes lock rows in the same order.
    rows = [by_key[key] for key in sorted(by_key)]
    changed = await run_with_rows(
        connection, statements.UPSERT_REPLAYS, statements.REPLAY_ROWS, rows
    )
    for stored in changed:
        key = ReplayKey(stored["project_id"], ReplayId(stored["replay_id"].hex))
        if (stored["day"], stored["retention_class"]) != days.slot_by_replay[key]:
            raise ReplayMovedError
    closed = [
        (stored["project_id"], stored["replay_id"]) for stored in changed if stored["was_closed"]
    ]
    if closed:
        driver = await get_driver(connection)
        await driver.execute(statements.REOPEN_REPLAYS, *zip(*closed, strict=True))
    return {
        (stored["project_id"], stored["replay_id"]) for stored in changed if stored["has_steps"]
    }


async def _update_clock_steps(
    connection: AsyncConnection,
    added: Sequence[AddedSegment],
    with_steps: set[_RowKey],
    days: BatchDays,
) -> None:
    """Store where the phones of some replays had their clocks set.

    The rows of these replays are locked by this transaction, so nobody adds a segment meanwhile.

    Args:
        connection: The transaction in which the segments were added.
        added: The segments. Those that only gained a video count too: it may change their times.
        with_steps: The replays in which steps were found before.
        days: The days of the batch.
    """
    driver = await get_driver(connection)
    by_slot: defaultdict[DaySlot, list[NewSegment]] = defaultdict(list)
    for each in added:
        by_slot[days.slot_by_replay[each.segment.key]].append(each.segment)
    suspects: set[_RowKey] = set()
    for slot, segments in by_slot.items():
        found = await driver.fetch(
            statements.FIND_CLOCK_CHANGES,
            [segment.key.project_id for segment in segments],
            [segment.key.replay_id for segment in segments],
            [segment.segment_id for segment in segments],
            [segment.started_at for segment in segments],
            [segment.drift_ms for segment in segments],
            clock_steps.LEAST_SHIFT_MS,
            *slot,
        )
        suspects |= {(row["project_id"], row["replay_id"]) for row in found}
    for key in sorted(with_steps | suspects):
        slot = days.slot_by_replay[ProjectId(key[0]), ReplayId(key[1].hex)]
        time_rows = await driver.fetch(statements.READ_SEGMENT_TIMES, *key, *slot)
        times = [
            SegmentTimes(
                row["segment_id"],
                units.ms_from_at(row["started_at"]),
                units.ms_from_at(row["ended_at"]),
                row["drift_ms"],
            )
            for row in time_rows
        ]
        steps = clock_steps.find_clock_steps(times)
        if steps or key in with_steps:
            started_ms, ended_ms = clock_steps.axis_of(times, steps)
            await driver.execute(
                statements.SET_CLOCK_STEPS,
                *key,
                msgspec.json.encode(steps).decode() if steps else None,
                units.at_from_ms(started_ms),
                units.at_from_ms(ended_ms),
            )


def _make_replay_row(segment: NewSegment, slot: DaySlot, *, is_new: bool) -> _Row:
    """Make the row that a segment adds to its replay, or is merged into it."""
    video = segment.video
    playable = video if video is not None and video.layout is not None else None
    return {
        "day": slot.day,
        "retention_class": slot.retention_class,
        "project_id": segment.key.project_id,
        "replay_id": segment.key.replay_id,
        "first_received_at": segment.received_at,
        "last_received_at": segment.received_at,
        "started_at": segment.started_at,
        "ended_at": _find_end(segment),
        "background_at": segment.background_at if is_new else None,
        "foreground_at": segment.foreground_at if is_new else None,
        "drift_ms": segment.drift_ms,
        # 0 stands for an envelope that did not say when it was sent.
        "drift_low_ms": segment.drift_ms or None,
        "drift_high_ms": segment.drift_ms or None,
        "type_rank": segment.segment_id,
        "replay_type": clean_or_none(segment.replay_type),
        "facts_rank": segment.segment_id + (0 if segment.is_complete else POOR),
        "facts": segment.facts,
        "user_rank": segment.segment_id if segment.user else _NEVER,
        "recorded_user": segment.user or "{}",
        "screens": write_screen_marks(segment.segment_id, segment.screens) if is_new else [],
        "segments": int(is_new),
        "video_segments": int(playable is not None),
        "video_ms": playable.duration_ms if playable else 0,
        "video_bytes": video.object_bytes if video else 0,
        "frames": playable.frames if playable else 0,
        **dict(zip(COUNT_COLUMNS.values(), segment.counts if is_new else _NO_COUNTS, strict=True)),
    }


def _find_end(segment: NewSegment) -> datetime:
    """Return when a segment ends: as the SDK says, or with its video if that is longer."""
    video = segment.video
    if video is None or video.layout is None:
        return segment.ended_at
    return max(segment.ended_at, segment.started_at + timedelta(milliseconds=video.duration_ms))


def _merge_replay_rows(row: _Row, other: _Row) -> _Row:
    """Merge the rows of two segments of a replay, as the statement merges one into the table."""
    both = dict(row)
    for name in statements.EARLIEST:
        both[name] = min(row[name], other[name])
    for name in statements.LOWEST:
        both[name] = min((ms for ms in (row[name], other[name]) if ms is not None), default=None)
    for name in (*statements.LATEST, *statements.HIGHEST):
        both[name] = max((at for at in (row[name], other[name]) if at is not None), default=None)
    for name in statements.ADDED:
        both[name] = row[name] + other[name]
    both["screens"] = sorted({*row["screens"], *other["screens"]})[: statements.SCREENS]
    for rank, decided in statements.DECIDED.items():
        if other[rank] < row[rank]:
            both |= {name: other[name] for name in (rank, *decided)}
    return both


def _list_trace_links(segment: NewSegment) -> set[TraceLink]:
    project_id, replay_id = segment.key
    return {(project_id, replay_id, trace_id) for trace_id in segment.trace_ids}
