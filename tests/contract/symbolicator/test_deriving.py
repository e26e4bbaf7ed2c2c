"""Tests of the child that makes symcaches of debug files."""

import asyncio
import fcntl
import os
import struct
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.core.errors import MalformedInput
from app.symbolicator import wire
from app.symbolicator.child import NativeDeriver, ReadingLimits
from tests.support.builders.debug_objects import breakpad_file, fat_file
from tests.support.recorded.debug_samples import read_debug_sample

ARM32 = "3c0f8992-49ee-951d-1511-994d4172e4c1"
DART = "ce967c90-1ccd-75c8-6d9b-5eecbe286c9a"
DSYM_ID = "4c4c4443-5555-3144-a167-f95fdee66afa"
ARM64 = "f8da01d5-9310-740f-7bd8-047945a69039"
DSYM = "macho-dsym/Shop.framework.dSYM/Contents/Resources/DWARF/Shop"


@contextmanager
def _opened(tmp_path: Path, data: bytes):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(data)
    read = os.open(source, os.O_RDONLY)
    written = os.open(target, os.O_WRONLY | os.O_CREAT)
    try:
        yield read, written
    finally:
        os.close(read)
        os.close(written)


async def _derive(
    tmp_path: Path, data: bytes, limits: ReadingLimits | None = None
) -> tuple[wire.DebugObject, ...]:
    deriver = NativeDeriver(tmp_path / "cache" / "lock", limits)
    with _opened(tmp_path, data) as (source, target):
        return await deriver.derive(source, target)


@pytest.mark.parametrize(
    ("name", "described"),
    [
        ("elf-arm64/debug/libshop.so", ("elf", ARM64, "arm64", "lib")),
        ("elf-arm64/companion/libshop.so.dbg", ("elf", ARM64, "arm64", "dbg")),
        ("elf-arm32/debug/libshop.so", ("elf", ARM32, "arm", "lib")),
        (DSYM, ("macho", DSYM_ID, "arm64", "dbg")),
        ("dart/app.android-arm64.symbols", ("elf", DART, "arm64", "dbg")),
    ],
)
async def test_a_file_with_debug_information(tmp_path, name, described):
    """A file with debug information becomes a symcache that fills the target."""
    (item,) = await _derive(tmp_path, read_debug_sample(name))
    assert (item.format, item.debug_id, item.arch, item.object_kind) == described
    assert "debug" in item.features
    assert item.has_all_names
    assert (tmp_path / "target").stat().st_size == item.size_bytes > 0


async def test_a_stripped_library_says_so(tmp_path):
    """A stripped library names its exported functions only."""
    (item,) = await _derive(tmp_path, read_debug_sample("elf-arm64/stripped/libshop.so"))
    assert item.features == ["symtab"]
    assert not item.has_all_names


async def test_a_library_with_all_symbols_but_no_lines(tmp_path):
    """A library whose symbol table is whole names all functions, though without lines."""
    library = read_debug_sample("elf-arm64/debug/libshop.so").replace(b".debug_", b".unread")
    (item,) = await _derive(tmp_path, library)
    assert "debug" not in item.features
    assert (item.has_all_names, item.remark) == (True, "no_lines")
    assert item.size_bytes > 0


async def test_a_library_with_a_remainder_of_its_symbols(tmp_path):
    """Stripping may leave a few symbols in the table, which do not name all functions."""
    library = bytearray(read_debug_sample("elf-arm64/debug/libshop.so"))
    library = library.replace(b".debug_", b".unread")
    sections, symbol_table = 0x1938, 18
    struct.pack_into("<Q", library, sections + 64 * symbol_table + 32, 4 * 24)
    (item,) = await _derive(tmp_path, bytes(library))
    assert (item.has_all_names, item.remark) == (False, "stripped")


async def test_every_processor_of_a_fat_file(tmp_path):
    """A fat Mach-O gives one object for each processor, and their symcaches follow one another."""
    data = read_debug_sample(DSYM)
    other = data.replace(bytes.fromhex("4c4c444355553144"), bytes.fromhex("0123456789abcdef"))
    first, second = await _derive(tmp_path, fat_file(data, other))
    assert first.debug_id == DSYM_ID
    assert second.debug_id == "01234567-89ab-cdef-a167-f95fdee66afa"
    assert (first.start, second.start) == (0, first.size_bytes)


async def test_an_object_that_occurs_twice_is_made_once(tmp_path):
    """Two objects with one debug id give one symcache."""
    data = read_debug_sample(DSYM)
    assert len(await _derive(tmp_path, fat_file(data, data))) == 1


async def test_a_breakpad_file(tmp_path):
    """A Breakpad file is read like the library that it was made of."""
    (item,) = await _derive(tmp_path, breakpad_file({"shop::total(int)": (0x1000, 0x20)}))
    assert (item.format, item.object_kind) == ("breakpad", "dbg")
    assert item.debug_id == "01234567-89ab-cdef-0123-456789abcdef"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"no debug file at all", "unsupported object file format"),
        (read_debug_sample("elf-arm64/debug/libshop.so")[:3000], "invalid ELF file"),
        (fat_file(*[read_debug_sample(DSYM)] * 33), "33 objects"),
        (breakpad_file({}, debug_id="0" * 33), "no debug id"),
    ],
)
async def test_a_file_that_cannot_be_used_says_why(tmp_path, data, words):
    """A broken file is an error with a sentence for the build log."""
    with pytest.raises(MalformedInput, match=words):
        await _derive(tmp_path, data)


async def test_a_file_that_takes_too_much_memory(tmp_path):
    """A file that is too large for the child's memory is an error that names the limit."""
    data = breakpad_file({f"f{number}": (number * 16, 16) for number in range(100_000)})
    with pytest.raises(MalformedInput, match="more than 50 MiB"):
        await _derive(tmp_path, data, ReadingLimits(memory_mib=50))


async def test_one_file_at_a_time_on_a_machine(tmp_path):
    """While another process reads a debug file, this one waits."""
    lock = tmp_path / "lock"
    other = os.open(lock, os.O_RDWR | os.O_CREAT)
    fcntl.flock(other, fcntl.LOCK_EX)
    deriver = NativeDeriver(lock)
    with _opened(tmp_path, read_debug_sample("elf-arm64/debug/libshop.so")) as files:
        waiting = asyncio.ensure_future(deriver.derive(*files))
        done, _ = await asyncio.wait([waiting], timeout=0.2)
        assert not done
        os.close(other)
        assert len(await waiting) == 1
