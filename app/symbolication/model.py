"""The clear stack of an event: the members that debug files changed, and which files they were.

    event as sent ─ symbolicate ─► SymbolicatedEvent ─ pack ─► column `events.symbolicated`
    event as sent + SymbolicatedEvent ─ read_clear_event ─► what pages, search and grouping read

The payload of an event stays as it was sent. Beside it lie only the top-level members that differ
(`exception`, `threads` and what else may name a class), so a reader lays them over the payload.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from app.formats import jsonish
from app.formats.jsonish import JsonObject
from app.formats.stored import packed_json

DebugFileKindName = Literal[
    "proguard",
    "elf",
    "macho",
    "breakpad",
    "pdb",
    "artifact_bundle",
    "source_bundle",
    "jvm_source_bundle",
    "dart_symbol_map",
]
"""The values of `debug_files.model.DebugFileKind`, as the column has them."""
MissingReason = Literal["not_uploaded", "stripped", "no_lines", "not_in_map"]
"""The reason why a debug file did not help: it is absent, it has no debug information, it has names
but no line numbers, or it does not know the names or positions of the frames."""

CLEAR_MEMBERS: Final = ("exception", "threads", "stacktrace", "transaction", "contexts")
"""The top-level members of an event that symbolication may change."""
KIND_NAMES: Final[dict[object, DebugFileKindName]] = {
    kind: kind for kind in get_args(DebugFileKindName)
}
"""The names of kinds by themselves, and so by the members of `DebugFileKind`."""
_REASONS: Final[dict[object, MissingReason]] = {
    reason: reason for reason in get_args(MissingReason)
}
_NAME_CHARS: Final = 500
_TRIPLE: Final = 3
_MOST_FILES: Final = 1_000
"""More files than an event of a phone names; a longer list is not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingDebugFile:
    """A debug file that an event needs and that is not there, or did not help.

    Only files that frames of the app need are named; files of the system are not.
    """

    kind: DebugFileKindName
    debug_id: str | None
    """Normalised debug id: lower case with dashes, and `-<age>` for a PDB. None for a source map
    that is looked up by release, dist and name."""
    name: str | None = None
    """Name of the library or of the JavaScript file, as the event writes it (`libshop.so`)."""
    arch: str | None = None
    """Processor of a native image (`arm64`), if the event says it."""
    release: str | None = None
    dist: str | None = None
    frames: int = 0
    """Number of frames that stayed unreadable, or partly so, for want of the file."""
    reason: MissingReason = "not_uploaded"
    detail: str | None = None
    """The position (`1:4656`) or class that the file lacks, for the reason `not_in_map`."""


@dataclass(frozen=True, slots=True)
class UsedDebugFile:
    """A debug file that made frames of an event readable."""

    file_id: str
    kind: DebugFileKindName
    debug_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolicatedEvent:
    """The result of symbolication for one event."""

    members: JsonObject
    """The members in `CLEAR_MEMBERS` that differ from those sent, whole, as JSON values."""
    used: tuple[UsedDebugFile, ...] = ()
    missing: tuple[MissingDebugFile, ...] = ()
    """The files that would help, those that most frames need first."""
    view_types: Mapping[str, str] = field(default_factory=dict)
    """Clear names of the views in the view hierarchy that came with the event, by those sent."""
    is_pending: bool = False
    """True while a worker is still to do it, because a file was not at hand or time ran out."""

    @property
    def is_changed(self) -> bool:
        """True if any member differs from the event as sent."""
        return bool(self.members)

    def apply_to(self, event: JsonObject) -> JsonObject:
        """Return the event with its clear members; the event itself is not changed."""
        return {**event, **self.members} if self.members else event


NOT_SYMBOLICATED: Final = SymbolicatedEvent(members={})
"""The value of an event that needs no debug file, or was stored before there was symbolication."""


def pack_symbolicated(symbolicated: SymbolicatedEvent) -> bytes:
    """Pack a value for its column: JSON, compressed with zstd."""
    return packed_json.pack_json(
        {
            "members": symbolicated.members,
            "used": [[file.file_id, file.kind, file.debug_id] for file in symbolicated.used],
            "missing": [_write_missing(file) for file in symbolicated.missing],
            "views": dict(symbolicated.view_types),
            "pending": symbolicated.is_pending,
        }
    )


def unpack_symbolicated(packed: bytes | None) -> SymbolicatedEvent:
    """Read the value from its column.

    Returns:
        `NOT_SYMBOLICATED` for null and for bytes that cannot be read: pages then show the event as
        it was sent.
    """
    raw = packed_json.unpack_object(packed) if packed else {}
    if not raw:
        return NOT_SYMBOLICATED
    members = jsonish.mapping(raw, "members")
    return SymbolicatedEvent(
        members={name: members[name] for name in CLEAR_MEMBERS if name in members},
        used=_read_used(jsonish.sequence(raw, "used")),
        missing=_read_missing_files(jsonish.sequence(raw, "missing")),
        view_types=_read_names(jsonish.mapping(raw, "views")),
        is_pending=bool(jsonish.flag(raw, "pending")),
    )


def read_clear_event(payload: bytes, symbolicated: bytes | None) -> JsonObject:
    """Return an event with its clear stack, or as it was sent if it has none.

    Args:
        payload: The packed event as sent.
        symbolicated: The packed clear stack, or None.
    """
    event = packed_json.unpack_object(payload)
    return unpack_symbolicated(symbolicated).apply_to(event) if symbolicated else event


def _write_missing(file: MissingDebugFile) -> JsonObject:
    members: JsonObject = {
        "kind": file.kind,
        "debug_id": file.debug_id,
        "name": file.name,
        "arch": file.arch,
        "release": file.release,
        "dist": file.dist,
        "frames": file.frames,
        "reason": file.reason,
        "detail": file.detail,
    }
    return {name: value for name, value in members.items() if value is not None}


def _read_missing_files(values: Sequence[Any]) -> tuple[MissingDebugFile, ...]:
    return tuple(
        [
            file
            for value in values[:_MOST_FILES]
            if isinstance(value, dict) and (file := _read_missing(value)) is not None
        ]
    )


def _read_missing(raw: JsonObject) -> MissingDebugFile | None:
    kind = KIND_NAMES.get(_read_text(raw, "kind"))
    reason = _REASONS.get(_read_text(raw, "reason"))
    if kind is None or reason is None:
        return None  # written by a later release
    return MissingDebugFile(
        kind=kind,
        debug_id=_read_text(raw, "debug_id"),
        name=_read_text(raw, "name"),
        arch=_read_text(raw, "arch"),
        release=_read_text(raw, "release"),
        dist=_read_text(raw, "dist"),
        frames=jsonish.integer(raw, "frames", lowest=0) or 0,
        reason=reason,
        detail=_read_text(raw, "detail"),
    )


def _read_text(raw: JsonObject, name: str) -> str | None:
    return jsonish.text(raw, name, limit=_NAME_CHARS)


def _read_names(raw: JsonObject) -> dict[str, str]:
    return {sent: clear for sent, clear in raw.items() if isinstance(clear, str)}


def _read_used(values: Sequence[Any]) -> tuple[UsedDebugFile, ...]:
    return tuple(
        [
            UsedDebugFile(file_id, known_kind, debug_id)
            for file_id, kind, debug_id in _select_triples(values[:_MOST_FILES])
            if isinstance(file_id, str) and (known_kind := KIND_NAMES.get(str(kind))) is not None
        ]
    )


def _select_triples(values: Sequence[Any]) -> list[list[Any]]:
    return [value for value in values if isinstance(value, list) and len(value) == _TRIPLE]
