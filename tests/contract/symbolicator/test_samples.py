"""Events with native frames come out as the samples say, with the real child."""

from pathlib import Path
from typing import Any

import pytest

from app.formats.jsonish import JsonObject
from app.symbolication.draft import EventDraft
from app.symbolication.model import SymbolicatedEvent
from app.symbolication.native.family import NativeFamily
from app.symbolicator.finder import AddressFinder
from tests.support.recorded.debug_samples import (
    load_expectation,
    load_sample_event,
    read_debug_sample,
)
from tests.support.symbolication.native_files import NativeFiles

DSYM = "macho-dsym/Shop.framework.dSYM/Contents/Resources/DWARF/Shop"
SYMBOLS = "dart/app.android-arm64.symbols"
LIBRARY = "debug/libshop.so"


@pytest.fixture
def files(tmp_path: Path) -> NativeFiles:
    """No debug files yet."""
    return NativeFiles(tmp_path)


async def _symbolicate(
    finder: AddressFinder, files: NativeFiles, event: JsonObject
) -> SymbolicatedEvent:
    draft = EventDraft.of_event(event)
    await NativeFamily(finder).rewrite(draft, files)
    return draft.finish()


def _frames(symbolicated: SymbolicatedEvent, event: JsonObject) -> list[JsonObject]:
    clear = symbolicated.apply_to(event)
    frames: list[JsonObject] = clear["exception"]["values"][0]["stacktrace"]["frames"]
    return frames


def _check_frames(frames: list[JsonObject], expected: list[dict[str, Any]]) -> None:
    """Compare frames with those of a sample, in all members that the sample names."""
    assert len(frames) == len(expected)
    for frame, wanted in zip(frames, expected, strict=True):
        members = {"function", "abs_path", "filename", "lineno", "in_app", "instruction_addr"}
        if wanted.get("unresolved"):
            members = {"in_app", "instruction_addr"}
        for name in members & wanted.keys():
            assert frame.get(name) == wanted[name], (name, frame, wanted)
        if wanted.get("signature"):
            assert frame["raw_function"] == wanted["signature"]


@pytest.mark.parametrize(
    ("folder", "file"),
    [
        ("elf-arm64", LIBRARY),
        ("elf-arm64", "companion/libshop.so.dbg"),
        ("elf-arm32", LIBRARY),
        ("elf-arm32", "companion/libshop.so.dbg"),
        ("macho-dsym", DSYM.partition("/")[2]),
        ("dart", SYMBOLS.partition("/")[2]),
    ],
)
async def test_frames_come_out_as_the_sample_says(finder, files, folder, file):
    """Functions, files, lines and inlined calls are those that llvm-symbolizer finds."""
    event = load_sample_event(folder)
    await files.add_debug_file(read_debug_sample(f"{folder}/{file}"))
    symbolicated = await _symbolicate(finder, files, event)
    _check_frames(_frames(symbolicated, event), load_expectation(folder)["exceptions"][0]["frames"])
    assert symbolicated.missing == ()
    assert [use.file_id for use in symbolicated.used] == [files.parts[0].file_id]


@pytest.mark.parametrize("folder", ["elf-arm64", "elf-arm32", "macho-dsym", "dart"])
async def test_a_missing_file_is_named(finder, files, folder):
    """Without the file the frames stay, and the library of the app is named, not the system's."""
    event = load_sample_event(folder)
    symbolicated = await _symbolicate(finder, files, event)
    (wanted,) = load_expectation(folder)["missing_before"]
    (missing,) = symbolicated.missing
    assert (missing.kind, missing.debug_id, missing.name, missing.reason) == (
        wanted["type"],
        wanted["id"],
        wanted["file"],
        "not_uploaded",
    )
    sent = event["exception"]["values"][0]["stacktrace"]["frames"]
    frames = _frames(symbolicated, event)
    assert [{**frame, "in_app": None} for frame in frames] == [
        {**frame, "in_app": None} for frame in sent
    ]


async def test_a_stripped_file_names_nothing(finder, files):
    """A stripped library leaves the frames as they are, and is named as such."""
    event = load_sample_event("elf-arm64")
    await files.add_debug_file(read_debug_sample("elf-arm64/stripped/libshop.so"))
    symbolicated = await _symbolicate(finder, files, event)
    (missing,) = symbolicated.missing
    assert (missing.reason, missing.arch, missing.frames) == ("stripped", "arm64", 3)
    assert not any("lineno" in frame for frame in _frames(symbolicated, event))


async def test_a_whole_file_wins_over_a_stripped_one(finder, files):
    """When both were uploaded, the stripped one last, the whole one is used."""
    event = load_sample_event("elf-arm64")
    await files.add_debug_file(read_debug_sample("elf-arm64/debug/libshop.so"))
    await files.add_debug_file(read_debug_sample("elf-arm64/stripped/libshop.so"))
    symbolicated = await _symbolicate(finder, files, event)
    _check_frames(
        _frames(symbolicated, event), load_expectation("elf-arm64")["exceptions"][0]["frames"]
    )


async def test_a_tombstone(finder, files):
    """The addresses of a tombstone are those of the calls already."""
    event = load_sample_event("elf-arm64", "event-tombstone.json")
    await files.add_debug_file(read_debug_sample("elf-arm64/debug/libshop.so"))
    frames = _frames(await _symbolicate(finder, files, event), event)
    expected = load_expectation("elf-arm64")["exceptions"][0]["frames"][1:]
    members = ("function", "filename", "lineno", "in_app")
    assert [[frame[name] for name in members] for frame in frames] == [
        [frame[name] for name in members] for frame in expected
    ]


async def test_a_thread_dump_with_relative_addresses(finder, files):
    """Native frames of a Java thread count their addresses from an image without an address."""
    event = load_sample_event("elf-arm64", "event-anr.json")
    await files.add_debug_file(read_debug_sample("elf-arm64/debug/libshop.so"))
    symbolicated = await _symbolicate(finder, files, event)
    (thread,) = symbolicated.apply_to(event)["threads"]["values"]
    java, *frames = thread["stacktrace"]["frames"]
    assert java == event["threads"]["values"][0]["stacktrace"]["frames"][0]
    expected = load_expectation("elf-arm64")["exceptions"][0]["frames"][1:]
    members = ("function", "filename", "lineno", "in_app")
    assert [[frame[name] for name in members] for frame in frames] == [
        [frame[name] for name in members] for frame in expected
    ]


async def test_the_crashed_thread_is_clear_too(finder, files):
    """The same stack comes out alike in the exception and in its thread."""
    event = load_sample_event("macho-dsym")
    await files.add_debug_file(read_debug_sample(DSYM))
    symbolicated = await _symbolicate(finder, files, event)
    (thread,) = symbolicated.apply_to(event)["threads"]["values"]
    assert thread["stacktrace"]["frames"] == _frames(symbolicated, event)
