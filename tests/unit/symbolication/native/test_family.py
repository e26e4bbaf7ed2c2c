"""Tests of native stacks, with a child that answers as the test says."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, override

import pytest

from app.core.clock import monotonic_s
from app.core.errors import MalformedInput, ServiceUnavailable
from app.debug_files.model import DebugFileKind, DebugFileRemark
from app.symbolication.draft import EventDraft, OutOfTime
from app.symbolication.family import FileNotAtHand
from app.symbolication.model import SymbolicatedEvent
from app.symbolication.native.family import NativeFamily
from app.symbolicator import wire
from app.symbolicator.finder import AddressFinder, Symcache
from tests.support.symbolication.native_files import NativeFiles

ID = "f8da01d5-9310-740f-7bd8-047945a69039"
OTHER_ID = "3c0f8992-49ee-951d-1511-994d4172e4c1"
START = 0x7A1C4E2000
PATH = "/data/app/com.acme.shop/libshop.so"
IMAGE = {
    "type": "elf", "debug_id": ID, "image_addr": hex(START), "image_size": 0x4000,
    "code_file": PATH, "arch": "arm64",
}  # fmt: skip
SOURCE = "/ci/cart.cpp"
TOTAL = wire.SourceLocation("_ZN4shop5totalEi", "shop::total(int)", SOURCE, 7, 0x100, "cpp")
PRICE = wire.SourceLocation("_ZN4shop5priceEv", "shop::price()", "C:\\ci\\cart.h", 0, 0x90, "cpp")
UNKNOWN = wire.SourceLocation("?", "?", "", 0, 0, "unknown")


class FakeFinder(AddressFinder):
    """Answers from a table of addresses in the image."""

    def __init__(self, table: Mapping[int, Sequence[wire.SourceLocation]]) -> None:
        super().__init__()
        self.table = table
        self.questions: list[wire.AddressQuestion] = []
        self.error: Exception | None = None

    @override
    async def look_up(
        self,
        owner: object,
        symcaches: Sequence[Symcache],
        questions: Sequence[wire.AddressQuestion],
    ) -> wire.LookUpAnswer:
        if self.error is not None:
            raise self.error
        assert len(symcaches) <= wire.MOST_FILES
        assert len(questions) <= wire.MOST_ADDRESSES
        self.questions += questions
        return wire.LookUpAnswer(
            [list(self.table.get(each.address - each.image_address, ())) for each in questions]
        )


@pytest.fixture
def files(tmp_path: Path) -> NativeFiles:
    """A library that was uploaded with debug information."""
    files = NativeFiles(tmp_path)
    files.add_part(ID, DebugFileKind.ELF, b"symcache", features=("symtab", "debug"))
    return files


def crash(*frames: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return an event of a signal; `changes` go into its stack."""
    return {
        "platform": "native",
        "exception": {
            "values": [
                {
                    "type": "SIGSEGV",
                    "mechanism": {"meta": {"signal": {"number": 11}}},
                    "stacktrace": {"frames": list(frames), **changes},
                }
            ]
        },
        "debug_meta": {"images": [IMAGE]},
    }


def frame(offset: int, **members: Any) -> dict[str, Any]:
    """Return a frame at an address of the image."""
    return {"instruction_addr": hex(START + offset), **members}


async def symbolicate(
    finder: FakeFinder, files: NativeFiles, event: dict[str, Any]
) -> SymbolicatedEvent:
    """Let the family make an event clear."""
    draft = EventDraft.of_event(event)
    await NativeFamily(finder).rewrite(draft, files)
    return draft.finish()


def frames_of(symbolicated: SymbolicatedEvent, event: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the frames of the first exception."""
    frames: list[dict[str, Any]] = symbolicated.apply_to(event)["exception"]["values"][0][
        "stacktrace"
    ]["frames"]
    return frames


async def test_inlined_calls_become_frames(files):
    """One address becomes a frame for each function; only the outermost has its address."""
    event = crash(
        frame(0x110, function="sent", lineno=3, colno=1, context_line="x", package="/p/libshop.so",
              image_addr=hex(START), trust="cfi")
    )  # fmt: skip
    symbolicated = await symbolicate(FakeFinder({0x110: [PRICE, TOTAL]}), files, event)
    kept = {"instruction_addr": hex(START + 0x110), "package": "/p/libshop.so", "trust": "cfi",
            "image_addr": hex(START)}  # fmt: skip
    assert frames_of(symbolicated, event) == [
        kept | {"function": "shop::total", "raw_function": "shop::total(int)", "abs_path": SOURCE,
                "filename": "cart.cpp", "lineno": 7, "symbol_addr": hex(START + 0x100)},
        kept | {"function": "shop::price", "raw_function": "shop::price()",
                "abs_path": "C:\\ci\\cart.h", "filename": "cart.h"},
    ]  # fmt: skip
    assert [(use.kind, use.debug_id) for use in symbolicated.used] == [("elf", ID)]
    assert symbolicated.missing == ()


async def test_a_sent_name_stays_where_the_file_has_none(files):
    """A line without a name keeps the name that the SDK has sent."""
    line = wire.SourceLocation("?", "?", SOURCE, 9, 0, "")
    event = crash(frame(0x110, function="sent", raw_function="sent()"), frame(0x110))
    named, unnamed = frames_of(await symbolicate(FakeFinder({0x110: [line]}), files, event), event)
    assert (named["function"], named["raw_function"], named["lineno"]) == ("sent", "sent()", 9)
    assert "function" not in unnamed


@pytest.mark.parametrize(
    ("changes", "roles"),
    [
        ({}, ["caller", "caller", "crashed"]),
        ({"instruction_addr_adjustment": "auto"}, ["caller", "caller", "crashed"]),
        ({"instruction_addr_adjustment": "none"}, ["exact", "exact", "exact"]),
        ({"instruction_addr_adjustment": "all"}, ["caller", "caller", "caller"]),
        ({"instruction_addr_adjustment": "all_but_first"}, ["caller", "caller", "exact"]),
        ({"instruction_addr_adjustment": 5}, ["caller", "caller", "crashed"]),
    ],
)
async def test_how_addresses_are_taken(files, changes, roles):
    """Callers hold return addresses, unless the stack says otherwise."""
    finder = FakeFinder({})
    await symbolicate(finder, files, crash(frame(1), frame(2), frame(3), **changes))
    assert [each.frame for each in finder.questions] == roles


@pytest.mark.parametrize(
    ("registers", "value"),
    [
        ({"pc": "0x10"}, 16),
        ({"rip": "0x20", "rax": "0x1"}, 32),
        ({"eip": 48}, 48),
        ({"pc": "?", "rip": "0x20"}, 32),
        ({"lr": "0x10"}, 0),
        (None, 0),
    ],
)
async def test_the_crash_is_known_by_signal_and_register(files, registers, value):
    """The innermost frame of the crash goes with the signal and the instruction register."""
    finder = FakeFinder({})
    await symbolicate(finder, files, crash(frame(1), registers=registers))
    assert [(each.signal, each.register) for each in finder.questions] == [(11, value)]


async def test_threads_that_did_not_crash(files):
    """The innermost frame of a thread that did not crash has no signal."""
    stack = {"frames": [frame(1), frame(2)], "registers": {"pc": "0x1"}}
    event = crash(frame(1)) | {
        "threads": {"values": [{"stacktrace": stack}, {"crashed": True, "stacktrace": stack}]}
    }
    finder = FakeFinder({})
    await symbolicate(finder, files, event)
    assert [(each.frame, each.signal, each.register) for each in finder.questions] == [
        ("crashed", 11, 0),
        ("caller", 0, 0),
        ("crashed", 0, 0),
        ("crashed", 11, 1),
    ]


async def test_relative_addresses(files):
    """A frame may count from an image, which then needs no address of its own."""
    image = {name: value for name, value in IMAGE.items() if name != "image_addr"}
    event = crash({"instruction_addr": "0x110", "addr_mode": f"rel:{ID}"}, registers={"pc": "0x1"})
    event["debug_meta"] = {"images": [image]}
    finder = FakeFinder({0x110: [TOTAL]})
    (clear,) = frames_of(await symbolicate(finder, files, event), event)
    assert (clear["function"], clear["symbol_addr"]) == ("shop::total", "0x100")
    assert [(each.image_address, each.register) for each in finder.questions] == [(0, 0)]


async def test_equal_addresses_are_asked_once(files):
    """The stack of a thread that repeats that of the exception costs no second question."""
    event = crash(*[frame(0x110)] * 50, frame(0x120))
    event["threads"] = {
        "values": [{"crashed": True, "stacktrace": event["exception"]["values"][0]["stacktrace"]}]
    }
    finder = FakeFinder({})
    await symbolicate(finder, files, event)
    assert len(finder.questions) == 2


async def test_many_frames_are_asked_in_parts(files):
    """An event with more frames than one request may hold comes out whole."""
    count = wire.MOST_ADDRESSES + 10
    event = crash(*[frame(number) for number in range(count)])
    finder = FakeFinder({number: [TOTAL] for number in range(count)})
    clear = frames_of(await symbolicate(finder, files, event), event)
    assert [each["function"] for each in clear] == ["shop::total"] * count


async def test_the_missing_library_counts_its_frames(files):
    """Frames in libraries of the app that were not uploaded are counted, those of others not."""
    files.parts.clear()
    event = crash(
        frame(1),
        frame(2, in_app=False),
        frame(3, package="/system/lib64/libc.so"),
        frame(4, function="known"),
        frame(0x5000),
    )
    symbolicated = await symbolicate(FakeFinder({}), files, event)
    (missing,) = symbolicated.missing
    assert (missing.debug_id, missing.name, missing.arch) == (ID, "libshop.so", "arm64")
    assert (missing.frames, missing.reason, missing.detail) == (2, "not_uploaded", None)
    assert [each.get("in_app") for each in frames_of(symbolicated, event)] == [
        True, False, False, True, None,
    ]  # fmt: skip


async def test_an_address_that_the_file_does_not_know(files):
    """No other file would help with an address of the image that has no function."""
    symbolicated = await symbolicate(FakeFinder({1: [UNKNOWN]}), files, crash(frame(1), frame(2)))
    assert symbolicated.missing == ()


async def test_a_file_without_lines_is_named(files):
    """A file that names functions only is used, and the event says what it lacks."""
    files.parts.clear()
    files.add_part(
        ID, DebugFileKind.ELF, b"x", features=("symtab",), remark=DebugFileRemark.NO_LINES
    )
    event = crash(frame(1))
    symbolicated = await symbolicate(FakeFinder({1: [PRICE]}), files, event)
    assert frames_of(symbolicated, event)[0]["function"] == "shop::price"
    assert [(each.reason, each.frames) for each in symbolicated.missing] == [("no_lines", 1)]


async def test_a_stripped_file_is_not_asked(files):
    """Only a file that names all functions may name one."""
    files.parts.clear()
    files.add_part(ID, DebugFileKind.ELF, b"x", remark=DebugFileRemark.STRIPPED)
    finder = FakeFinder({1: [TOTAL]})
    symbolicated = await symbolicate(finder, files, crash(frame(1)))
    assert finder.questions == []
    assert [each.reason for each in symbolicated.missing] == ["stripped"]


async def test_a_file_that_names_nothing_is_like_none(files):
    """A debug file with an empty symcache does not help."""
    files.parts.clear()
    files.add_part(ID, DebugFileKind.ELF, b"")
    symbolicated = await symbolicate(FakeFinder({1: [TOTAL]}), files, crash(frame(1)))
    assert [each.reason for each in symbolicated.missing] == ["not_uploaded"]


async def test_a_child_that_gives_up_leaves_the_frames(files):
    """When a symcache ends the child, the frames stay as they were sent."""
    finder = FakeFinder({1: [TOTAL]})
    finder.error = MalformedInput("the child gave up")
    event = crash(frame(1))
    symbolicated = await symbolicate(finder, files, event)
    assert frames_of(symbolicated, event) == [{**frame(1), "in_app": True}]


async def test_a_child_that_does_not_start(files):
    """Such an event is tried again, in digest as in a worker: the next child may start."""
    finder = FakeFinder({1: [TOTAL]})
    finder.error = ServiceUnavailable("symbolic is missing")
    event = crash(frame(1))
    for is_fetching in (True, False):
        files.is_fetching = is_fetching
        with pytest.raises(FileNotAtHand):
            await symbolicate(finder, files, event)


async def test_an_event_that_takes_too_long_is_given_up(files):
    """Past its deadline, an event is left to the worker."""
    draft = EventDraft.of_event(crash(frame(1)), deadline_s=monotonic_s() - 1)
    with pytest.raises(OutOfTime):
        await NativeFamily(FakeFinder({})).rewrite(draft, files)


async def test_source_lines(files):
    """A bundle with the sources of the library gives the lines around, for code of the app."""
    source = "".join(f"line {number}\n" for number in range(1, 20))
    bundle = files.add_bundle(ID, {SOURCE: source})
    event = crash(frame(1), frame(2, in_app=False), frame(3))
    other = wire.SourceLocation("f", "f", "/ci/other.cpp", 7, 0, "c")
    finder = FakeFinder({1: [TOTAL], 2: [TOTAL], 3: [other]})
    symbolicated = await symbolicate(finder, files, event)
    own, foreign, absent = frames_of(symbolicated, event)
    assert own["context_line"] == "line 7"
    assert (own["pre_context"][0], own["post_context"][-1]) == ("line 2", "line 12")
    assert "context_line" not in foreign
    assert "context_line" not in absent
    assert [use.kind for use in symbolicated.used] == ["source_bundle", "elf"]
    assert symbolicated.used[0].file_id == bundle


async def test_broken_sources_cost_the_lines_only(files):
    """A bundle that cannot be read leaves the frames clear, without source lines."""
    files.add_part(ID, DebugFileKind.SOURCE_BUNDLE, b"broken")
    event = crash(frame(1))
    (clear,) = frames_of(await symbolicate(FakeFinder({1: [TOTAL]}), files, event), event)
    assert (clear["lineno"], "context_line" in clear) == (7, False)


async def test_frames_of_other_platforms_stay(files):
    """An event may hold frames of other platforms, which other families make clear."""
    java = {"module": "android.os.Looper", "function": "loop", "platform": "java", "lineno": 1}
    event = crash(java, frame(1))
    symbolicated = await symbolicate(FakeFinder({1: [TOTAL]}), files, event)
    assert frames_of(symbolicated, event)[0] == java


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"debug_meta": {"images": [IMAGE]}},
        crash({"function": "main"}),
        crash({"instruction_addr": "?"}),
        crash(frame(1)) | {"debug_meta": {"images": []}},
        crash(frame(1)) | {"debug_meta": None},
        crash({"instruction_addr": "0x1", "addr_mode": "rel:9"}),
        crash({"instruction_addr": hex(START - 1)}),
    ],
)
async def test_events_without_native_frames_need_no_file(files, event):
    """Events without an address in an image ask for no debug file, and nothing changes."""
    assert NativeFamily(FakeFinder({})).list_debug_ids(EventDraft.of_event(event)) == []
    assert not (await symbolicate(FakeFinder({}), files, event)).is_changed


async def test_which_ids_are_looked_up(files):
    """Only the images in which frames lie are looked up."""
    other = IMAGE | {"debug_id": OTHER_ID, "image_addr": "0x1000"}
    event = crash(frame(1)) | {"debug_meta": {"images": [other, IMAGE]}}
    family = NativeFamily(FakeFinder({}))
    assert family.list_debug_ids(EventDraft.of_event(event)) == [ID]
    assert family.list_urls(EventDraft.of_event(event)) == ()
