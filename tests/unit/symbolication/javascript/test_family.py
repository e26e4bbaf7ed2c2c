"""Bundles of scripts are found for events of JavaScript, and those that are missing are named."""

import copy
import json
from typing import Any

import pytest

from app.debug_files.model import DebugFileKind
from app.symbolication.draft import EventDraft, OutOfTime
from app.symbolication.javascript.family import JavaScriptFamily
from app.symbolication.model import SymbolicatedEvent
from tests.support.builders.source_maps import MAP_ID, bundle, describe_entry, source_map
from tests.support.recorded.debug_samples import (
    load_expectation,
    load_sample_event,
    read_debug_sample,
)
from tests.support.symbolication.found_files import MemoryFiles, symbolicate
from tests.support.symbolication.script_events import (
    APP,
    URL,
    list_frames,
    make_event,
    make_frame,
    pack,
    pack_script,
    with_script,
)

FAMILY = JavaScriptFamily()
SCRIPT_IDS = {
    "hermes": "8ad3141f-51c4-4c79-acd0-f3a0318ac699",
    "web": "0eba4e1f-8401-5a6d-aaa4-7c98872f25ec",
}


def compare_with_sample(folder: str, symbolicated: SymbolicatedEvent, event: Any) -> None:
    """Compare the frames of an event with what a sample says must come out."""
    (expected,) = load_expectation(folder)["exceptions"]
    frames = list_frames(symbolicated, event)
    sent = event["exception"]["values"][0]["stacktrace"]["frames"]
    assert len(frames) == len(expected["frames"])
    for frame, sent_frame, wanted in zip(frames, sent, expected["frames"], strict=True):
        if wanted.get("unresolved") or wanted.get("lineno") is None:
            assert frame == sent_frame
            continue
        for name in ("filename", "lineno", "colno", "in_app"):
            assert frame[name] == wanted[name]
        assert frame.get("context_line") == wanted.get("context_line")
        if "function" in wanted:
            assert frame["function"] == wanted["function"]


@pytest.mark.parametrize("folder", ["hermes", "web"])
async def test_samples_become_clear_by_debug_id(folder):
    """A bundle that sentry-cli uploaded gives every frame that the oracle gives."""
    event = load_sample_event(folder)
    before = copy.deepcopy(event)
    data = pack(read_debug_sample(f"{folder}/uploaded/artifact-bundle.zip"))
    files = with_script(data, debug_id=SCRIPT_IDS[folder])
    symbolicated = await symbolicate(FAMILY, event, files)
    compare_with_sample(folder, symbolicated, event)
    assert [file.debug_id for file in symbolicated.used] == [SCRIPT_IDS[folder]]
    assert not symbolicated.missing
    assert event == before
    assert FAMILY.list_debug_ids(EventDraft.of_event(event)) == {SCRIPT_IDS[folder]}
    assert not FAMILY.list_urls(EventDraft.of_event(event))


async def test_functions_of_the_web_sample_are_named():
    """The map has no functions: their names come from the script, made clear by the map."""
    event = load_sample_event("web")
    data = pack(read_debug_sample("web/uploaded/artifact-bundle.zip"))
    files = with_script(data, debug_id=SCRIPT_IDS["web"])
    frames = list_frames(await symbolicate(FAMILY, event, files), event)
    assert [frame["function"] for frame in frames] == [
        "Object.<anonymous>", "?", "?", "require_index", "onCheckoutTapped", "Cart.checkout",
        "charge", "callBank",
    ]  # fmt: skip


async def test_the_hermes_sample_becomes_clear_by_its_release():
    """Old versions of React Native send no debug id; release and address lead to the bundle."""
    event = load_sample_event("hermes")
    del event["debug_meta"]
    assert "~/index.android.bundle" in FAMILY.list_urls(EventDraft.of_event(event))
    assert not FAMILY.list_debug_ids(EventDraft.of_event(event))
    files = MemoryFiles()
    data = pack(read_debug_sample("hermes/uploaded/artifact-bundle.zip"))
    file_id = files.add_bundle(data, "~/index.android.bundle", "~/index.android.bundle.map")
    symbolicated = await symbolicate(FAMILY, event, files)
    compare_with_sample("hermes", symbolicated, event)
    assert [(file.file_id, file.debug_id) for file in symbolicated.used] == [(file_id, None)]


@pytest.mark.parametrize("folder", ["hermes", "web"])
async def test_a_bundle_that_is_not_there_is_named(folder):
    """The page names the script, its debug id and how many frames of the app wait for it."""
    event = load_sample_event(folder)
    (expected,) = load_expectation(folder)["missing_before"]
    symbolicated = await symbolicate(FAMILY, event, MemoryFiles())
    assert not symbolicated.members
    (missing,) = symbolicated.missing
    assert (missing.kind, missing.debug_id) == ("artifact_bundle", expected["id"])
    assert (missing.name, missing.reason) == (expected["file"], "not_uploaded")
    assert missing.frames == sum(
        frame["filename"] == expected["file"]
        for frame in event["exception"]["values"][0]["stacktrace"]["frames"]
    )


async def test_without_a_debug_id_release_and_dist_are_named():
    """The note asks for a bundle of this release with this script."""
    event = make_event(make_frame(1, 4_000), debug_id=None)
    (missing,) = (await symbolicate(FAMILY, event, MemoryFiles())).missing
    assert (missing.debug_id, missing.name) == (None, URL)
    assert (missing.release, missing.dist) == ("shop@1", "7")


@pytest.mark.parametrize(
    "frame",
    [
        make_frame(812, 14),
        make_frame(1, 4_000, filename="http://localhost:8081/index.bundle?platform=ios"),
        make_frame(1, 4_000, filename="http://10.0.2.2:8081/index.bundle"),
        make_frame(1, 4_000, in_app=False),
        make_frame(0, 4_000, filename="app:///index.android.bundle"),
        make_frame(1, 20, filename="/srv/app/dist/main.js"),
    ],
)
async def test_code_that_needs_no_map_is_not_missed(frame):
    """Code that people wrote as it runs, code of a developer's machine, and that of others."""
    symbolicated = await symbolicate(FAMILY, make_event(frame, debug_id=None), MemoryFiles())
    assert not symbolicated.missing


async def test_a_position_that_the_map_does_not_know_is_named():
    """A map of another build is there, and does not help."""
    event = make_event(make_frame(9, 5), make_frame(9, 7))
    (missing,) = (await symbolicate(FAMILY, event, with_script(pack_script()))).missing
    assert (missing.reason, missing.detail, missing.frames) == ("not_in_map", "9:5", 2)


async def test_single_positions_that_the_map_does_not_know_are_no_news():
    """Code that the bundler added comes from no source; the other frames are clear."""
    event = make_event(make_frame(9, 5), make_frame())
    symbolicated = await symbolicate(FAMILY, event, with_script(pack_script()))
    assert not symbolicated.missing
    assert list_frames(symbolicated, event)[0] == make_frame(9, 5)


async def test_the_newest_bundle_with_a_map_is_taken():
    """A bundle without the map, uploaded later by mistake, changes nothing."""
    files = with_script(pack_script())
    only_script = {APP: describe_entry(APP, **{"debug-id": MAP_ID})}
    files.add(MAP_ID, DebugFileKind.ARTIFACT_BUNDLE, pack(bundle({APP: "x"}, only_script)))
    event = make_event(make_frame())
    (frame,) = list_frames(await symbolicate(FAMILY, event, files), event)
    assert frame["lineno"] == 2


async def test_sources_are_resolved_against_the_map_of_a_release():
    """A map in another folder than its script names its sources from there."""
    other = "files/_/_/maps/app.map"
    entry = {APP: describe_entry(APP, sourcemap="../maps/app.map")}
    data = pack(bundle({APP: "x", other: json.dumps(source_map())}, entry))
    files = MemoryFiles()
    files.add_bundle(data, "~/assets/app.js")
    event = make_event(make_frame(filename=f"{URL}?v=2"), debug_id=None)
    (frame,) = list_frames(await symbolicate(FAMILY, event, files), event)
    assert frame["abs_path"] == "https://shop.example/maps/src/a.js"


async def test_a_damaged_bundle_leaves_the_frames_as_sent():
    """Look-ups go on with the next bundle, and the event is kept."""
    files = with_script(pack_script())
    files.add(MAP_ID, DebugFileKind.ARTIFACT_BUNDLE, b"damaged")
    event = make_event(make_frame())
    assert list_frames(await symbolicate(FAMILY, event, files), event)[0]["lineno"] == 2
    event = make_event(make_frame())
    symbolicated = await symbolicate(FAMILY, event, with_script(b"damaged"))
    assert not symbolicated.members
    assert symbolicated.missing[0].debug_id == MAP_ID


async def test_bundles_that_are_gone_are_left_out():
    """A file may be deleted between the look-up and the reading."""
    files = with_script(pack_script())
    files.contents.clear()
    assert not (await symbolicate(FAMILY, make_event(make_frame()), files)).members


async def test_frames_of_other_platforms_are_left_alone():
    """An event of React Native may hold frames of Java, and Java events none of JavaScript."""
    java = make_frame(platform="java")
    event = make_event(java, make_frame())
    frames = list_frames(await symbolicate(FAMILY, event, with_script(pack_script())), event)
    assert frames[0] == java
    assert frames[1]["lineno"] == 2
    event = make_event(make_frame()) | {"platform": "java"}
    assert not FAMILY.list_debug_ids(EventDraft.of_event(event))
    assert not (await symbolicate(FAMILY, event, with_script(pack_script()))).members


async def test_an_image_names_a_script_by_either_name_or_without_its_query():
    """SDKs write the address of the image as in `abs_path`, in `filename`, or without a query."""
    names: tuple[dict[str, Any], ...] = ({"abs_path": "app:///other"}, {"filename": f"{URL}?v=3"})
    for members in names:
        event = make_event(make_frame() | members)
        files = with_script(pack_script())
        assert list_frames(await symbolicate(FAMILY, event, files), event)[0]["lineno"] == 2


async def test_an_event_past_its_time_is_given_up():
    """A worker does it later."""
    draft = EventDraft.of_event(make_event(make_frame()), deadline_s=-1.0)
    with pytest.raises(OutOfTime):
        await FAMILY.rewrite(draft, with_script(pack_script()))
