"""Stands for the debug files that were found for an event, in tests of families."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.core.ids import ProjectId
from app.debug_files.model import (
    ArtifactPlace,
    DebugFileId,
    DebugFileKind,
    DebugFilePart,
    DebugFileRemark,
)
from app.symbolication.draft import EventDraft
from app.symbolication.family import SymbolFamily
from app.symbolication.model import SymbolicatedEvent


@dataclass
class MemoryFile:
    """An object of a debug file in memory, which has no descriptor."""

    data: bytes
    readers: dict[object, Any] = field(default_factory=dict)

    @property
    def descriptor(self) -> int:
        """Fail: nothing is open."""
        raise AssertionError("a file in memory has no descriptor")

    def open_reader[Reader](self, factory: Callable[[bytes], Reader]) -> Reader:
        """Make a reader once."""
        if factory not in self.readers:
            self.readers[factory] = factory(self.data)
        reader: Reader = self.readers[factory]
        return reader


@dataclass
class MemoryFiles:
    """The files of an event: parts by their debug ids, and the bytes of each."""

    parts: list[DebugFilePart] = field(default_factory=list)
    contents: dict[str, MemoryFile] = field(default_factory=dict)
    project_id: ProjectId = field(default_factory=lambda: ProjectId(1))

    def add(
        self,
        debug_id: str,
        kind: DebugFileKind,
        content: bytes,
        remark: DebugFileRemark | None = None,
    ) -> str:
        """Add a file that was uploaded, and return its id."""
        file_id = DebugFileId(f"{len(self.parts) + 1:032x}")
        added_at = datetime(2026, 11, 23, tzinfo=UTC)
        self.parts.append(
            DebugFilePart(debug_id, file_id, kind, "object", "any", None, (), remark, added_at)
        )
        self.contents[file_id] = MemoryFile(content)
        return file_id

    def find_parts(self, debug_id: str, *kinds: DebugFileKind) -> list[DebugFilePart]:
        """Return the parts with an id, the one that was added last first."""
        return [
            part
            for part in reversed(self.parts)
            if part.debug_id == debug_id and (not kinds or part.kind in kinds)
        ]

    def find_artifacts(self, url: str) -> list[ArtifactPlace]:
        """Fail: these files have no addresses."""
        raise AssertionError(f"nobody should ask for {url}")

    async def open_part(self, part: DebugFilePart) -> MemoryFile | None:
        """Open the object of a part."""
        return self.contents.get(part.file_id)

    async def open_object(self, file_id: DebugFileId, object_name: str) -> MemoryFile | None:
        """Open an object."""
        return self.contents.get(file_id) if object_name == "object" else None


async def symbolicate(
    family: SymbolFamily, event: dict[str, Any], files: MemoryFiles
) -> SymbolicatedEvent:
    """Let one family make an event clear."""
    draft = EventDraft.of_event(event)
    await family.rewrite(draft, files)
    return draft.finish()
