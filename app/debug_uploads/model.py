"""The values that pass between the steps of an upload."""

from dataclasses import dataclass, field
from typing import BinaryIO

from app.core.ids import ProjectId
from app.debug_files.model import (
    ApiTokenId,
    ArtifactUrl,
    DebugFileKind,
    DebugFileRemark,
)


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file that was uploaded whole, in an unnamed file of this process."""

    project_id: ProjectId
    name: str
    """The name under which it was uploaded, with its folders."""
    file: BinaryIO
    sha1: str
    sha256: str
    size_bytes: int
    token_id: ApiTokenId | None = None
    debug_id: str = ""
    """The debug id that the uploader gave, normalised; empty for none."""
    release: str = ""
    dist: str = ""
    is_bundle: bool | None = False
    """True if it was announced as a bundle of scripts; None if nobody has said what it is."""


@dataclass(frozen=True, slots=True)
class DerivedObject:
    """Bytes that are stored of a debug file."""

    name: str
    """Our name of the object, as `keys.make_debug_file_key` takes it."""
    file: BinaryIO
    size_bytes: int


@dataclass(frozen=True, slots=True)
class DerivedPart:
    """A part of a debug file with a debug id of its own."""

    debug_id: str
    object_name: str
    cpu_name: str
    code_id: str | None = None
    features: tuple[str, ...] = ()
    remark: DebugFileRemark | None = None


@dataclass(frozen=True, slots=True)
class DerivedFile:
    """The facts about a debug file, and the objects to store."""

    kind: DebugFileKind
    parts: tuple[DerivedPart, ...]
    objects: tuple[DerivedObject, ...]
    cpu_name: str
    code_id: str | None = None
    features: tuple[str, ...] = ()
    data_type: str | None = None
    remark: DebugFileRemark | None = None
    release: str | None = None
    dist: str | None = None
    artifacts: tuple[ArtifactUrl, ...] = field(default=())

    def close(self) -> None:
        """Close the files of its objects; the files themselves are gone then."""
        for each in self.objects:
            each.file.close()
