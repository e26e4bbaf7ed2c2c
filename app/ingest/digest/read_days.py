"""Reads the days and classes of what a batch stores, with one statement.

    today by Postgres' clock ┐
    classes of the projects  ├─► BatchDays ─► partitions that are not there yet are made
    days of known replays    ┘

A replay without a row gets today. Two processes may store its first segments at midnight, or while
the class of its project changes: the row of the replay, which both write, decides then, and the
batch that had assumed something else is stored once more (`replays/writes.py`).
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.days import BatchDays, DayClock, DaySlot
from app.core.ids import ProjectId, ReplayId
from app.db.engine import get_driver
from app.db.partitions.days import TODAY_SQL, Partition, ensure_partitions
from app.formats import timestamps
from app.ingest.items.attachment import ATTACHMENT
from app.ingest.items.event import EVENT
from app.ingest.items.item_type import PreparedBatch
from app.ingest.items.log import LOG
from app.ingest.items.replay_video import REPLAY_VIDEO
from app.ingest.items.span import SPAN
from app.ingest.items.transaction import TRANSACTION
from app.issues.model import NewEvent
from app.replays.model import ReplayKey
from app.traces.model import NewBlock

_CLOCK_SLACK: Final = timedelta(days=1)
_READ: Final = f"""
    select null::bigint as project_id, null::uuid as replay_id, {TODAY_SQL} as day,
           null::smallint as retention_class, now() as since
    union all
    select id, null, null, retention_class, null from projects where id = any($1::bigint[])
    union all
    select project_id, replay_id, day, retention_class, least(
        first_received_at, started_at + drift_ms * interval '1 ms',
        -- A clock that was never set tells nothing.
        case when started_at >= '2000-01-01' then started_at end
    )
    from replays where replay_id = any($2::uuid[])
    """  # noqa: S608 - joined from constants


class DayMemory:
    """The memory of a process about days: the clock of Postgres, and partitions that exist."""

    def __init__(self) -> None:
        self.clock = DayClock()
        self._partitions: set[Partition] = set()

    async def ensure(self, connection: AsyncConnection, wanted: set[Partition]) -> None:
        """Make the partitions that are not known; call `add` when that is committed."""
        await ensure_partitions(connection, wanted - self._partitions)

    def add(self, partitions: set[Partition]) -> None:
        """Remember partitions."""
        self._partitions |= partitions

    def forget(self) -> None:
        """Forget all partitions, since one of them has been dropped."""
        self._partitions.clear()


async def read_batch_days(
    connection: AsyncConnection, prepared: PreparedBatch, memory: DayMemory
) -> BatchDays:
    """Read the days and classes of the rows of a batch."""
    driver = await get_driver(connection)
    keys = {row.segment.key for row in prepared.rows_of(REPLAY_VIDEO)}
    project_ids = {key.project_id for key in keys}
    project_ids |= {project_id for _, project_id in _list_rows(prepared)}
    replay_ids = {key.replay_id for key in keys} | _list_named_replays(prepared)
    first, *rows = await driver.fetch(_READ, list(project_ids), list(replay_ids))
    now: datetime = first["since"]
    memory.clock.set_time(now)
    class_by_project: dict[ProjectId, int] = {}
    known: dict[ReplayKey, DaySlot] = {}
    starts = [now, *_list_starts(prepared)]
    for project_id, replay_id, day, retention_class, since in rows:
        if replay_id is None:
            class_by_project[project_id] = retention_class
        else:
            known[ReplayKey(project_id, ReplayId(replay_id.hex))] = DaySlot(day, retention_class)
            starts.append(since)
    days = BatchDays(first["day"], class_by_project, since=(min(starts) - _CLOCK_SLACK).date())
    slot_by_replay: dict[tuple[ProjectId, ReplayId], DaySlot] = {
        key: known.get(key) or days.slot_of(key.project_id) for key in keys
    }
    return replace(days, slot_by_replay=slot_by_replay)


def list_partitions_of(prepared: PreparedBatch, days: BatchDays) -> set[Partition]:
    """List the partitions in which the rows of a batch will lie."""
    return {Partition("segments", *slot) for slot in set(days.slot_by_replay.values())} | {
        Partition(
            family,
            prepared.day if family == "attachments" else days.today,
            days.slot_of(project_id).retention_class,
        )
        for family, project_id in _list_rows(prepared)
    }


def _list_rows(prepared: PreparedBatch) -> Iterator[tuple[str, ProjectId]]:
    """List the table and the project of each row of a divided table, apart from segments."""
    for event in prepared.rows_of(EVENT):
        yield "events", event.project_id
    for transaction in prepared.rows_of(TRANSACTION):
        yield "span_blocks", transaction.block.project_id
    for block in prepared.rows_of(SPAN):
        yield "span_blocks", block.project_id
    for record in prepared.rows_of(LOG):
        yield "logs", record.project_id
    for file in prepared.rows_of(ATTACHMENT):
        yield "attachments", file.attachment.project_id


def _list_named_replays(prepared: PreparedBatch) -> set[ReplayId]:
    """List the replays that the events and spans of a batch name."""
    naming: list[NewEvent | NewBlock] = [
        *prepared.rows_of(EVENT),
        *prepared.rows_of(SPAN),
        *(row.block for row in prepared.rows_of(TRANSACTION)),
    ]
    return {row.replay_id for row in naming if row.replay_id is not None}


def _list_starts(prepared: PreparedBatch) -> Iterator[datetime]:
    """List when the segments of a batch began, by each clock that may be right.

    They were received later, but for those whose clock was ahead of ours.
    """
    for row in prepared.rows_of(REPLAY_VIDEO):
        segment = row.segment
        is_set = timestamps.is_set(segment.started_at)
        if is_set:
            yield segment.started_at
        if segment.drift_ms < 0 or not is_set:
            yield segment.started_at + timedelta(milliseconds=segment.drift_ms)
        elif segment.received_at < segment.started_at:
            yield segment.received_at
