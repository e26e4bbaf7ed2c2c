"""Frozen values that this domain takes in and hands upward; no table objects."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final, NewType

from app.core.ids import PersonId, ProjectId

DebugFileId = NewType("DebugFileId", str)
"""Our own id of a debug file: 32 lower-case hex digits, random."""
ApiTokenId = NewType("ApiTokenId", int)
"""The id of the token with which a program uploaded something."""


class DebugFileKind(StrEnum):
    """The kind of a debug file, which decides how it is read."""

    PROGUARD = "proguard"
    """A mapping of ProGuard or R8."""
    ELF = "elf"
    MACHO = "macho"
    BREAKPAD = "breakpad"
    PDB = "pdb"
    ARTIFACT_BUNDLE = "artifact_bundle"
    """Minified JavaScript with its source maps."""
    SOURCE_BUNDLE = "source_bundle"
    """Sources of native code, with the debug id of its binary."""
    JVM_SOURCE_BUNDLE = "jvm_source_bundle"
    """Java and Kotlin sources."""
    DART_SYMBOL_MAP = "dart_symbol_map"
    """Clear and obfuscated names of Dart code."""


class DebugFileFeature(StrEnum):
    """Information that a debug file has."""

    SYMBOLS = "symtab"
    """Names of functions."""
    DEBUG = "debug"
    """Lines and inlined functions."""
    UNWIND = "unwind"
    SOURCES = "sources"
    MAPPING = "mapping"
    """Clear names for obfuscated ones."""
    LINES = "lines"
    """Line numbers in a mapping."""


class DebugFileRemark(StrEnum):
    """A flaw of a complete upload, which makes it less useful than it could be."""

    STRIPPED = "stripped"
    """A binary without debug information."""
    NO_LINES = "no_lines"
    """A mapping without line numbers."""


MAPPING_OBJECT: Final = "mapping"
"""The object of a mapping: `formats.debug_files.mapping` reads it."""
BUNDLE_OBJECT: Final = "bundle"
"""The object of a bundle: `formats.debug_files.packed` reads it."""
DART_OBJECT: Final = "names"
"""The object of a symbol map of Dart."""
SYMCACHE_OBJECT: Final = "symcache"
"""The beginning of the objects of a native file: a symcache for each of its parts, with a number.
A part whose symcache would be empty has none."""
ORIGINAL_OBJECT: Final = "original"
"""The file as it was uploaded, in zstd, if `PLAYHEAD_KEEP_DEBUG_ORIGINALS` is set."""
UNKNOWN_CPU: Final = "unknown"
ANY_CPU: Final = "any"
"""The processor of a file that is the same for all, as a mapping is."""


@dataclass(frozen=True, slots=True)
class DebugFile:
    """A debug file that is complete and can be used.

    A project has each content once for a kind. It may be known by several debug ids.
    """

    project_id: ProjectId
    file_id: DebugFileId
    kind: DebugFileKind
    sha1: str
    """SHA-1 of the file as it was uploaded, 40 lower-case hex digits."""
    sha256: str
    """SHA-256 of the same, 64 lower-case hex digits."""
    name: str
    """The name under which it was uploaded, without its folders."""
    cpu_name: str
    code_id: str | None
    """Build id of an ELF file in hex, or what stands for it in other kinds."""
    features: tuple[str, ...]
    """Values of `DebugFileFeature`."""
    data_type: str | None
    """`dbg`, `lib`, `exe`, `src` and the like, as sentry-cli prints it."""
    size_bytes: int
    """The size of the file as it was uploaded."""
    stored_bytes: int
    """The bytes of its objects in storage."""
    release: str | None
    dist: str | None
    remark: DebugFileRemark | None
    uploaded_at: datetime
    token_id: ApiTokenId | None
    """The token that uploaded it; None if a person did so by hand."""
    last_used_day: date | None = None
    """The last day, in UTC, on which an event used it."""
    used_release: str | None = None
    """The release of an event that used it last."""
    needed_day: date | None = None
    """The last day on which an event of its release was found to be kept, if anybody looked."""
    object_names: tuple[str, ...] = ()
    """The names of its objects, as `keys.make_debug_file_key` takes them."""

    @property
    def any_release(self) -> str | None:
        """The release that it was uploaded for, or else that of an event that used it."""
        return self.release or self.used_release


@dataclass(frozen=True, slots=True)
class DebugFilePart:
    """A part of a debug file that has a debug id of its own.

    Most files are one part. A Mach-O file for several processors has one for each, an artifact
    bundle one for each of its scripts. A mapping that was uploaded under several ids has as many.
    """

    debug_id: str
    """In lower case with dashes; with the age of a PDB, if it is not 0."""
    file_id: DebugFileId
    kind: DebugFileKind
    object_name: str
    """The object with what look-ups read: `keys.make_debug_file_key` makes its key of this."""
    cpu_name: str
    code_id: str | None
    features: tuple[str, ...]
    remark: DebugFileRemark | None
    added_at: datetime


@dataclass(frozen=True, slots=True)
class ArtifactUrl:
    """An entry of an artifact bundle under the address that scripts of a release have."""

    release: str
    dist: str
    """The distribution; empty for none."""
    url: str
    """As the manifest has it, such as `~/index.android.bundle`."""
    entry: str
    """The name of the entry in the bundle."""


@dataclass(frozen=True, slots=True)
class ArtifactPlace:
    """The place of an entry of an artifact bundle."""

    file_id: DebugFileId
    artifact: ArtifactUrl
    uploaded_at: datetime


@dataclass(frozen=True, slots=True)
class DebugFileArrival:
    """News of a debug file, for whoever makes the events readable that have missed it."""

    arrival_id: int
    project_id: ProjectId
    file_id: DebugFileId
    kind: DebugFileKind
    debug_ids: tuple[str, ...]
    """The debug ids under which it has become known."""
    release: str | None
    """The release whose scripts it has, if it is an artifact bundle of one."""
    dist: str | None
    arrived_at: datetime


@dataclass(frozen=True, slots=True)
class DebugFileTotal:
    """The number of debug files of a kind in a project, and their bytes in storage."""

    project_id: ProjectId
    kind: DebugFileKind
    files: int
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class DebugFileReleaseTotal:
    """The debug files of one kind that a project has of a release."""

    release: str | None
    """None for files of which no release is known."""
    kind: DebugFileKind
    files: int
    stored_bytes: int
    uploaded_at: datetime
    """The time at which the newest of them was uploaded."""
    last_used_day: date | None


class DeletionCause(StrEnum):
    """Why a debug file was deleted."""

    BY_HAND = "by_hand"
    UNUSED = "unused"
    """A rule deleted it, since no event had needed it for long enough."""
    PROJECT_ERASED = "project_erased"
    RESTORED = "restored"
    """It was deleted before, and an older backup brought it back."""


@dataclass(frozen=True, slots=True)
class DebugFileReceipt:
    """The receipt for a deleted debug file, with the time at which nothing of it was left."""

    receipt_id: int
    project_id: ProjectId
    file_id: DebugFileId
    kind: DebugFileKind
    name: str
    debug_ids: tuple[str, ...]
    """The first of its debug ids."""
    release: str | None
    size_bytes: int
    stored_bytes: int
    uploaded_at: datetime
    deleted_at: datetime
    cause: DeletionCause
    person_id: PersonId | None
    """The person who deleted it; None for a rule and the command line."""
    objects: int
    """The number of objects that the sweep removed."""
    swept_at: datetime | None
    """The time at which nothing of it was found to be left in object storage."""
