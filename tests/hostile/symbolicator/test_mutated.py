"""H3: broken debug files go through the child that reads them, and what it makes of them too."""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from app.children.process import ChildTimeouts, command_of, run_child
from app.core.errors import MalformedInput
from app.symbolicator import child, wire
from app.symbolicator.child import NativeDeriver
from app.symbolicator.finder import AddressFinder, Symcache
from tests.support import programme_size
from tests.support.builders.debug_objects import breakpad_file, fat_file
from tests.support.recorded.debug_samples import hostile_cases, read_debug_sample

COUNT: Final = programme_size.rounds(ci=400, nightly=20_000)
DSYM: Final = read_debug_sample("macho-dsym/Shop.framework.dSYM/Contents/Resources/DWARF/Shop")
WHOLE: Final = (
    read_debug_sample("elf-arm64/debug/libshop.so"),
    read_debug_sample("elf-arm64/companion/libshop.so.dbg"),
    read_debug_sample("elf-arm32/debug/libshop.so"),
    read_debug_sample("elf-arm64/stripped/libshop.so"),
    read_debug_sample("dart/app.android-arm64.symbols"),
    DSYM,
    fat_file(DSYM, DSYM.replace(bytes.fromhex("4c4c4443"), bytes.fromhex("01234567"))),
    breakpad_file({"_ZN4shop5totalEi": (0x1000, 32), "$s4Shop3payyyF": (0x1020, 16)}),
)
SPLICES: Final = (
    b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\0\1", b"\xff" * 8, b"\x80" * 8,
    b"_ZN", b"$s4", b"_R", b"FUNC ", b"INLINE ", b"\x7fELF", b"\xca\xfe\xba\xbe\0\0\0\xff",
)  # fmt: skip
GAVE_UP: Final = "gave up"


def _break_file(dice: random.Random) -> bytes:
    """Break a debug file in one to eight places."""
    data = bytearray(dice.choice(WHOLE))
    for _ in range(dice.randint(1, 8)):
        offset = dice.randrange(len(data))
        match dice.randrange(6):
            case 0:
                data[offset] = dice.randrange(256)
            case 1:
                data[offset] ^= 1 << dice.randrange(8)
            case 2:
                splice = dice.choice(SPLICES)
                data[offset : offset + len(splice)] = splice
            case 3:
                # The tables of all formats begin in the first bytes.
                data[dice.randrange(min(512, len(data)))] = dice.randrange(256)
            case 4:
                start = dice.randrange(len(data))
                data[offset : offset + 64] = data[start : start + 64]
            case _:
                del data[max(1, offset) :]
    return bytes(data)


class _OpenFiles:
    """A debug file and the file for its symcaches, written anew for each request."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "source"
        self.target = folder / "target"

    @contextmanager
    def opened(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Open them for one request."""
        self.source.write_bytes(data)
        self.target.write_bytes(b"")
        with self.source.open("rb") as source, self.target.open("ab") as target:
            yield source.fileno(), target.fileno()


async def _derive_files(
    files: _OpenFiles, broken: list[bytes], keep: Callable[[bytes], None]
) -> Counter[str]:
    """Let one child read broken files until it ends, and count the results.

    Args:
        files: Where the files lie.
        broken: The files; those that were read are taken off.
        keep: Is called with each symcache.
    """
    ends: Counter[str] = Counter()
    kind = child.make_child_kind(gave_up=GAVE_UP, too_slow="took more than")
    command = (*command_of(child.PROGRAM), "700", "600")
    async with run_child(kind, command, ChildTimeouts(answer_s=60, cpu_s=60)) as reader:
        assert reader.is_filtered
        while broken:
            data = broken.pop()
            request = wire.pack_body(wire.DeriveRequest(len(data)))
            with files.opened(data) as descriptors:
                try:
                    answer_kind, body = await reader.ask(
                        wire.DERIVE,
                        request,
                        expected=(wire.DERIVED, wire.REFUSED),
                        files=descriptors,
                    )
                except MalformedInput as error:
                    ends[str(error)] += 1
                    break
            if answer_kind == wire.REFUSED:
                assert str(wire.read_refusal(body))
                ends["refused"] += 1
                continue
            ends["derived"] += 1
            derived = files.target.read_bytes()
            for item in wire.unpack_body(body, wire.DeriveAnswer).objects:
                keep(derived[item.start : item.start + item.size_bytes])
    return ends


async def test_broken_debug_files_end_children_only(tmp_path, report):
    """A broken file is refused, or read as far as it goes; it ends its own child at worst."""
    dice = programme_size.seeded_dice("H3 debug files")
    broken = [_break_file(dice) for _ in range(COUNT)]
    ends: Counter[str] = Counter()
    symcaches: list[bytes] = []

    def keep(symcache: bytes) -> None:
        if symcache and len(symcaches) < COUNT // 4:
            symcaches.append(symcache)

    while broken:
        ends += await _derive_files(_OpenFiles(tmp_path), broken, keep)
    frames = await _look_up(tmp_path, symcaches, dice)
    report.facts = {"files": COUNT, "symcaches": len(symcaches), **ends, **frames}
    assert ends.total() == COUNT
    # Memory that runs out ends a child by a signal of its own, SIGSYS; nothing else may.
    assert set(ends) <= {"refused", "derived", GAVE_UP, f"{GAVE_UP} (SIGSYS)"}
    assert ends["derived"] > COUNT // 10


async def _look_up(folder: Path, symcaches: list[bytes], dice: random.Random) -> Counter[str]:
    """Look addresses up in the symcaches of broken files, and in symcaches that were broken."""
    ends: Counter[str] = Counter()
    finder = AddressFinder()
    path = folder / "symcache"
    for data in symcaches:
        broken = bytearray(data)
        for _ in range(dice.randint(0, 4)):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        path.write_bytes(broken)
        questions = [
            wire.AddressQuestion(0, dice.randrange(0x3000), 0, dice.choice(("exact", "caller")))
            for _ in range(20)
        ]
        with path.open("rb") as file:
            try:
                answer = await finder.look_up(1, [Symcache(file.fileno(), len(broken))], questions)
            except MalformedInput as error:
                ends[f"look-up: {error}"] += 1
            else:
                ends["unreadable" if answer.unreadable else "looked up"] += 1
    await finder.close()
    assert set(ends) <= {
        "looked up",
        "unreadable",
        "look-up: the symbolicator's child gave up on a symcache",
        "look-up: the symbolicator's child gave up on a symcache (SIGSYS)",
    }
    return ends


NATIVE_CASES: Final = [case["file"] for case in hostile_cases() if case["kind"] == "debug_file"]


@pytest.mark.parametrize("name", NATIVE_CASES)
async def test_files_that_lie(tmp_path, name):
    """Files whose tables lie are refused with a sentence."""
    with _OpenFiles(tmp_path).opened(read_debug_sample(f"hostile/{name}")) as (source, target):
        with pytest.raises(MalformedInput, match="cannot be read"):
            await NativeDeriver(tmp_path / "lock").derive(source, target)
        assert os.fstat(target).st_size == 0
