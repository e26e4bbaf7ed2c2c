"""Frames of JavaScript get the position, function and lines of their source."""

import pytest

from app.symbolication.javascript.family import JavaScriptFamily
from tests.support.builders.source_maps import MAP_ID, bundle, write_mappings
from tests.support.symbolication.found_files import symbolicate
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


async def test_position_function_and_lines_come_from_the_source():
    """The frame shows where the code was written, and no longer where it ran."""
    event = make_event(
        make_frame(module="app", context_line="min", pre_context=["i"], post_context=["fied"]),
        make_frame(1, 1),
    )
    clear, called = list_frames(await symbolicate(FAMILY, event, with_script(pack_script())), event)
    assert clear == {
        "filename": "src/a.js",
        "abs_path": "https://shop.example/assets/src/a.js",
        "function": "t",
        "lineno": 2,
        "colno": 3,
        "in_app": True,
        "pre_context": ["first"],
        "context_line": "  second()",
        "post_context": ["third", ""],
    }
    assert called["function"] == "second"  # the name by which the frame before it calls


async def test_a_name_is_not_taken_over_a_frame_that_is_unknown():
    """Between two frames of a script may lie one of the engine, which calls the second."""
    event = make_event(make_frame(), make_frame(filename="native"), make_frame(1, 1))
    frames = list_frames(await symbolicate(FAMILY, event, with_script(pack_script())), event)
    assert frames[1] == make_frame(filename="native")
    assert frames[2]["function"] == "t"


async def test_functions_of_the_map_win_over_names_at_calls():
    """The function around a position is sure; a name at a call may be that of a property."""
    event = make_event(make_frame(), make_frame(1, 1))
    for name in ("checkout", "<anonymous>"):
        functions = [[{"names": [name], "mappings": "AAA"}]]
        data = pack_script(x_facebook_sources=functions)
        frames = list_frames(await symbolicate(FAMILY, event, with_script(data)), event)
        assert [frame["function"] for frame in frames] == [name] * 2


async def test_functions_without_a_name_are_called_as_their_caller_does():
    """A function that the script does not name has the name at the call, or the one sent."""
    script = "(function(){    f(x)})()"
    data = pack_script({APP: script})
    event = make_event(make_frame(), make_frame(1, 20))
    frames = list_frames(await symbolicate(FAMILY, event, with_script(data)), event)
    assert [frame["function"] for frame in frames] == ["t", "second"]
    data = pack_script({APP: script.replace("function(", "function  pay(")})
    frames = list_frames(await symbolicate(FAMILY, event, with_script(data)), event)
    assert [frame["function"] for frame in frames] == ["t", "pay"]


@pytest.mark.parametrize(
    ("changes", "filename", "abs_path", "in_app"),
    [
        ({"sources": ["webpack:///./src/a.js"]}, "./src/a.js", "webpack:///./src/a.js", True),
        ({"sources": ["../src/a.js"]}, "../src/a.js", "https://shop.example/src/a.js", True),
        (
            {"sources": ["a.js"], "sourceRoot": "/srv"},
            "/srv/a.js",
            "https://shop.example/srv/a.js",
            True,
        ),
        (
            {"sources": ["../node_modules/x/a.js"]},
            "../node_modules/x/a.js",
            "https://shop.example/node_modules/x/a.js",
            False,
        ),
        (
            {"sources": ["webpack://shop/webpack/bootstrap"]},
            "webpack/bootstrap",
            "webpack://shop/webpack/bootstrap",
            False,
        ),
        ({"ignoreList": [0]}, "src/a.js", "https://shop.example/assets/src/a.js", False),
        ({"sources": [None]}, URL, None, True),
    ],
)
async def test_names_of_sources_and_whose_they_are(changes, filename, abs_path, in_app):
    """Sources of packages are not the app's; all others are what the SDK says."""
    event = make_event(make_frame())
    (frame,) = list_frames(
        await symbolicate(FAMILY, event, with_script(pack_script(**changes))), event
    )
    assert (frame["filename"], frame.get("abs_path"), frame["in_app"]) == (
        filename,
        abs_path,
        in_app,
    )


async def test_lines_come_from_an_entry_if_the_map_has_no_code():
    """Some builds upload sources beside the map instead of within it."""
    source = "files/_/_/assets/src/a.js"
    data = pack_script({source: "one\ntwo\nthree"}, sourcesContent=None)
    event = make_event(make_frame())
    (frame,) = list_frames(await symbolicate(FAMILY, event, with_script(data)), event)
    assert (frame["context_line"], frame["pre_context"]) == ("two", ["one"])


async def test_a_script_without_a_map_gives_its_own_lines():
    """Code of a server that was never minified keeps its positions."""
    files = {APP: {"type": "source", "url": "~/assets/app.js", "headers": {"debug-id": MAP_ID}}}
    data = pack(bundle({APP: "one()\ntwo()\n"}, files))
    event = make_event(make_frame(2, 1))
    symbolicated = await symbolicate(FAMILY, event, with_script(data))
    assert list_frames(symbolicated, event) == [
        make_frame(2, 1, pre_context=["one()"], context_line="two()", post_context=[""])
    ]
    assert not symbolicated.missing


async def test_stacks_of_threads_are_mapped_too():
    """Every stack of the event is made clear."""
    event = make_event(make_frame())
    event["threads"] = {"values": [{"id": 1, "stacktrace": {"frames": [make_frame(1, 1)]}}]}
    symbolicated = await symbolicate(FAMILY, event, with_script(pack_script()))
    (frame,) = symbolicated.members["threads"]["values"][0]["stacktrace"]["frames"]
    assert (frame["filename"], frame["lineno"]) == ("src/a.js", 1)


@pytest.mark.parametrize(
    "frame",
    [
        {},
        {"filename": 7, "lineno": 1},
        {"filename": URL, "lineno": "x", "colno": []},
        {"filename": URL, "lineno": -4, "colno": 1},
        {"filename": URL, "lineno": 10**30, "colno": 1},
        {"filename": "a" * 5_000, "lineno": 1, "colno": 1},
        {"abs_path": "native", "filename": URL, "lineno": 1, "colno": 1},
    ],
)
async def test_odd_frames_are_left_alone(frame):
    """Whatever an SDK sends, nothing is raised."""
    event = make_event(frame)
    assert not (await symbolicate(FAMILY, event, with_script(pack_script()))).members


async def test_numbers_may_be_texts():
    """Old SDKs write positions as text."""
    event = make_event(make_frame() | {"lineno": "1", "colno": "11"})
    (frame,) = list_frames(await symbolicate(FAMILY, event, with_script(pack_script())), event)
    assert (frame["lineno"], frame["colno"]) == (2, 3)


async def test_a_script_of_hermes_needs_no_column():
    """A frame without a column is that of the beginning of its line."""
    mappings = write_mappings([(0, 0, 0, 2, 0, None)])
    event = make_event(make_frame(1, None))
    data = pack_script(mappings=mappings)
    assert list_frames(await symbolicate(FAMILY, event, with_script(data)), event)[0]["lineno"] == 3
