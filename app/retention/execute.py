"""Carries out the acts of a plan, in steps of one transaction each that may run again.

    drop a partition   what stays moves to class 0 → replays end → the partitions are dropped
    a project's day    replays end with their segments → other rows go, some thousand at a time
    single replays     replays end with their segments
    counts             an audit line → rows of old days go, some thousand at a time

    after each day: totals, receipt, audit line; issues without events, feedback

A step that must not go on, for instance because a replay was pinned a moment ago, leaves the act
unfinished; the next plan begins from what is stored then.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, assert_never

from sqlalchemy.ext.asyncio import AsyncConnection

from app.audit import writes as audit
from app.audit.model import Action
from app.core import clock, log
from app.core.days import RetentionClass
from app.core.errors import DatabaseUnavailable
from app.core.ids import ProjectId
from app.db.engine import Database
from app.db.partitions import day_rows, days
from app.db.partitions.days import FAMILIES, Partition
from app.feedback import expire as feedback_expiry
from app.issues import replay_links
from app.issues.deletion import expire as issue_expiry
from app.projects import day_totals, old_counts, writes as project_writes
from app.releases import expire as session_expiry
from app.replays import locks
from app.replays.deletion import expire
from app.replays.deletion.expire import ExpiredReplays
from app.replays.model import ReplayKey
from app.replays.totals import sizes
from app.retention import inventory, receipts
from app.retention.day_ends import KIND_OF_FAMILY, EndedPart, write_end
from app.retention.inventory import Exemptions
from app.retention.messages import forget_expired, forget_replays
from app.retention.plan import (
    SETTLED,
    DeleteCounts,
    DeleteProjectDay,
    DeleteReplays,
    DropPartition,
    RetentionAct,
)
from app.symbolication import waiting

REPLAYS_A_STEP: Final = 200
ROWS_A_STEP: Final = 5_000
_DROP_TRIES: Final = 5
_DROP_PAUSE_S: Final = 1.0
_ONE_DAY: Final = timedelta(days=1)

_logger: Final = log.get_logger("retention")


async def carry_out(database: Database, act: RetentionAct) -> None:
    """Carry out one act of a plan.

    Raises:
        ServiceUnavailable: Postgres does not answer; the next run goes on.
    """
    match act:
        case DropPartition():
            await _drop_partition(database, act)
        case DeleteProjectDay():
            await _delete_project_day(database, act)
        case DeleteReplays():
            await _delete_replays(database, act)
        case DeleteCounts():
            await _delete_counts(database, act)
        case _:
            assert_never(act)


async def _drop_partition(database: Database, act: DropPartition) -> None:
    async with database.reading() as connection:
        exempt = await inventory.read_exemptions(connection)
        something_stays = await _has_staying_rows(connection, act, exempt)
    if act.moved_replays or something_stays:
        await _move_out(database, act, exempt)
    ended = []
    for reason in act.expiring:
        replays = await expire_part(
            database, act.day, act.retention_class, reason.project_id, reason.rule, dropped=True
        )
        ended.append(EndedPart(reason.project_id, reason.rule, *replays, rows=Counter()))
    async with database.reading() as connection:
        await count_part_rows(connection, act, ended)
    for tries in range(1, _DROP_TRIES + 1):
        try:
            async with _open_step(database) as connection:
                if not await drop_partitions_now(connection, act, ended, exempt):
                    _logger.info("a day keeps something and is planned again", day=str(act.day))
                    return
            break
        except DatabaseUnavailable as error:
            # While a drop waits for its lock, every query of the table waits behind it. So it gives
            # up soon and tries again.
            if tries == _DROP_TRIES:
                raise
            _logger.info("the drop of a day waits", day=str(act.day), error=str(error))
            await asyncio.sleep(_DROP_PAUSE_S * tries)
    for part in ended:
        await _expire_dependent_rows(database, part.project_id, act.day, part.rule, exempt)


async def _move_out(database: Database, act: DropPartition, exempt: Exemptions) -> None:
    """Move out what stays: exempt replays with the rows that name them, and other projects."""
    async with _open_step(database) as connection:
        await days.ensure_partitions(
            connection, [_part(act.day, RetentionClass.KEPT, family) for family in FAMILIES]
        )
    for first in range(0, len(act.moved_replays), REPLAYS_A_STEP):
        async with _open_step(database) as connection:
            keys = act.moved_replays[first : first + REPLAYS_A_STEP]
            await expire.move_replays_out(connection, keys)
    while act.moved_projects:
        async with _open_step(database) as connection:
            keys = tuple(
                await expire.find_all_replays_of_part(
                    connection, act.day, act.retention_class, act.moved_projects,
                    limit=REPLAYS_A_STEP,
                )
            )  # fmt: skip
            if not keys:
                break
            await expire.move_replays_out(connection, keys)
    for family in KIND_OF_FAMILY:
        moved = ROWS_A_STEP
        while moved == ROWS_A_STEP:
            async with _open_step(database) as connection:
                moved = await day_rows.move_rows_out(
                    connection,
                    _part(act.day, act.retention_class, family),
                    projects=act.moved_projects,
                    owners=exempt.of_family(family),
                    limit=ROWS_A_STEP,
                )


async def count_part_rows(
    connection: AsyncConnection, act: DropPartition, ended: Sequence[EndedPart]
) -> None:
    """Count the rows of each project in a day, for its receipts, before the day is locked.

    Args:
        connection: The connection to read with.
        act: The drop of the partitions.
        ended: The projects; their `rows` are filled in.
    """
    parts = {part.project_id: part for part in ended}
    for family in FAMILIES:
        partition = _part(act.day, act.retention_class, family)
        for project_id, rows in (
            await day_rows.count_rows(connection, partition, spared=())
        ).items():
            if project_id in parts:
                parts[project_id].rows[family] = rows


async def drop_partitions_now(
    connection: AsyncConnection, act: DropPartition, ended: Sequence[EndedPart], exempt: Exemptions
) -> bool:
    """Drop the partitions of a day and class; return False if they hold something that stays."""
    day, retention_class = act.day, act.retention_class
    if not await expire.has_no_replays(connection, day, retention_class):
        return False
    if await _has_staying_rows(connection, act, exempt):
        return False
    await issue_expiry.release_files(connection, day, retention_class, at=clock.now())
    await waiting.forget_expired(connection, day, retention_class)
    for family in FAMILIES:
        await days.drop_partition(connection, _part(day, retention_class, family))
    for part in ended:
        await write_end(connection, part, day, retention_class, is_dropped=True)
    return True


async def _has_staying_rows(
    connection: AsyncConnection, act: DropPartition, exempt: Exemptions
) -> bool:
    """Tell whether partitions hold rows of other projects, or rows that name an exempt replay.

    The segments of exempt replays follow from the rows of these replays.
    """
    projects = [reason.project_id for reason in act.expiring]
    for family in FAMILIES:
        spared = () if family == "segments" else exempt.of_family(family)
        partition = _part(act.day, act.retention_class, family)
        if await day_rows.has_rows_of_others(connection, partition, projects, spared=spared):
            return True
    return False


async def _delete_project_day(database: Database, act: DeleteProjectDay) -> None:
    async with database.reading() as connection:
        exempt = await inventory.read_exemptions(connection)
        bytes_before = await day_totals.sum_day(connection, act.project_id, act.day)
    replays = await expire_part(
        database, act.day, act.retention_class, act.project_id, act.rule, dropped=False
    )
    part = EndedPart(act.project_id, act.rule, *replays, rows=Counter(), bytes_before=bytes_before)
    for family in FAMILIES:
        deleted = ROWS_A_STEP
        while deleted == ROWS_A_STEP:
            async with _open_step(database) as connection:
                deleted = await _delete_rows(connection, act, family, exempt)
            part.rows[family] += deleted
    async with _open_step(database) as connection:
        await write_end(connection, part, act.day, act.retention_class, is_dropped=False)
    await _drop_empty_partitions(database, act.day, act.retention_class)
    await _expire_dependent_rows(database, act.project_id, act.day, act.rule, exempt)


async def _drop_empty_partitions(database: Database, day: date, retention_class: int) -> None:
    """Drop the partitions of a day and class if they hold nothing and will get nothing."""
    async with _open_step(database) as connection:
        if day + SETTLED > await days.read_today(connection):
            return
        for family in FAMILIES:
            partition = _part(day, retention_class, family)
            if await day_rows.has_rows_of_others(connection, partition, (), spared=()):
                return
        for family in FAMILIES:
            await days.drop_partition(connection, _part(day, retention_class, family))


async def _delete_rows(
    connection: AsyncConnection, act: DeleteProjectDay, family: str, exempt: Exemptions
) -> int:
    spared = exempt.of_family(family)
    if family == "attachments":
        return await issue_expiry.expire_files(
            connection, act.project_id, act.day, act.retention_class,
            spared=spared, at=clock.now(), limit=ROWS_A_STEP,
        )  # fmt: skip
    return await day_rows.delete_rows(
        connection,
        _part(act.day, act.retention_class, family),
        act.project_id,
        spared=spared,
        limit=ROWS_A_STEP,
    )


async def _delete_replays(database: Database, act: DeleteReplays) -> None:
    for first in range(0, len(act.keys), REPLAYS_A_STEP):
        async with _open_step(database) as connection:
            keys = act.keys[first : first + REPLAYS_A_STEP]
            stored = {
                replay.key: replay for replay in await sizes.read_replay_sizes(connection, keys)
            }
            expired = await _expire_replays(connection, keys, act.rule, keeps_segments=False)
            for replay in (stored[key] for key in expired.keys if key in stored):
                # The deletion of its segments has changed the other totals.
                await day_totals.subtract_items(
                    connection, act.project_id, replay.day, {"pictures": 1}
                )
            if expired.keys:
                await _record_replays(connection, act, expired)


async def _delete_counts(database: Database, act: DeleteCounts) -> None:
    """Delete old counts. They name nobody, so an audit line is enough and there is no receipt."""
    async with _open_step(database) as connection:
        # First, so that no row goes without a line even if the process ends in between.
        await audit.add_audit_line(
            connection,
            Action.COUNTS_EXPIRED,
            person_id=None,
            project_id=act.project_id,
            subject=act.last_day.isoformat(),
            detail={
                "rule": act.rule,
                "first_day": act.first_day.isoformat(),
                "rows": act.rows,
            },
        )
    for delete in (old_counts.delete_old_counts, session_expiry.delete_old_sessions):
        deleted = ROWS_A_STEP
        while deleted == ROWS_A_STEP:
            async with _open_step(database) as connection:
                deleted = await delete(
                    connection, act.project_id, last_day=act.last_day, limit=ROWS_A_STEP
                )


async def expire_part(
    database: Database,
    day: date,
    retention_class: int,
    project_id: ProjectId,
    rule: str,
    *,
    dropped: bool,
) -> tuple[int, int]:
    """Expire the replays of a project on a day; return the numbers of replays and segments."""
    replays = segments = 0
    while True:
        async with _open_step(database) as connection:
            keys = await expire.find_replays_of_part(
                connection, day, retention_class, [project_id], limit=REPLAYS_A_STEP
            )
            if not keys:
                return replays, segments
            expired = await _expire_replays(connection, keys, rule, keeps_segments=dropped)
        replays += len(expired.keys)
        segments += expired.segments


async def _expire_replays(
    connection: AsyncConnection, keys: Sequence[ReplayKey], rule: str, *, keeps_segments: bool
) -> ExpiredReplays:
    """Expire replays with their messages, links and quarantined envelopes."""
    # Digest takes these locks in the same order: replays, links, then the totals of the day, which
    # change when segments are deleted.
    await locks.lock_all_for_deletion(connection, keys)
    await replay_links.lock_links(connection, [key.replay_id for key in keys])
    expired = await expire.expire_replays(
        connection, keys, rule=rule, at=clock.now(), keeps_segments=keeps_segments
    )
    if expired.keys:
        await forget_replays(connection, expired.keys)
        await issue_expiry.forget_issue_replays(connection, [key[1] for key in expired.keys])
        for key in expired.keys:
            await project_writes.erase_quarantined(connection, key.project_id, key.replay_id)
        await replay_links.delete_links_of_replays(connection, expired.keys)
    return expired


async def _record_replays(
    connection: AsyncConnection, act: DeleteReplays, expired: ExpiredReplays
) -> None:
    await audit.add_audit_line(
        connection,
        Action.REPLAYS_EXPIRED,
        person_id=None,
        project_id=act.project_id,
        detail={
            "rule": act.rule,
            "replays": len(expired.keys),
            "video_bytes": expired.video_bytes,
            **({"shares": expired.shares} if expired.shares else {}),
        },
    )


async def _expire_dependent_rows(
    database: Database, project_id: ProjectId, day: date, rule: str, exempt: Exemptions
) -> None:
    """Delete what a day leaves behind: issues without events, counts by hour, and feedback."""
    before = datetime.combine(day + _ONE_DAY, time(), UTC)
    done = REPLAYS_A_STEP
    while done == REPLAYS_A_STEP:
        async with _open_step(database) as connection:
            done = await issue_expiry.expire_issues(
                connection, project_id, before=before, rule=rule, at=clock.now(),
                limit=REPLAYS_A_STEP,
            )  # fmt: skip
    done = ROWS_A_STEP
    while done == ROWS_A_STEP:
        async with _open_step(database) as connection:
            done = await issue_expiry.expire_issue_hours(
                connection, project_id, before=before, limit=ROWS_A_STEP
            )
    done = ROWS_A_STEP
    while done == ROWS_A_STEP:
        async with _open_step(database) as connection:
            done = await feedback_expiry.expire_feedback(
                connection, project_id, before=before, spared=exempt.replay_ids, limit=ROWS_A_STEP
            )
    async with _open_step(database) as connection:
        await forget_expired(connection, project_id, day)


@asynccontextmanager
async def _open_step(database: Database) -> AsyncIterator[AsyncConnection]:
    """Open the transaction of a step, which also renews the lease of the run."""
    async with database.transaction() as connection:
        yield connection
        await receipts.renew_lease(connection)


def _part(day: date, retention_class: int, family: str) -> Partition:
    return Partition(family, day, retention_class)
