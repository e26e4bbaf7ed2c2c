"""Stands for the native debug files of an event: derived by the real child, open as files."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import override

from app.core.ids import ProjectId
from app.debug_files.model import (
    ArtifactPlace,
    DebugFileId,
    DebugFileKind,
    DebugFilePart,
    DebugFileRemark,
)
from app.formats.debug_files.packed.bundle_packing import pack_bundle
from app.symbolication.cache import CachedFile
from app.symbolication.family import EventFiles
from app.symbolicator.child import NativeDeriver
from tests.support.builders.debug_objects import native_source_bundle


class NativeFiles(EventFiles):
    """The native debug files and bundles of one event, in a folder."""

    project_id = ProjectId(1)
    is_fetching = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._deriver = NativeDeriver(folder / "lock")
        self.parts: list[DebugFilePart] = []

    async def add_debug_file(self, data: bytes) -> None:
        """Upload a debug file: derive its symcaches, and keep one for each of its objects."""
        whole = self._folder / "target"
        (self._folder / "source").write_bytes(data)
        source = os.open(self._folder / "source", os.O_RDONLY)
        target = os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            objects = await self._deriver.derive(source, target)
        finally:
            os.close(source)
            os.close(target)
        derived = whole.read_bytes()
        for item in objects:
            self.add_part(
                item.debug_id,
                DebugFileKind(item.format),
                derived[item.start : item.start + item.size_bytes],
                features=tuple(item.features),
                remark=DebugFileRemark(item.remark) if item.remark else None,
            )

    def add_bundle(self, debug_id: str, sources: Mapping[str, str]) -> DebugFileId:
        """Upload the sources of a debug file by their paths on the build machine."""
        packed = BytesIO()
        pack_bundle(BytesIO(native_source_bundle(debug_id, sources)), packed)
        return self.add_part(debug_id, DebugFileKind.SOURCE_BUNDLE, packed.getvalue())

    def add_part(
        self,
        debug_id: str,
        kind: DebugFileKind,
        content: bytes,
        *,
        features: tuple[str, ...] = (),
        remark: DebugFileRemark | None = None,
    ) -> DebugFileId:
        """Add a part of a debug file with the object that look-ups read, and return its file."""
        file_id = DebugFileId(f"{len(self.parts) + 1:032x}")
        (self._folder / f"{file_id}.object").write_bytes(content)
        added_at = datetime(2026, 11, 23, tzinfo=UTC)
        self.parts.append(
            DebugFilePart(
                debug_id, file_id, kind, "object", "any", None, features, remark, added_at
            )
        )
        return file_id

    @override
    def find_parts(self, debug_id: str, *kinds: DebugFileKind) -> list[DebugFilePart]:
        return [
            part
            for part in reversed(self.parts)
            if part.debug_id == debug_id and (not kinds or part.kind in kinds)
        ]

    @override
    def find_artifacts(self, url: str) -> list[ArtifactPlace]:
        return []

    @override
    async def open_part(self, part: DebugFilePart) -> CachedFile | None:
        return await self.open_object(part.file_id, part.object_name)

    @override
    async def open_object(self, file_id: DebugFileId, object_name: str) -> CachedFile | None:
        return CachedFile.open(self._folder / f"{file_id}.{object_name}")
