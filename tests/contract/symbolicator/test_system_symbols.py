"""Tests of symbols of Apple's systems, which lie in a folder of the operator."""

import gzip
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO, override

import pytest
import zstandard

from app.core.errors import ServiceUnavailable
from app.formats.jsonish import JsonObject
from app.storage.outside import FolderFiles
from app.symbolication.draft import EventDraft
from app.symbolication.family import FileNotAtHand
from app.symbolication.native.family import NativeFamily
from app.symbolication.native.system_symbols import SystemSymbols
from app.symbolicator.child import NativeDeriver
from app.symbolicator.finder import AddressFinder
from tests.support.recorded.debug_samples import read_debug_sample
from tests.support.symbolication.native_files import NativeFiles
from tests.support.waiting import until

DSYM = read_debug_sample("macho-dsym/Shop.framework.dSYM/Contents/Resources/DWARF/Shop")
ID = "4c4c4443-5555-3144-a167-f95fdee66afa"
PLACE = "4c/4c444355553144a167f95fdee66afa"
UIKIT = "/System/Library/PrivateFrameworks/UIKitCore.framework/UIKitCore"


class CountedFolder(FolderFiles):
    """Counts what it is asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.asked: list[str] = []
        self.is_away = False

    @override
    async def copy(self, name: str, target: BinaryIO, *, limit_bytes: int) -> bool:
        self.asked.append(name)
        if self.is_away:
            raise ServiceUnavailable("the bucket does not answer")
        return await super().copy(name, target, limit_bytes=limit_bytes)


@pytest.fixture
def source(tmp_path: Path) -> CountedFolder:
    """An empty folder of symbols."""
    return CountedFolder(tmp_path / "source")


@pytest.fixture
async def symbols(tmp_path: Path, source: CountedFolder) -> AsyncIterator[SystemSymbols]:
    """System symbols from the folder."""
    symbols = SystemSymbols(
        source,
        NativeDeriver(tmp_path / "lock"),
        tmp_path / "cache",
        limit_bytes=2**20,
        file_bytes=2**20,
    )
    yield symbols
    await symbols.close()


def put(tmp_path: Path, data: bytes, name: str = f"{PLACE}/executable") -> None:
    """Put a file into the folder of symbols."""
    path = tmp_path / "source" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def system_crash() -> JsonObject:
    """Return a crash in a library of the system, without any frame of the app."""
    image = {"type": "macho", "debug_id": ID.upper(), "code_file": UIKIT, "image_addr": "0x1000000"}
    frame = {"instruction_addr": "0x100404c", "package": UIKIT, "in_app": False}
    return {
        "platform": "cocoa",
        "exception": {"values": [{"type": "EXC_CRASH", "stacktrace": {"frames": [frame]}}]},
        "debug_meta": {"images": [image]},
    }


async def symbolicate(
    finder: AddressFinder, symbols: SystemSymbols, files: NativeFiles
) -> list[JsonObject]:
    """Return the clear frames of a crash in the system."""
    draft = EventDraft.of_event(system_crash())
    await NativeFamily(finder, symbols).rewrite(draft, files)
    assert draft.finish().missing == ()
    return draft.stacks[0].frames


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
async def test_functions_of_the_system_get_names(finder, symbols, tmp_path, pack):
    """A frame of the system gets its name from the folder; the file may be packed."""
    put(tmp_path, pack(DSYM))
    frames = await symbolicate(finder, symbols, NativeFiles(tmp_path))
    assert [frame["function"] for frame in frames] == ["shop::sum_prices", "shop::line_total"]
    assert {frame["in_app"] for frame in frames} == {False}


async def test_symbols_are_made_once(symbols, source, tmp_path):
    """A symcache stays on this machine, and what is absent is not asked for again."""
    put(tmp_path, DSYM, f"{PLACE}/debuginfo")
    absent = ID.replace("4c4c", "dead")
    for _ in range(2):
        assert await symbols.fetch(ID) is not None
        assert await symbols.fetch(absent) is None
    assert source.asked == [
        f"{PLACE}/debuginfo",
        *[f"de/ad{PLACE[5:]}/{suffix}" for suffix in ("debuginfo", "executable")],
    ]
    assert symbols.is_absent(absent)
    os.utime(tmp_path / "cache" / f"{absent}.absent", (0, 0))
    assert not symbols.is_absent(absent)
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {ID, f"{absent}.absent"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no symbols",
        b"\x28\xb5\x2f\xfdbroken",
        b"\x1f\x8bbroken",
        gzip.compress(DSYM)[:-50],
        zstandard.compress(bytes(2**21)),
        bytes(2**21),
        DSYM.replace(bytes.fromhex("4c4c4443"), bytes.fromhex("01234567")),
    ],
)
async def test_files_of_no_use_leave_nothing(symbols, tmp_path, data):
    """A file that is broken, too large or of another library names nothing, and leaves nothing."""
    put(tmp_path, data)
    assert await symbols.fetch(ID) is None
    assert symbols.is_absent(ID)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [f"{ID}.absent"]


async def test_a_bucket_that_is_away_is_asked_again(finder, symbols, source, tmp_path):
    """When the place does not answer, the event goes on without, and later ones ask again."""
    source.is_away = True
    put(tmp_path, DSYM)
    (frame,) = await symbolicate(finder, symbols, NativeFiles(tmp_path))
    assert "function" not in frame
    source.is_away = False
    assert len(await symbolicate(finder, symbols, NativeFiles(tmp_path))) == 2


async def test_digest_does_not_wait(finder, symbols, tmp_path):
    """While there is no time, the event is left to a worker; the next one finds the symcache."""
    put(tmp_path, DSYM)
    files = NativeFiles(tmp_path)
    files.is_fetching = False
    with pytest.raises(FileNotAtHand):
        await symbolicate(finder, symbols, files)
    await until(lambda: symbols.find(ID) is not None)
    assert len(await symbolicate(finder, symbols, files)) == 2


async def test_libraries_of_the_app_are_not_asked_for(finder, symbols, source, tmp_path):
    """Only libraries of the system are looked for where the operator has symbols."""
    event = system_crash()
    event["debug_meta"]["images"][0]["code_file"] = "/private/var/containers/Shop.app/Shop"
    draft = EventDraft.of_event(event)
    await NativeFamily(finder, symbols).rewrite(draft, NativeFiles(tmp_path))
    assert source.asked == []


async def test_the_folder_stays_small(source, tmp_path):
    """When the symcaches take too much, those that were used least lately go."""
    symbols = SystemSymbols(
        source,
        NativeDeriver(tmp_path / "lock"),
        tmp_path / "cache",
        limit_bytes=2000,
        file_bytes=2**20,
    )
    for start in ("4c4c4443", "11111111", "22222222"):
        put(tmp_path, DSYM.replace(bytes.fromhex("4c4c4443"), bytes.fromhex(start)),
            f"{start[:2]}/{start[2:]}{PLACE[9:]}/debuginfo")  # fmt: skip
        assert await symbols.fetch(f"{start}{ID[8:]}") is not None
    assert len(list((tmp_path / "cache").iterdir())) == 1
    await symbols.close()
