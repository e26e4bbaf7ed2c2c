"""Makes a symcache of every object in a debug file. Runs inside the child.

A symcache is a table of addresses, functions and lines, ten times smaller than the debug
information it was made of, and can be read in place.
"""

import os
import re
from struct import Struct
from typing import Final, Literal

from symbolic.debuginfo import Archive, Object

from app.symbolicator.mapped import MappedFile
from app.symbolicator.wire import (
    CODE_ID,
    DEBUG_ID,
    MOST_OBJECTS,
    DebugObject,
    DeriveAnswer,
    ObjectFormat,
)

_FORMATS: Final[dict[str, ObjectFormat]] = {
    "elf": "elf",
    "macho": "macho",
    "breakpad": "breakpad",
    "pdb": "pdb",
    # A Windows library has the debug id of its PDB, and at most its exported names.
    "pe": "pdb",
}
_NO_ID: Final = "00000000-0000-0000-0000-000000000000"
_DEBUG_ID: Final = re.compile(DEBUG_ID)
_CODE_ID: Final = re.compile(CODE_ID)
_FEATURES: Final[tuple[Literal["symtab", "debug", "unwind", "sources"], ...]] = (
    "symtab",
    "debug",
    "unwind",
    "sources",
)
_LABEL_CHARS: Final = 100
_PART_BYTES: Final = 1024 * 1024

# Source: elf(5): e_shoff, e_shentsize, e_shnum of the head; sh_type, sh_size of a section.
_ELF_HEADS: Final = {
    (2, 1): (Struct("<40xQ10xHH"), Struct("<4xI24xQ")),
    (1, 1): (Struct("<32xI10xHH"), Struct("<4xI12xI")),
    (2, 2): (Struct(">40xQ10xHH"), Struct(">4xI24xQ")),
    (1, 2): (Struct(">32xI10xHH"), Struct(">4xI12xI")),
}
_ALL_SYMBOLS: Final = 2  # SHT_SYMTAB
_EXPORTED_SYMBOLS: Final = 11  # SHT_DYNSYM


class UnusableFileError(Exception):
    """The debug file cannot be used; the message is for the person who uploaded it."""


def derive_symcaches(file: MappedFile, target: int) -> DeriveAnswer:
    """Make the symcaches of a debug file and write them one after another.

    Args:
        file: The debug file.
        target: A descriptor to write to.

    Raises:
        UnusableFileError: The file is of another kind, has no debug id, or too many objects.
        SymbolicError: The file is broken.
    """
    archive = Archive.from_bytes(file.buffer)
    if archive.object_count > MOST_OBJECTS:
        raise UnusableFileError(
            f"it holds {archive.object_count} objects; at most {MOST_OBJECTS} are read"
        )
    objects: dict[str, DebugObject] = {}
    start = 0
    for item in archive.iter_objects():
        debug_id = item.debug_id
        # PDB files of the last century have ids of another form; no event names them.
        is_known = _DEBUG_ID.search(debug_id) and not debug_id.startswith(_NO_ID)
        if not is_known or debug_id in objects:
            continue
        size_bytes = _write_symcache(item, target)
        objects[debug_id] = _describe_object(item, file, start=start, size_bytes=size_bytes)
        start += size_bytes
    if not objects:
        raise UnusableFileError(
            "it has no debug id, so no event can name it; "
            "link with a build id (-Wl,--build-id), or upload the file that has one"
        )
    return DeriveAnswer(list(objects.values()))


def _write_symcache(item: Object, target: int) -> int:
    """Write the symcache of an object, and return its size; 0 if the object names nothing."""
    if not item.features & {"symtab", "debug"}:
        return 0
    symcache = item.make_symcache()
    size_bytes = 0
    with symcache.open_stream() as stream:
        while part := stream.read(_PART_BYTES):
            size_bytes += len(part)
            unwritten = memoryview(part)
            while unwritten:
                unwritten = unwritten[os.write(target, unwritten) :]
    return size_bytes


def _describe_object(item: Object, file: MappedFile, *, start: int, size_bytes: int) -> DebugObject:
    file_format = _FORMATS.get(item.file_format)
    if file_format is None:
        raise UnusableFileError(f"{item.file_format} files are not read")
    code_id = (item.code_id or "").lower()
    features = [feature for feature in _FEATURES if feature in item.features]
    return DebugObject(
        format=file_format,
        debug_id=item.debug_id,
        code_id=code_id if _CODE_ID.search(code_id) else None,
        arch=item.arch[:_LABEL_CHARS],
        object_kind=item.kind[:_LABEL_CHARS],
        features=features,
        has_all_names=(
            "debug" in features
            or item.kind == "dbg"
            or (file_format == "elf" and "symtab" in features and has_symbol_table(file))
        ),
        start=start,
        size_bytes=size_bytes,
    )


def has_symbol_table(file: MappedFile) -> bool:
    """Tell whether an ELF file has the symbols of all functions, not of exported ones only.

    Stripping takes the symbol table (`.symtab`) out, or all of it that is not needed, and leaves
    `.dynsym`, which the loader needs. A whole table has the exported symbols, too.
    """
    identity = file.read(4, 2)
    head, section = _ELF_HEADS.get((identity[0], identity[1]), (None, None))
    if head is None or section is None:
        return False
    start = file.read(0, head.size)
    if len(start) < head.size:
        return False
    offset, entry_bytes, count = head.unpack(start)
    sizes = {_ALL_SYMBOLS: 0, _EXPORTED_SYMBOLS: 0}
    for number in range(count):
        entry = file.read(offset + number * entry_bytes, section.size)
        if len(entry) == section.size:
            kind, size_bytes = section.unpack(entry)
            if kind in sizes:
                sizes[kind] += size_bytes
    return sizes[_ALL_SYMBOLS] > sizes[_EXPORTED_SYMBOLS]
