"""A family for tests: its debug files are JSON objects that give clear names for obfuscated ones.

It stands for the real families where a test is about what lies around them. Its files count as
mappings, so that pages, look-ups and uploads treat them as such.
"""

import json
from collections.abc import Collection
from typing import override

from app.core import clock
from app.core.ids import ProjectId
from app.db.engine import Database
from app.debug_files import writes
from app.debug_files.model import ANY_CPU, DebugFile, DebugFileId, DebugFileKind, DebugFilePart
from app.storage import keys
from app.storage.port import ObjectStore
from app.symbolication.draft import EventDraft
from app.symbolication.family import EventFiles, SymbolFamily

OBJECT_NAME = "mapping"
DEBUG_ID = "d9eda8d5-d1d0-5d91-93b5-2943d1938566"


def debug_meta(*debug_ids: str) -> dict[str, list[dict[str, str]]]:
    """Return the member of an event that names mappings."""
    return {
        "images": [{"type": "proguard", "uuid": debug_id} for debug_id in debug_ids or (DEBUG_ID,)]
    }


class RenamingFamily(SymbolFamily):
    """Renames functions, and types of exceptions, by the files of the images of an event."""

    calls = 0

    @override
    def list_debug_ids(self, draft: EventDraft) -> Collection[str]:
        return [str(image["uuid"]) for image in draft.images if image.get("type") == "proguard"]

    @override
    def list_urls(self, draft: EventDraft) -> Collection[str]:
        return ()

    @override
    async def rewrite(self, draft: EventDraft, files: EventFiles) -> None:
        self.calls += 1
        for debug_id in self.list_debug_ids(draft):
            parts = files.find_parts(debug_id, DebugFileKind.PROGUARD)
            file = await files.open_part(parts[0]) if parts else None
            if file is None:
                frames = sum(len(stack.frames) for stack in draft.stacks)
                draft.note_missing(DebugFileKind.PROGUARD, debug_id, frames=frames)
                continue
            self._rename(draft, json.loads(bytes(file.data)))
            draft.note_use(parts[0].file_id, DebugFileKind.PROGUARD, debug_id)

    def _rename(self, draft: EventDraft, names: dict[str, str]) -> None:
        for stack in draft.stacks:
            stack.frames = [
                {**frame, "function": names.get(frame["function"], frame["function"])}
                for frame in stack.frames
            ]
        for exception in draft.exceptions:
            exception["type"] = names.get(exception["type"], exception["type"])


async def add_mapping(
    database: Database,
    objects: ObjectStore,
    project_id: ProjectId,
    names: dict[str, str],
    *,
    debug_id: str = DEBUG_ID,
    file_id: DebugFileId | None = None,
) -> DebugFileId:
    """Store a debug file of this family, with the news of it, as an upload does."""
    file_id = file_id or writes.new_file_id()
    content = json.dumps(names).encode()
    await objects.put(keys.make_debug_file_key(project_id, file_id, OBJECT_NAME), content)
    now = clock.now()
    file = DebugFile(
        project_id=project_id,
        file_id=file_id,
        kind=DebugFileKind.PROGUARD,
        sha1=f"{file_id}00000000",
        sha256=f"{file_id}{file_id}",
        name="mapping.txt",
        cpu_name=ANY_CPU,
        code_id=None,
        features=("mapping",),
        data_type=None,
        size_bytes=len(content),
        stored_bytes=len(content),
        release=None,
        dist=None,
        remark=None,
        uploaded_at=now,
        token_id=None,
    )
    part = DebugFilePart(
        debug_id, file_id, file.kind, OBJECT_NAME, ANY_CPU, None, file.features, None, now
    )
    async with database.transaction() as connection:
        await writes.begin_debug_file(connection, project_id, file_id)
    async with database.transaction() as connection:
        assert await writes.add_debug_file(connection, file, [part])
    return file_id
