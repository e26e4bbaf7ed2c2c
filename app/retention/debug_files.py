"""Deletes debug files that nothing needs any more.

    uploaded long ago and unused ─► a session of its release lately? it stays
                                 ─► an event of its release is kept? it stays, and a while longer
                                 ─► otherwise it is deleted, with a receipt

What was made readable with a file stays readable. Debug files go by no other rule: they do not
make room for replays, nor replays for them.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.audit import writes as audit
from app.audit.model import Action
from app.core.ids import ProjectId
from app.db.engine import Database
from app.debug_files import expiry, receipts
from app.debug_files.expiry import UnusedDebugFile
from app.debug_files.model import DeletionCause
from app.erasure.log import lines
from app.issues.events import event_queries
from app.releases import sessions

KEPT_AFTER_UPLOAD: Final = timedelta(days=180)
IN_USE: Final = timedelta(days=30)
"""A release that had a session in this time may crash again."""
_RECEIPTS_KEPT_FOR: Final = timedelta(days=365)
_BATCH: Final = 500


async def expire_debug_files(database: Database, *, unused_days: int, now: datetime) -> int:
    """Delete the debug files that nothing needs any more, and receipts after a year.

    Each batch is a transaction, so this may stop anywhere and run again.

    Args:
        database: The database.
        unused_days: Days after the last event that used a file, and after the last day on which an
            event of its release was kept.
        now: The time by which days are counted.

    Returns:
        The number of files that were deleted.
    """
    needed_before = now.astimezone(UTC).date() - timedelta(days=unused_days)
    deleted = 0
    last: UnusedDebugFile | None = None
    while True:
        async with database.transaction() as connection:
            files = await expiry.list_unused_files(
                connection,
                uploaded_before=now - KEPT_AFTER_UPLOAD,
                used_before=needed_before,
                after=last,
                limit=_BATCH,
            )
            for project_id, group in groupby(files, key=lambda file: file.project_id):
                deleted += await _expire_of_project(
                    connection, project_id, list(group), now=now, needed_before=needed_before
                )
        if len(files) < _BATCH:
            break
        last = files[-1]
    async with database.transaction() as connection:
        await receipts.delete_old_receipts(connection, now - _RECEIPTS_KEPT_FOR)
    return deleted


async def _expire_of_project(
    connection: AsyncConnection,
    project_id: ProjectId,
    files: Sequence[UnusedDebugFile],
    *,
    now: datetime,
    needed_before: date,
) -> int:
    today = now.astimezone(UTC).date()
    releases = {release for file in files for release in file.releases}
    in_use = await sessions.find_releases_in_use(
        connection, project_id, releases, since=today - IN_USE
    )
    unused = [file for file in files if in_use.isdisjoint(file.releases)]
    unused_releases = {release for file in unused for release in file.releases}
    kept = await event_queries.find_kept_releases(connection, project_id, unused_releases)
    needed = [file for file in unused if not kept.isdisjoint(file.releases)]
    if needed:
        await expiry.note_need(connection, project_id, [file.file_id for file in needed], day=today)
    going = [
        file.file_id
        for file in unused
        if kept.isdisjoint(file.releases)
        and (file.needed_day is None or file.needed_day < needed_before)
    ]
    erased = await receipts.erase_debug_files(
        connection, project_id, going, cause=DeletionCause.UNUSED
    )
    if erased.files:
        await lines.add_debug_files_line(
            connection, project_id, erased.file_ids, person_id=None, at=now
        )
        await audit.add_audit_line(
            connection,
            Action.DEBUG_FILES_DELETED,
            person_id=None,
            project_id=project_id,
            detail={
                "cause": DeletionCause.UNUSED.value,
                "files": erased.files,
                "size_bytes": erased.stored_bytes,
            },
        )
    return erased.files
