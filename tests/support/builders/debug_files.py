"""Stores debug files as an upload does, without the bytes that a build would have made."""

import hashlib
import secrets
from dataclasses import replace
from datetime import timedelta

from app.core import clock
from app.core.ids import ProjectId
from app.db.engine import Database
from app.debug_files import writes
from app.debug_files.model import ANY_CPU, ArtifactUrl, DebugFile, DebugFileKind, DebugFilePart
from app.storage import keys
from app.storage.port import ObjectStore

CONTENT = b"com.acme.Cart -> a.b:\n"


def make_debug_file(project_id: ProjectId, *, age: int = 0, **changes: object) -> DebugFile:
    """Make a mapping that was uploaded so many days ago; each one has other bytes."""
    name = secrets.token_hex(8)
    file = DebugFile(
        project_id=project_id,
        file_id=writes.new_file_id(),
        kind=DebugFileKind.PROGUARD,
        sha1=hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest(),
        sha256=hashlib.sha256(name.encode()).hexdigest(),
        name="mapping.txt",
        cpu_name=ANY_CPU,
        code_id=None,
        features=("mapping", "lines"),
        data_type=None,
        size_bytes=2_415,
        stored_bytes=len(CONTENT),
        release=None,
        dist=None,
        remark=None,
        uploaded_at=clock.now() - timedelta(days=age),
        token_id=None,
    )
    return replace(file, **changes)  # type: ignore[arg-type]  # names of fields


async def store_debug_file(
    database: Database,
    objects: ObjectStore,
    file: DebugFile,
    *debug_ids: str,
    artifacts: tuple[ArtifactUrl, ...] = (),
) -> DebugFile:
    """Store a debug file with one object and some debug ids."""
    async with database.transaction() as connection:
        await writes.begin_debug_file(connection, file.project_id, file.file_id)
    await objects.put(keys.make_debug_file_key(file.project_id, file.file_id, "mapping"), CONTENT)
    parts = [
        DebugFilePart(
            debug_id,
            file.file_id,
            file.kind,
            "mapping",
            file.cpu_name,
            file.code_id,
            file.features,
            file.remark,
            file.uploaded_at,
        )
        for debug_id in debug_ids
    ]
    async with database.transaction() as connection:
        await writes.add_debug_file(connection, file, parts, artifacts=artifacts)
    return file
