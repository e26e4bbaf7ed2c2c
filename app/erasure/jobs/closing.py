"""Closes the receipt of an erasure once its objects are gone and no legal hold keeps anything."""

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.days import OLD_DAY
from app.core.errors import ServiceUnavailable
from app.db.engine import Database
from app.debug_files import receipts
from app.erasure.jobs import hide, phases, rows
from app.erasure.jobs.model import Erasure, ErasureKind, ErasureState
from app.erasure.log import lines
from app.issues.deletion import erase as issue_erase
from app.projects import erase as project_erase
from app.replays.deletion import hiding
from app.replays.keeping import holds
from app.replays.model import ReplayKey
from app.storage import keys
from app.storage.port import ObjectStore


async def try_to_close(database: Database, objects: ObjectStore, erasure_id: int) -> bool:
    """Close the receipt of a job if nothing is left; otherwise save the reason why it waits.

    Returns:
        True if the job can go on at once, because a hold has ended.
    """
    async with database.transaction() as connection:
        erasure = await rows.lock_erasure(connection, erasure_id)
        if erasure is None or erasure.phase != phases.SWEEP:
            return erasure is not None
        if not await _count_left(connection, erasure) and not await _has_unfinished(objects):
            return await _close_receipt(connection, erasure)
        problem = await _find_storage_problem(objects, erasure)
        state = ErasureState.BLOCKED if problem else ErasureState.SWEEPING
        waiting = replace(erasure, state=state, problem=problem)
        await rows.save_step(connection, waiting, counts={}, size_bytes=0)
        return False


async def _count_left(connection: AsyncConnection, erasure: Erasure) -> int:
    """Count objects that the sweep has not verified as gone, and log lines not in the file yet."""
    replays = await hiding.count_unswept(connection, erasure.id)
    files = await issue_erase.count_unswept_files(
        connection, erasure.project_id, since=erasure.requested_at
    )
    debug_files = 0
    if erasure.kind in {ErasureKind.PROJECT, ErasureKind.RESTORED}:
        debug_files = await receipts.count_open_receipts(connection, erasure.project_id)
    waiting_lines = await lines.count_waiting_lines(connection, erasure.id)
    return replays + files + debug_files + waiting_lines


async def _has_unfinished(objects: ObjectStore) -> bool:
    """Remove objects that dead processes left half written; return whether more may be left."""
    try:
        return bool(await objects.remove_unfinished())
    except ServiceUnavailable:
        return True


async def _find_storage_problem(objects: ObjectStore, erasure: Erasure) -> str | None:
    """List an empty prefix of the store; return the error, or None if the store answers."""
    try:
        await objects.list(keys.make_replay_prefix(OLD_DAY, erasure.project_id, "f" * 32))
    except ServiceUnavailable as error:
        return str(error)
    return None


async def _close_receipt(connection: AsyncConnection, erasure: Erasure) -> bool:
    """Close a receipt, unless holds keep a replay; return whether the job goes on at once."""
    held = await rows.list_held_keys(connection, erasure.id)
    still = await holds.find_holds(connection, held)
    free = [key for key in held if key not in still]
    if free:
        await _go_on_with(connection, erasure, free)
        return True
    if still:
        await rows.note_holds(connection, erasure.id, still)
        waiting = replace(erasure, state=ErasureState.HELD, problem=None)
        await rows.save_step(connection, waiting, counts={}, size_bytes=0)
        return False
    if erasure.kind is ErasureKind.PROJECT and await project_erase.delete_project(
        connection, erasure.project_id
    ):
        # Holds had kept the project. Data that arrived meanwhile is searched for once more.
        await lines.add_project_line(connection, erasure, at=clock.now())
        await _begin_again(connection, erasure, counts={}, size_bytes=0)
        return True
    await rows.finish_erasure(connection, erasure.id)
    return False


async def _go_on_with(connection: AsyncConnection, erasure: Erasure, free: list[ReplayKey]) -> None:
    """Erase the replays whose holds have ended, with what goes with them."""
    now = clock.now()
    await rows.note_ended_holds(connection, erasure.id, free, at=now)
    hidden = await hide.hide_keys(connection, erasure, free, at=now)
    await _begin_again(connection, erasure, counts=hidden.counts, size_bytes=hidden.video_bytes)


async def _begin_again(
    connection: AsyncConnection, erasure: Erasure, *, counts: dict[str, int], size_bytes: int
) -> None:
    first = phases.PHASES[erasure.kind][0]
    again = replace(erasure, phase=first, position=None, state=ErasureState.RUNNING, problem=None)
    await rows.save_step(connection, again, counts=counts, size_bytes=size_bytes)
