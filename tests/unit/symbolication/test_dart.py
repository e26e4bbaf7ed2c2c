"""Obfuscated names of Dart become clear: types of exceptions, messages, views."""

import copy
import io
import json
from typing import Any

import pytest

from app.debug_files.model import DebugFileKind
from app.formats.debug_files.packed.dart_maps import pack_dart_map
from app.symbolication.dart import DartFamily
from app.symbolication.draft import EventDraft
from tests.support.recorded.debug_samples import (
    load_expectation,
    load_sample_event,
    read_debug_sample,
)
from tests.support.symbolication.found_files import MemoryFiles, symbolicate

FAMILY = DartFamily()
MAP_ID = "ce967c90-1ccd-75c8-6d9b-5eecbe286c9a"
KIND = DebugFileKind.DART_SYMBOL_MAP
NAMES = {"aYz": "PaymentDeclined", "bQ": "Order", "kT4": "CartLine", "in": "Error"}


def pack(text: bytes) -> bytes:
    """Pack a map as an upload does."""
    target = io.BytesIO()
    pack_dart_map(io.BytesIO(text), target)
    return target.getvalue()


def with_names(names: dict[str, str] = NAMES, debug_id: str = MAP_ID) -> MemoryFiles:
    """Return the files of an event that has one map."""
    files = MemoryFiles()
    pairs = [name for short, clear in names.items() for name in (clear, short)]
    files.add(debug_id, KIND, pack(json.dumps(pairs).encode()))
    return files


def make_event(**exception: Any) -> dict[str, Any]:
    """Make an event of Flutter with one exception."""
    return {
        "platform": "other",
        "sdk": {"name": "sentry.dart.flutter"},
        "exception": {"values": [exception]},
        "debug_meta": {"images": [{"type": "elf", "debug_id": MAP_ID, "code_file": "libapp.so"}]},
    }


async def rename(files: MemoryFiles | None = None, **exception: Any) -> dict[str, Any]:
    """Return an exception after its event was made clear."""
    event = make_event(**exception)
    symbolicated = await symbolicate(FAMILY, event, files or with_names())
    (value,) = symbolicated.apply_to(event)["exception"]["values"]
    renamed: dict[str, Any] = value
    return renamed


async def test_the_sample_gets_its_clear_type_and_message():
    """The map that sentry-cli uploaded names the type; the old one stays beside it."""
    event = load_sample_event("dart")
    before = copy.deepcopy(event)
    files = MemoryFiles()
    file_id = files.add(MAP_ID, KIND, pack(read_debug_sample("dart/dartsymbolmap.json")))
    symbolicated = await symbolicate(FAMILY, event, files)
    (value,) = symbolicated.members["exception"]["values"]
    (expected,) = load_expectation("dart")["exceptions"]
    for name in ("type", "value", "raw_type"):
        assert value[name] == expected[name]
    assert [file.file_id for file in symbolicated.used] == [file_id]
    assert event == before


@pytest.mark.parametrize(
    ("name", "clear"),
    [
        ("aYz", "PaymentDeclined"),
        ("in", "Error"),
        ("aYz<kT4>", "PaymentDeclined<CartLine>"),
        ("kT4<bQ>", "CartLine<bQ>"),
        ("_aYz", "_aYz"),
        ("PaymentDeclined", "PaymentDeclined"),
        ("", ""),
    ],
)
async def test_types_are_renamed_whole_or_by_their_parts(name, clear):
    """Names of one and two characters are replaced only if they are the whole type."""
    value = await rename(type=name)
    assert value["type"] == clear
    assert value.get("raw_type") == (name if name != clear else None)


@pytest.mark.parametrize(
    ("value", "clear"),
    [
        ("Instance of 'aYz'", "Instance of 'PaymentDeclined'"),
        ("Failed: Instance of 'kT4<aYz>'.", "Failed: Instance of 'CartLine<PaymentDeclined>'."),
        (
            "type 'aYz' is not a subtype of type 'bQ' in type cast",
            "type 'PaymentDeclined' is not a subtype of type 'Order' in type cast",
        ),
        ("aYz said 'aYz' of kT4", "aYz said 'aYz' of kT4"),
        ("Instance of 'aYz", "Instance of 'aYz"),
    ],
)
async def test_only_types_in_a_message_are_renamed(value, clear):
    """Dart quotes types in a fixed form; other words stay, whatever they are."""
    assert (await rename(type="String", value=value))["value"] == clear


async def test_names_that_map_to_one_another_are_one_step():
    """A clear name that is also an obfuscated one is not looked up again."""
    names = {"bbb": "aaa", "aaa": "bbb"}
    assert (await rename(with_names(names), type="aaa"))["type"] == "bbb"
    assert (await rename(with_names(names), type="aaa<bbb>"))["type"] == "bbb<aaa>"


async def test_views_get_their_clear_types():
    """The view hierarchy that came with the event is renamed as well."""
    draft = EventDraft.of_event(make_event(), view_types=frozenset({"aYz<kT4>", "Column", "bQ"}))
    await FAMILY.rewrite(draft, with_names())
    assert draft.finish().view_types == {"aYz<kT4>": "PaymentDeclined<CartLine>", "bQ": "Order"}


@pytest.mark.parametrize(
    ("image", "debug_id"),
    [
        ({"type": "elf", "code_id": "907c96cecd1cc8756d9b5eecbe286c9a"}, MAP_ID),
        ({"type": "macho", "debug_id": MAP_ID.upper()}, MAP_ID),
        ({"type": "apple", "uuid": MAP_ID.upper()}, MAP_ID),
        ({"type": "proguard", "uuid": MAP_ID}, None),
        ({"type": "elf", "debug_id": "?"}, None),
    ],
)
async def test_any_native_image_may_have_the_map(image, debug_id):
    """On Android it is the id of libapp.so, on iOS that of App.framework."""
    event = make_event(type="aYz")
    event["debug_meta"]["images"] = [image]
    draft = EventDraft.of_event(event)
    assert FAMILY.list_debug_ids(draft) == ([debug_id] if debug_id else [])
    symbolicated = await symbolicate(FAMILY, event, with_names())
    assert bool(symbolicated.members) is (debug_id is not None)


async def test_events_of_other_platforms_are_left_alone():
    """An event of C++ has native images, but no names of Dart."""
    event = make_event(type="aYz") | {"platform": "native", "sdk": {"name": "sentry.native"}}
    assert not FAMILY.list_debug_ids(EventDraft.of_event(event))
    assert not (await symbolicate(FAMILY, event, with_names())).members
    assert not FAMILY.list_urls(EventDraft.of_event(event))


async def test_an_event_without_exceptions_needs_no_map():
    """A message of a Flutter app costs no look-up."""
    event = make_event()
    del event["exception"]
    assert not FAMILY.list_debug_ids(EventDraft.of_event(event))


async def test_a_damaged_map_leaves_the_names():
    """The next map with this id is taken; without one, the event stays as it was sent."""
    files = with_names()
    files.add(MAP_ID, KIND, b"damaged")
    assert (await rename(files, type="aYz"))["type"] == "PaymentDeclined"
    files = MemoryFiles()
    files.add(MAP_ID, KIND, b"damaged")
    assert (await rename(files, type="aYz"))["type"] == "aYz"


async def test_a_map_that_is_gone_leaves_the_names():
    """A file may be deleted between the look-up and the reading."""
    files = with_names()
    files.contents.clear()
    assert (await rename(files, type="aYz"))["type"] == "aYz"


async def test_nothing_is_missed_without_a_map():
    """Nobody can tell from an event whether its names are obfuscated."""
    symbolicated = await symbolicate(FAMILY, make_event(type="aYz"), MemoryFiles())
    assert not symbolicated.missing


@pytest.mark.parametrize("exception", [{}, {"type": 7, "value": []}, {"type": "a" * 2_000}])
async def test_odd_exceptions_are_left_alone(exception):
    """Whatever an SDK sends, nothing is raised."""
    assert await rename(**exception) == exception
