"""Recognises what a debug file is by its first bytes.

Source: the headers of symbolic-debuginfo; ELF, Mach-O, MSF and ECMA-335 as their magics say.
"""

from enum import StrEnum
from typing import Final

HEAD_BYTES: Final = 256
"""The bytes by which a file is recognised."""
_JAVA_VERSION: Final = 45
"""A Java class begins as a fat Mach-O does; its version is at least 45, more than processors."""
_MACH_MAGICS: Final = (
    b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe",
)  # fmt: skip
_FAT_MAGICS: Final = (b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf")


class DebugFileForm(StrEnum):
    """A form of debug files."""

    BUNDLE = "bundle"
    """A ZIP with a manifest, as sentry-cli packs sources and scripts."""
    ZIP = "zip"
    """A ZIP without the eight bytes by which sentry-cli marks a bundle; it may be one all the
    same."""
    ELF = "elf"
    MACHO = "macho"
    BREAKPAD = "breakpad"
    PDB = "pdb"
    PORTABLE_PDB = "portable_pdb"
    PE = "pe"
    WASM = "wasm"
    BCSYMBOLMAP = "bcsymbolmap"
    """A list of names that the App Store hid, up to Xcode 13."""
    UUID_MAP = "uuid_map"
    """A property list that tells which symbol map belongs to which file."""
    JSON_LIST = "json_list"
    """A symbol map of Dart."""
    JSON_OBJECT = "json_object"
    """A map of il2cpp, from Unity, among others."""
    MAPPING = "mapping"
    """A text that may be a mapping of R8 or ProGuard."""
    UNKNOWN = "unknown"


_MAGICS: Final = (
    (b"SYSB", DebugFileForm.BUNDLE),
    (b"PK\x03\x04", DebugFileForm.ZIP),
    (b"PK\x05\x06", DebugFileForm.ZIP),
    (b"\x7fELF", DebugFileForm.ELF),
    *((magic, DebugFileForm.MACHO) for magic in _MACH_MAGICS),
    (b"MODULE ", DebugFileForm.BREAKPAD),
    (b"Microsoft C/C++ MSF 7.00\r\n", DebugFileForm.PDB),
    (b"BSJB", DebugFileForm.PORTABLE_PDB),
    (b"MZ", DebugFileForm.PE),
    (b"\x00asm", DebugFileForm.WASM),
    (b"BCSymbolMap", DebugFileForm.BCSYMBOLMAP),
    (b"<?xml", DebugFileForm.UUID_MAP),
    (b"<plist", DebugFileForm.UUID_MAP),
    (b"[", DebugFileForm.JSON_LIST),
    (b"{", DebugFileForm.JSON_OBJECT),
)


def recognize_form(head: bytes) -> DebugFileForm:
    """Recognise a debug file by its first `HEAD_BYTES` bytes."""
    if head.startswith(_FAT_MAGICS):
        objects = int.from_bytes(head[4:8])
        return DebugFileForm.MACHO if objects < _JAVA_VERSION else DebugFileForm.UNKNOWN
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for magic, form in _MAGICS:
        if head.startswith(magic) or (magic in {b"[", b"{"} and text.startswith(magic)):
            return form
    return DebugFileForm.UNKNOWN if b"\0" in head else DebugFileForm.MAPPING
