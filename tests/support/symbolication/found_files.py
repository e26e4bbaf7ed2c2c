"""Stands for the debug files that were found for an event, in tests of families."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from app.core.ids import ProjectId
from app.debug_files.model import (
    BUNDLE_OBJECT,
    ArtifactPlace,
    ArtifactUrl,
    DebugFileId,
    DebugFileKind,
    DebugFilePart,
    DebugFileRemark,
)
from app.symbolication.draft import EventDraft
from app.symbolication.family import SymbolFamily
from app.symbolication.model import SymbolicatedEvent

ADDED_AT: Final = datetime(2026, 11, 23, tzinfo=UTC)


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
    artifacts: list[ArtifactPlace] = field(default_factory=list)
    project_id: ProjectId = field(default_factory=lambda: ProjectId(1))
    is_fetching: bool = True

    def add(
        self,
        debug_id: str,
        kind: DebugFileKind,
        content: bytes,
        remark: DebugFileRemark | None = None,
    ) -> str:
        """Add a file that was uploaded, and return its id."""
        file_id = DebugFileId(f"{len(self.contents) + 1:032x}")
        self.parts.append(
            DebugFilePart(debug_id, file_id, kind, "object", "any", None, (), remark, ADDED_AT)
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

    def add_bundle(self, content: bytes, *urls: str) -> str:
        """Add a bundle that has scripts of the release at some addresses, and return its id."""
        file_id = DebugFileId(f"{len(self.contents) + 1:032x}")
        self.artifacts += [
            ArtifactPlace(file_id, ArtifactUrl("", "", url, "entry"), ADDED_AT) for url in urls
        ]
        self.contents[file_id] = MemoryFile(content)
        return file_id

    def find_artifacts(self, url: str) -> list[ArtifactPlace]:
        """Return the places with an address, the one that was added last first."""
        return [place for place in reversed(self.artifacts) if place.artifact.url == url]

    async def open_part(self, part: DebugFilePart) -> MemoryFile | None:
        """Open the object of a part."""
        return self.contents.get(part.file_id)

    async def open_object(self, file_id: DebugFileId, object_name: str) -> MemoryFile | None:
        """Open an object."""
        is_known = object_name in {"object", BUNDLE_OBJECT}
        return self.contents.get(file_id) if is_known else None


async def symbolicate(
    family: SymbolFamily, event: dict[str, Any], files: MemoryFiles
) -> SymbolicatedEvent:
    """Let one family make an event clear."""
    draft = EventDraft.of_event(event)
    await family.rewrite(draft, files)
    return draft.finish()
