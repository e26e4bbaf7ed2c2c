"""Deletes debug files with a receipt, and closes it when nothing of them is left in storage.

erase_debug_files ─► rows gone, receipt, sweep due ─► the sweep removes objects ─► close_receipts
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import PersonId, ProjectId
from app.debug_files import queries, writes
from app.debug_files.model import (
    DebugFile,
    DebugFileId,
    DebugFileKind,
    DebugFileReceipt,
    DeletionCause,
)
from app.debug_files.tables import debug_file_receipts as receipts, debug_files

_MOST_IDS: Final = 20
"""Debug ids that a receipt names; a bundle may have thousands."""


@dataclass(frozen=True, slots=True)
class ErasedDebugFiles:
    """The debug files that were deleted, and the bytes that they took in storage."""

    file_ids: tuple[DebugFileId, ...]
    stored_bytes: int

    @property
    def files(self) -> int:
        """The number of these files."""
        return len(self.file_ids)


async def erase_debug_files(
    connection: AsyncConnection,
    project_id: ProjectId,
    file_ids: Collection[DebugFileId],
    *,
    cause: DeletionCause,
    person_id: PersonId | None = None,
) -> ErasedDebugFiles:
    """Delete debug files with their ids and addresses, and write receipts.

    Their objects are removed by the sweep afterwards. Clear stacks that were made with them stay.

    Args:
        connection: The transaction of the caller.
        project_id: The project.
        file_ids: The files; those that do not exist are left out.
        cause: Why.
        person_id: The person who deletes them; None for a rule and the command line.
    """
    ids = sorted(file_ids)
    parts = await queries.read_parts(connection, project_id, ids) if ids else {}
    deleted = await writes.delete_debug_files(connection, project_id, ids)
    if deleted:
        names = {key: [part.debug_id for part in of_file] for key, of_file in parts.items()}
        await connection.execute(
            insert(receipts),
            [
                _make_row(file, names.get(file.file_id, []), cause=cause, person_id=person_id)
                for file in deleted
            ],
        )
    return ErasedDebugFiles(
        tuple(file.file_id for file in deleted), sum(file.stored_bytes for file in deleted)
    )


async def erase_files_of_project(
    connection: AsyncConnection, project_id: ProjectId, *, limit: int
) -> ErasedDebugFiles:
    """Delete some debug files of a project that is erased; fewer than `limit` if none is left."""
    rows = await connection.execute(
        select(debug_files.c.file_id).where(debug_files.c.project_id == project_id).limit(limit)
    )
    return await erase_debug_files(
        connection,
        project_id,
        [DebugFileId(row.file_id) for row in rows],
        cause=DeletionCause.PROJECT_ERASED,
    )


async def count_open_receipts(connection: AsyncConnection, project_id: ProjectId) -> int:
    """Count the deleted files of a project of which something may be left in object storage."""
    quantity = await connection.scalar(
        select(func.count()).where(
            receipts.c.project_id == project_id, receipts.c.swept_at.is_(None)
        )
    )
    return quantity or 0


async def list_receipts(
    connection: AsyncConnection, project_ids: Sequence[ProjectId], *, limit: int
) -> list[DebugFileReceipt]:
    """Return the receipts of some projects, the newest first."""
    rows = await connection.execute(
        select(receipts)
        .where(receipts.c.project_id.in_(project_ids))
        .order_by(receipts.c.receipt_id.desc())
        .limit(limit)
    )
    return [_read_receipt(row) for row in rows]


async def delete_old_receipts(connection: AsyncConnection, before: datetime) -> None:
    """Delete closed receipts of files that were deleted before a time."""
    await connection.execute(
        delete(receipts).where(receipts.c.deleted_at < before, receipts.c.swept_at.is_not(None))
    )


def _make_row(
    file: DebugFile,
    debug_ids: list[str],
    *,
    cause: DeletionCause,
    person_id: PersonId | None,
) -> dict[str, Any]:
    return {
        "project_id": file.project_id,
        "file_id": file.file_id,
        "kind": file.kind,
        "name": file.name,
        "debug_ids": debug_ids[:_MOST_IDS],
        "release": file.any_release,
        "size_bytes": file.size_bytes,
        "stored_bytes": file.stored_bytes,
        "uploaded_at": file.uploaded_at,
        "cause": cause,
        "person_id": person_id,
    }


def _read_receipt(row: Row[Any]) -> DebugFileReceipt:
    return DebugFileReceipt(
        row.receipt_id,
        ProjectId(row.project_id),
        DebugFileId(row.file_id),
        DebugFileKind(row.kind),
        row.name,
        tuple(row.debug_ids),
        row.release,
        row.size_bytes,
        row.stored_bytes,
        row.uploaded_at,
        row.deleted_at,
        DeletionCause(row.cause),
        None if row.person_id is None else PersonId(row.person_id),
        row.objects,
        row.swept_at,
    )
