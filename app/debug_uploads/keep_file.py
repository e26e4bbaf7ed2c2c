"""Stores a debug file: its objects first, then the rows by which it is found.

sweep row ─► objects ─► one transaction: file, ids, addresses, news, count; the sweep row goes
                             └ the same content is there already: its ids are added to that one
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.errors import ServiceUnavailable
from app.debug_files import queries, upload_counts, writes
from app.debug_files.model import DebugFile, DebugFileId, DebugFilePart
from app.debug_uploads.model import DerivedFile, DerivedPart, UploadedFile
from app.debug_uploads.services import UploadServices
from app.projects.writes import hold_project
from app.storage import keys

BeforeCommit = Callable[[AsyncConnection], Awaitable[bool]]
"""Does something in the transaction that adds a file; returns whether it may be added."""
_UNNAMED: Final = "unnamed"


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A stored debug file, and a flag that tells whether this upload has added anything."""

    file: DebugFile
    is_new: bool


async def keep_debug_file(
    services: UploadServices,
    upload: UploadedFile,
    derived: DerivedFile,
    *,
    before_commit: BeforeCommit | None = None,
) -> KeptFile | None:
    """Store an uploaded file in the form that was derived from it.

    Args:
        services: The services of uploads.
        upload: The file as it was uploaded.
        derived: The facts and objects that were derived from it.
        before_commit: Is done first in the transaction that adds the file.

    Returns:
        None if `before_commit` forbade it; then nothing has changed.

    Raises:
        NotFound: The project was deleted meanwhile.
        ServiceUnavailable: Postgres or the storage does not answer.
    """
    file = _describe_file(upload, derived)
    async with services.database.transaction() as connection:
        await writes.begin_debug_file(connection, file.project_id, file.file_id)
    for each in derived.objects:
        key = keys.make_debug_file_key(file.project_id, file.file_id, each.name)
        await services.objects.put_file(key, each.file.fileno())
    try:
        return await _add_file(services, file, derived, before_commit)
    except _ForbiddenError:
        return None


async def _add_file(
    services: UploadServices,
    file: DebugFile,
    derived: DerivedFile,
    before_commit: BeforeCommit | None,
) -> KeptFile:
    async with services.database.transaction() as connection:
        if before_commit is not None and not await before_commit(connection):
            raise _ForbiddenError
        await hold_project(connection, file.project_id)
        parts = [_describe_part(file, part) for part in derived.parts]
        is_new = await writes.add_debug_file(connection, file, parts, artifacts=derived.artifacts)
        if not is_new:
            await writes.expire_debug_file(connection, file.project_id, file.file_id)
            file = await _find_same_content(connection, file)
            parts = [replace(part, file_id=file.file_id) for part in parts]
            is_new = await writes.extend_debug_file(
                connection, file, parts, artifacts=derived.artifacts
            )
        if is_new:
            await upload_counts.count_upload(
                connection, file.project_id, file.token_id, size_bytes=file.size_bytes
            )
    return KeptFile(file, is_new)


async def _find_same_content(connection: AsyncConnection, file: DebugFile) -> DebugFile:
    found = await queries.find_files_by_sha1(connection, file.project_id, [file.sha1])
    for same in found.get(file.sha1, ()):
        if same.kind is file.kind:
            return replace(same, uploaded_at=file.uploaded_at, token_id=file.token_id)
    raise ServiceUnavailable("a debug file was deleted while it was uploaded again")


def _describe_file(upload: UploadedFile, derived: DerivedFile) -> DebugFile:
    return DebugFile(
        upload.project_id,
        writes.new_file_id(),
        derived.kind,
        upload.sha1,
        upload.sha256,
        PurePosixPath(upload.name).name or _UNNAMED,
        derived.cpu_name,
        derived.code_id,
        derived.features,
        derived.data_type,
        upload.size_bytes,
        sum(each.size_bytes for each in derived.objects),
        upload.release or derived.release or None,
        upload.dist or derived.dist or None,
        derived.remark,
        clock.now(),
        upload.token_id,
        object_names=tuple(each.name for each in derived.objects),
    )


def _describe_part(file: DebugFile, part: DerivedPart) -> DebugFilePart:
    return DebugFilePart(
        part.debug_id,
        DebugFileId(file.file_id),
        file.kind,
        part.object_name,
        part.cpu_name,
        part.code_id,
        part.features,
        part.remark,
        file.uploaded_at,
    )


class _ForbiddenError(Exception):
    """Ends the transaction without a commit."""
