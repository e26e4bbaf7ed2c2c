"""Describes a debug file as Sentry's clients know it, under the name `dif`.

Source: sentry-cli, `src/api/data_types/chunking/dif.rs` and `src/api/mod.rs`.
"""

from pathlib import PurePosixPath
from typing import Final

from app.core import clock
from app.debug_files.model import ANY_CPU, DebugFile, DebugFileKind, DebugFilePart
from app.rest.answers import write_time

_TYPES: Final = {
    DebugFileKind.PROGUARD: ("proguard", "text/x-proguard+plain"),
    DebugFileKind.ELF: ("elf", "application/x-elf-binary"),
    DebugFileKind.MACHO: ("macho", "application/x-mach-binary"),
    DebugFileKind.BREAKPAD: ("breakpad", "text/x-breakpad"),
    DebugFileKind.PDB: ("pdb", "application/x-ms-pdb"),
    DebugFileKind.ARTIFACT_BUNDLE: ("sourcebundle", "application/zip"),
    DebugFileKind.SOURCE_BUNDLE: ("sourcebundle", "application/zip"),
    DebugFileKind.JVM_SOURCE_BUNDLE: ("sourcebundle", "application/zip"),
    DebugFileKind.DART_SYMBOL_MAP: ("dartsymbolmap", "application/x-dartsymbolmap+json"),
}
_UNNEEDED_TYPE: Final = "application/octet-stream"
_MAPPING_NAME: Final = "proguard-mapping"


def describe_file(file: DebugFile, part: DebugFilePart | None) -> dict[str, object]:
    """Describe a debug file.

    Args:
        file: The file.
        part: Its part with the debug id that somebody asks for; None if it has none.
    """
    symbol_type, media_type = _TYPES[file.kind]
    debug_id = part.debug_id if part else None
    data: dict[str, object] = {"features": list(part.features if part else file.features)}
    if file.data_type:
        data["type"] = file.data_type
    is_mapping = file.kind is DebugFileKind.PROGUARD
    return {
        "id": file.file_id,
        "uuid": debug_id,
        "debugId": debug_id,
        "codeId": part.code_id if part else file.code_id,
        "cpuName": part.cpu_name if part else file.cpu_name,
        "objectName": _MAPPING_NAME if is_mapping else file.name,
        "symbolType": symbol_type,
        "headers": {"Content-Type": media_type},
        "size": file.size_bytes,
        "sha1": file.sha1,
        "dateCreated": write_time(file.uploaded_at),
        "data": data,
    }


def describe_unneeded_file(name: str, sha1: str, debug_id: str) -> dict[str, object]:
    """Describe a file that was taken and not kept, since nothing reads it."""
    return {
        "id": sha1,
        "uuid": debug_id or None,
        "debugId": debug_id or None,
        "codeId": None,
        "cpuName": ANY_CPU,
        "objectName": PurePosixPath(name).name,
        "symbolType": "unknown",
        "headers": {"Content-Type": _UNNEEDED_TYPE},
        "size": 0,
        "sha1": sha1,
        "dateCreated": write_time(clock.now()),
        "data": {"features": []},
    }
