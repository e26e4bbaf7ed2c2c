"""Deletes debug files by hand: some that are named, or all that a search finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.administration.debug_files.read_debug_files import DebugFileSearch
from app.administration.projects.record_action import record_action
from app.audit.model import Action
from app.core import clock, ids
from app.core.ids import ProjectId
from app.db.engine import Database
from app.debug_files import queries, receipts
from app.debug_files.model import DebugFile, DebugFileId, DeletionCause
from app.erasure.log import lines
from app.memberships.model import ProjectAccess, Role

MOST_NAMED: Final = 500
"""The most files that one form names."""
_SHOWN: Final = 50
_BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class DebugFileDeletion:
    """The debug files that would be deleted."""

    file_ids: Sequence[DebugFileId]
    """The files that are named; empty if it is all that the search finds."""
    files: Sequence[DebugFile]
    """The first of them."""
    total: int


async def preview_deletion(
    database: Database, access: ProjectAccess, named: Sequence[str], search: DebugFileSearch
) -> DebugFileDeletion:
    """Say which debug files would be deleted.

    Args:
        database: The database.
        access: The person who asks, and the project.
        named: Ids of files; empty for all that the search finds.
        search: The search.

    Raises:
        PermissionDenied: The person is not an admin of the project.
    """
    access.require_role(Role.ADMIN)
    project_id = access.project.id
    file_ids = _read_ids(named)
    async with database.reading() as connection:
        if named:
            found = await queries.read_debug_files(connection, project_id, file_ids)
            files = list(found.values())
            return DebugFileDeletion(sorted(found), files[:_SHOWN], len(files))
        run = await queries.list_debug_files(connection, project_id, search.filters, limit=_SHOWN)
        total = await queries.count_debug_files(connection, project_id, search.filters)
        return DebugFileDeletion((), run.rows, total)


async def delete_debug_files(
    database: Database, access: ProjectAccess, named: Sequence[str], search: DebugFileSearch
) -> int:
    """Delete debug files; returns how many there were.

    Their objects are removed by the sweep, which closes the receipts. Stacks that were made
    readable with them stay readable. Each batch is a transaction with an audit line.

    Args:
        database: The database.
        access: The person who deletes them, and the project.
        named: Ids of files; empty for all that the search finds.
        search: The search.

    Raises:
        PermissionDenied: The person is not an admin of the project.
    """
    access.require_role(Role.ADMIN)
    if named:
        async with database.transaction() as connection:
            return await _delete_batch(connection, access, _read_ids(named))
    deleted = 0
    find_next = partial(_find_batch, project_id=access.project.id, search=search)
    while True:
        async with database.transaction() as connection:
            file_ids = await find_next(connection)
            deleted += await _delete_batch(connection, access, file_ids)
        if len(file_ids) < _BATCH:
            return deleted


async def _find_batch(
    connection: AsyncConnection, *, project_id: ProjectId, search: DebugFileSearch
) -> list[DebugFileId]:
    run = await queries.list_debug_files(connection, project_id, search.filters, limit=_BATCH)
    return [file.file_id for file in run.rows]


async def _delete_batch(
    connection: AsyncConnection, access: ProjectAccess, file_ids: Sequence[DebugFileId]
) -> int:
    erased = await receipts.erase_debug_files(
        connection,
        access.project.id,
        file_ids,
        cause=DeletionCause.BY_HAND,
        person_id=access.person.id,
    )
    if erased.files:
        await lines.add_debug_files_line(
            connection,
            access.project.id,
            erased.file_ids,
            person_id=access.person.id,
            at=clock.now(),
        )
        await record_action(
            connection,
            access,
            Action.DEBUG_FILES_DELETED,
            detail={
                "cause": DeletionCause.BY_HAND.value,
                "files": erased.files,
                "size_bytes": erased.stored_bytes,
            },
        )
    return erased.files


def _read_ids(named: Sequence[str]) -> list[DebugFileId]:
    """Read ids of a form; what is not an id names no file."""
    read = (ids.read_hex32(each) for each in named[:MOST_NAMED])
    return [DebugFileId(each) for each in read if each is not None]
