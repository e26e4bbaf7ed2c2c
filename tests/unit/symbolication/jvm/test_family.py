"""Events of Java and Kotlin become clear, and say which files they miss."""

import copy
import io
from fnmatch import fnmatch
from typing import Any

import pytest

from app.debug_files.model import DebugFileKind, DebugFileRemark
from app.formats.debug_files.mapping.index import index_mapping
from app.formats.debug_files.packed.bundle_packing import pack_bundle
from app.symbolication.draft import EventDraft, OutOfTime
from app.symbolication.jvm.family import JvmFamily
from app.symbolication.model import SymbolicatedEvent, pack_symbolicated, unpack_symbolicated
from tests.support.recorded.debug_samples import (
    load_expectation,
    load_sample_event,
    read_debug_sample,
)
from tests.support.symbolication.found_files import MemoryFiles, symbolicate
from tests.support.symbolication.retracing import make_frame

PROGUARD_ID = "d9eda8d5-d1d0-5d91-93b5-2943d1938566"
SOURCES_ID = "7d0e0650-6104-56e8-a7fe-020b7f400ca5"
R8_ID = "03b6e2e8-78ec-54b4-82d3-c88a5947d112"


def make_index(text: bytes | str) -> bytes:
    """Index a mapping as an upload does."""
    target = io.BytesIO()
    index_mapping(io.BytesIO(text.encode() if isinstance(text, str) else text), target)
    return target.getvalue()


def add_mapping(
    files: MemoryFiles, debug_id: str, text: bytes | str, remark: DebugFileRemark | None = None
) -> str:
    """Add an indexed mapping to the files of an event."""
    return files.add(debug_id, DebugFileKind.PROGUARD, make_index(text), remark)


def add_sources(files: MemoryFiles) -> str:
    """Add the bundle of sources of the sample."""
    target = io.BytesIO()
    pack_bundle(io.BytesIO(read_debug_sample(f"proguard/sources/{SOURCES_ID}.zip")), target)
    return files.add(SOURCES_ID, DebugFileKind.JVM_SOURCE_BUNDLE, target.getvalue())


def list_missing(symbolicated: SymbolicatedEvent) -> list[tuple[str, str | None, int, str]]:
    """Write what an event misses in short: kind, id, frames, reason."""
    return [(file.kind, file.debug_id, file.frames, file.reason) for file in symbolicated.missing]


def make_event(*places: tuple[str, int | None], **members: Any) -> dict[str, Any]:
    """Make an event of Android with one exception, its innermost frame first."""
    frames = [make_frame(place) for place in reversed(places)]
    value = {"type": "RuntimeException", "module": "java.lang", "stacktrace": {"frames": frames}}
    images = {"images": [{"type": "proguard", "uuid": R8_ID}]}
    event = {"platform": "java", "exception": {"values": [value]}, "debug_meta": images}
    return event | members


@pytest.mark.parametrize("folder", ["proguard", "r8"])
async def test_the_samples_come_out_as_expected(folder):
    """Types, messages, frames, threads and lines of source code are those of the expectation."""
    event, expectation = load_sample_event(folder), load_expectation(folder)
    sent = copy.deepcopy(event)
    files = MemoryFiles()
    add_mapping(files, PROGUARD_ID, read_debug_sample("proguard/mapping.txt"))
    add_mapping(files, R8_ID, read_debug_sample("r8/mapping.txt"))
    add_sources(files)
    done = await symbolicate(JvmFamily(), event, files)
    clear = done.apply_to(event)
    assert event == sent
    for name in ("type", "module", "value"):
        assert [value.get(name) for value in clear["exception"]["values"]] == [
            value.get(name) for value in expectation["exceptions"]
        ]
    holders = [*clear["exception"]["values"], *clear.get("threads", {}).get("values", [])]
    expected = [*expectation["exceptions"], *expectation.get("threads", [])]
    for holder, wanted in zip(holders, expected, strict=True):
        frames = holder["stacktrace"]["frames"]
        assert len(frames) == len(wanted["frames"])
        for frame, wanted_frame in zip(frames, wanted["frames"], strict=True):
            for name in ("module", "function", "lineno", "in_app", "context_line"):
                assert frame.get(name) == wanted_frame.get(name), name
            assert fnmatch(frame["filename"], wanted_frame["filename"])
    used = [PROGUARD_ID, SOURCES_ID] if folder == "proguard" else [R8_ID]
    assert [file.debug_id for file in done.used] == used
    assert not done.missing


@pytest.mark.parametrize("folder", ["proguard", "r8"])
async def test_without_files_an_event_stays_and_names_them(folder):
    """Each file that the samples expect to be missing is named, with the frames that need it."""
    event, expectation = load_sample_event(folder), load_expectation(folder)
    done = await symbolicate(JvmFamily(), event, MemoryFiles())
    assert not done.is_changed
    kinds = {"proguard": "proguard", "jvm": "jvm_source_bundle"}
    expected = {(kinds[file["type"]], file["id"]) for file in expectation["missing_before"]}
    assert {(file.kind, file.debug_id) for file in done.missing} == expected
    frames = {file.kind: file.frames for file in done.missing}
    assert frames["proguard"] == (2 if folder == "proguard" else 14)


async def test_sources_alone_do_not_help_an_app_that_was_shrunk():
    """Its lines are not those of the source until the mapping is there."""
    files = MemoryFiles()
    add_sources(files)
    done = await symbolicate(JvmFamily(), load_sample_event("proguard"), files)
    assert not done.is_changed
    assert list_missing(done) == [("proguard", PROGUARD_ID, 2, "not_uploaded")]


async def test_sources_help_a_debug_build():
    """A debug build has no mapping, and its classes and lines are clear as they are sent."""
    files = MemoryFiles()
    add_sources(files)
    event = make_event(
        ("com.acme.shop.cart.Cart.checkout", 25),
        debug_meta={"images": [{"type": "jvm", "debug_id": SOURCES_ID.upper()}]},
        release="com.acme.shop@1.0",
    )
    done = await symbolicate(JvmFamily(), event, files)
    [frame] = done.members["exception"]["values"][0]["stacktrace"]["frames"]
    assert frame["context_line"] == "        return processor.charge(total);"
    assert frame["in_app"] is True
    assert [file.debug_id for file in done.used] == [SOURCES_ID]


async def test_only_system_frames_miss_nothing():
    """No mapping can explain frames of Android and Java."""
    event = make_event(("android.os.Looper.loop", 317), ("java.lang.Thread.run", 840))
    done = await symbolicate(JvmFamily(), event, MemoryFiles())
    assert not done.missing


async def test_other_classes_miss_a_mapping_as_well():
    """A crash whose frames are all foreign may have a type of the app, or views of the app."""
    frames = ("android.os.Looper.loop", 317), ("java.lang.Thread.run", 840)
    event = make_event(*frames)
    event["exception"]["values"][0] |= {"type": "u2", "module": None}
    expected = [("proguard", R8_ID, 0, "not_uploaded")]
    assert list_missing(await symbolicate(JvmFamily(), event, MemoryFiles())) == expected
    draft = EventDraft.of_event(make_event(*frames), view_types=frozenset({"q.v"}))
    await JvmFamily().rewrite(draft, MemoryFiles())
    assert list_missing(draft.finish()) == expected
    draft = EventDraft.of_event(make_event(*frames), view_types=frozenset({"android.view.View"}))
    await JvmFamily().rewrite(draft, MemoryFiles())
    assert not draft.finish().missing


async def test_a_mapping_without_lines_says_so():
    """Names are clear, and the page can say why the lines are not."""
    files = MemoryFiles()
    mapping = "com.acme.Cart -> a.a:\n    void add() -> a\n"
    add_mapping(files, R8_ID, mapping, DebugFileRemark.NO_LINES)
    done = await symbolicate(JvmFamily(), make_event(("a.a.a", 4)), files)
    assert list_missing(done) == [("proguard", R8_ID, 1, "no_lines")]
    assert done.is_changed


async def test_a_mapping_of_another_build_says_so():
    """A mapping of another build knows none of the classes, or a few by chance; one is no sign."""
    files = MemoryFiles()
    add_mapping(files, R8_ID, "com.acme.Cart -> a.a:\n    void add() -> x\n")
    event = make_event(("b.b.x", 1), ("a.a.x", 1))
    done = await symbolicate(JvmFamily(), event, files)
    assert list_missing(done) == [("proguard", R8_ID, 1, "not_in_map")]
    assert done.missing[0].detail == "b.b"
    event = make_event(("b.b.x", 1), ("a.a.x", 1), ("a.a.x", 1))
    assert not (await symbolicate(JvmFamily(), event, files)).missing


async def test_an_old_sdk_names_several_mappings():
    """Those that are there explain what they can; the one that is absent is named for the rest."""
    other_id = "11111111-2222-5333-8444-555555555555"
    files = MemoryFiles()
    mapping_id = add_mapping(files, R8_ID, "com.acme.Cart -> a.a:\n")
    images = [{"type": "proguard", "uuid": other_id}, {"type": "proguard", "uuid": R8_ID.upper()}]
    event = make_event(("b.b.x", 1), ("a.a.x", 1), debug_meta={"images": images})
    assert set(JvmFamily().list_debug_ids(EventDraft.of_event(event))) == {other_id, R8_ID}
    done = await symbolicate(JvmFamily(), event, files)
    assert list_missing(done) == [("proguard", other_id, 1, "not_uploaded")]
    assert [file.file_id for file in done.used] == [mapping_id]


async def test_java_frames_in_events_of_flutter_are_clear():
    """Frames say that they are Java's; the type of the Dart exception stays."""
    files = MemoryFiles()
    add_mapping(files, R8_ID, "com.acme.Cart -> a.a:\ncom.acme.Wrong -> a:\n")
    java = [make_frame(("a.a.x", 1)) | {"platform": "java"}]
    dart = [{"function": "a.a", "module": "a.a", "filename": "main.dart"}]
    event = make_event(platform="other") | {
        "exception": {
            "values": [
                {"type": "a", "stacktrace": {"frames": dart}},
                {"type": "a", "stacktrace": {"frames": java + dart}},
                {"type": "a"},
            ]
        },
        "transaction": "a",
    }
    done = await symbolicate(JvmFamily(), event, files)
    values = done.members["exception"]["values"]
    assert [value["type"] for value in values] == ["a", "Wrong", "a"]
    frames = values[1]["stacktrace"]["frames"]
    assert [frame["module"] for frame in frames] == ["com.acme.Cart", "a.a"]
    assert "transaction" not in done.members


async def test_names_outside_of_stacks_become_clear():
    """Transactions, screens and locks are; a text that only looks like a class is not."""
    mapping = (
        "com.acme.ui.MainActivity -> a3:\ncom.acme.ui.CartActivity -> q.a:\n"
        "com.acme.data.Store -> q.s:\nRoot -> q.r:\n"
    )
    files = MemoryFiles()
    add_mapping(files, R8_ID, mapping)
    event = make_event(
        ("q.s.x", 1),
        transaction="a3",
        contexts={
            "device": {"model": "a3", "name": "q.a is mine"},
            "app": {"view_names": ["a3", "q.a"], "build": 7},
            "custom": {"screen": "q.a"},
        },
        threads={
            "values": [
                {
                    "id": 1,
                    "held_locks": {
                        "0x1": {"package_name": "q", "class_name": "s", "type": 1},
                        "0x2": {"class_name": "a3"},
                        "0x3": {"package_name": "q", "class_name": "r"},
                        "0x4": {"package_name": "java.lang", "class_name": "Object"},
                        "0x5": 7,
                    },
                    "stacktrace": {
                        "frames": [
                            make_frame(("q.a.x", 1), lock={"package_name": "q", "class_name": "s"})
                        ]
                    },
                }
            ]
        },
    )
    clear = (await symbolicate(JvmFamily(), event, files)).apply_to(event)
    assert clear["transaction"] == "com.acme.ui.MainActivity"
    assert clear["contexts"] == {
        "device": {"model": "a3", "name": "q.a is mine"},
        "app": {
            "view_names": ["com.acme.ui.MainActivity", "com.acme.ui.CartActivity"],
            "build": 7,
        },
        "custom": {"screen": "com.acme.ui.CartActivity"},
    }
    [thread] = clear["threads"]["values"]
    assert thread["held_locks"] == {
        "0x1": {"package_name": "com.acme.data", "class_name": "Store", "type": 1},
        "0x2": {"package_name": "com.acme.ui", "class_name": "MainActivity"},
        "0x3": {"class_name": "Root"},
        "0x4": {"package_name": "java.lang", "class_name": "Object"},
        "0x5": 7,
    }
    lock = thread["stacktrace"]["frames"][0]["lock"]
    assert lock == {"package_name": "com.acme.data", "class_name": "Store"}


@pytest.mark.parametrize(
    ("message", "clear"),
    [
        ("bad amount in a.b.c", "bad amount in com.acme.Cart.add"),
        ("a.b.c and a.b.c!", "com.acme.Cart.add and com.acme.Cart.add!"),
        ("a.b.cd xa.b.c $a.b.c a.b.c$1 z.a.b.c", "a.b.cd xa.b.c $a.b.c a.b.c$1 z.a.b.c"),
        ("a.b alone, and a", "a.b alone, and a"),
        (None, None),
        (7, 7),
    ],
)
async def test_a_message_that_names_the_innermost_method_is_clear(message, clear):
    """Nothing else in it changes: short names are words as well."""
    files = MemoryFiles()
    inlined = "    1:1:void com.acme.Check.x():3:3 -> c\n"
    mapping = f"com.acme.Cart -> a.b:\n{inlined}    1:1:void add():7 -> c\n"
    add_mapping(files, R8_ID, mapping)
    event = make_event(("a.b.c", 1))
    event["exception"]["values"][0]["value"] = message
    done = await symbolicate(JvmFamily(), event, files)
    assert done.members["exception"]["values"][0]["value"] == clear


@pytest.mark.parametrize(
    "broken",
    [
        {"debug_meta": {"images": [{"type": "proguard", "uuid": 7}, 7, {"type": "jvm"}]}},
        {"debug_meta": {"images": [{"type": "proguard", "uuid": "no id"}]}},
        {"exception": {"values": [{"type": 7, "stacktrace": {"frames": [{"module": 7}]}}]}},
        {
            "exception": 7,
            "threads": [{"stacktrace": {"frames": [{"module": "a", "function": ""}]}}],
        },
        {"contexts": 7, "transaction": 7},
    ],
)
async def test_broken_events_stay(broken):
    """Values of wrong types are left alone."""
    files = MemoryFiles()
    add_mapping(files, R8_ID, "com.acme.Cart -> z.z:\n")
    event = make_event(("a.a.x", 1)) | broken
    assert not (await symbolicate(JvmFamily(), event, files)).is_changed


async def test_other_platforms_ask_for_nothing():
    """A native crash names the mapping of its app, and has no frame for it."""
    event = load_sample_event("r8") | {"platform": "native"}
    draft = EventDraft.of_event(event)
    assert set(JvmFamily().list_debug_ids(draft)) == set()
    assert not JvmFamily().list_urls(draft)


async def test_an_event_past_its_deadline_is_given_up():
    """A worker does it then."""
    files = MemoryFiles()
    add_mapping(files, R8_ID, read_debug_sample("r8/mapping.txt"))
    draft = EventDraft.of_event(load_sample_event("r8"), deadline_s=0.0)
    with pytest.raises(OutOfTime):
        await JvmFamily().rewrite(draft, files)


async def test_views_of_an_event_get_clear_names():
    """Those that the mapping knows are noted; a native crash has views as well."""
    files = MemoryFiles()
    add_mapping(files, R8_ID, read_debug_sample("r8/mapping.txt"))
    for platform in ("java", "native"):
        event = load_sample_event("r8") | {"platform": platform}
        draft = EventDraft.of_event(event, view_types=frozenset({"q.v", "android.view.View"}))
        assert set(JvmFamily().list_debug_ids(draft)) == {R8_ID}
        await JvmFamily().rewrite(draft, files)
        done = draft.finish()
        assert done.view_types == {"q.v": "com.acme.shop.ui.widget.PriceView"}
        assert unpack_symbolicated(pack_symbolicated(done)) == done
        assert [file.debug_id for file in done.used] == [R8_ID]
