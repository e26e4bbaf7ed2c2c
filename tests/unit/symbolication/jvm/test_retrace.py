"""Frames get their clear names, lines and inlined calls back from a mapping."""

import copy
from fnmatch import fnmatch

import pytest

from app.symbolication.jvm import names, own_code
from tests.support.recorded.debug_samples import (
    load_expectation,
    load_sample_event,
    read_debug_sample,
)
from tests.support.symbolication.retracing import is_jvm, make_retracer, retrace


@pytest.mark.parametrize("folder", ["proguard", "r8"])
def test_the_samples_come_out_as_expected(folder):
    """Exceptions, threads, files and the app's own frames are those that the samples expect."""
    event, expectation = load_sample_event(folder), load_expectation(folder)
    sent = copy.deepcopy(event)
    mapping = read_debug_sample(f"{folder}/mapping.txt")
    packages = own_code.read_app_packages(event)
    retracer = make_retracer(mapping, app_packages=packages)
    pairs = list(zip(event["exception"]["values"], expectation["exceptions"], strict=True))
    threads = event.get("threads", {"values": []})["values"]
    pairs += list(zip(threads, expectation.get("threads", []), strict=True))
    for holder, expected in pairs:
        frames = holder["stacktrace"]["frames"]
        thrown = names.read_exception_class(holder)
        clear = retracer.retrace_frames(frames, is_jvm, thrown)
        assert len(clear) == len(expected["frames"])
        for frame, wanted in zip(clear, expected["frames"], strict=True):
            for name in ("module", "function", "lineno", "in_app"):
                assert frame.get(name) == wanted.get(name), (name, wanted)
            assert fnmatch(frame["filename"], wanted["filename"])
        if thrown is not None:
            renamed = dict(holder)
            names.rename_exception(renamed, frames[-1], retracer)
            for name in ("type", "module", "value"):
                assert renamed.get(name) == expected.get(name)
    assert event == sent, "frames as sent must stay as they are"


LINES = """\
com.acme.Cart -> a.a:
    1:4:void add(int):10:13 -> a
    5:9:void add(int):20 -> a
    10:12:void add(int):30:30 -> a
    13:15:void add(int) -> a
    0:2:void start():7:9 -> b
    int size() -> c
    int weigh():44 -> d
    int count():50:60 -> e
"""


@pytest.mark.parametrize(
    ("place", "clear"),
    [
        (("a.a.a", 3), ("com.acme.Cart.add", 12)),
        (("a.a.a", 7), ("com.acme.Cart.add", 20)),
        (("a.a.a", 11), ("com.acme.Cart.add", 30)),
        (("a.a.a", 14), ("com.acme.Cart.add", 14)),
        (("a.a.b", 0), ("com.acme.Cart.start", 7)),
        (("a.a.b", 2), ("com.acme.Cart.start", 9)),
        (("a.a.a", 99), ("com.acme.Cart.add", None)),
        (("a.a.a", None), ("com.acme.Cart.add", None)),
        (("a.a.c", 5), ("com.acme.Cart.size", None)),
        (("a.a.c", None), ("com.acme.Cart.size", None)),
        (("a.a.d", None), ("com.acme.Cart.weigh", 44)),
        (("a.a.e", None), ("com.acme.Cart.count", None)),
        (("a.a.unknown", 5), ("com.acme.Cart.unknown", 5)),
        (("a.z.unknown", 5), ("a.z.unknown", 5)),
    ],
)
def test_a_line_becomes_the_line_in_the_source(place, clear):
    """Ranges shift, ranges shrink to one line, and a line that nobody knows is left out."""
    assert retrace(LINES, place) == [clear]


def test_lines_stay_if_the_mapping_has_none_at_all():
    """Such a shrinker renames and leaves the lines alone, so they are those of the source."""
    mapping = "com.acme.Cart -> a:\n    void add() -> b\n    int size() -> b\n    int n():7 -> c\n"
    assert retrace(mapping, ("a.b", 42)) == [("com.acme.Cart.add", 42)]
    assert retrace(mapping, ("a.b", 0)) == [("com.acme.Cart.add", None)]
    assert retrace(mapping, ("a.c", 42)) == [("com.acme.Cart.n", 7)]


def test_ranges_written_the_wrong_way_round_are_turned():
    """ProGuard of old wrote `5:3`, and so did tools that merge mappings."""
    mapping = "com.acme.Cart -> a:\n    5:3:void x():12:10 -> b\n"
    assert retrace(mapping, ("a.b", 4)) == [("com.acme.Cart.x", 11)]


def test_inlined_calls_become_frames_of_their_own():
    """The first row of a position is the innermost call; the last is the method itself."""
    mapping = """\
com.acme.Cart -> a.a:
    1:2:int com.acme.Price.round(double):3:4 -> x
    1:2:void sum():20 -> x
    1:2:void show():9 -> x
    3:3:void show():10:10 -> x
"""
    assert retrace(mapping, ("a.a.x", 2)) == [
        ("com.acme.Price.round", 4),
        ("com.acme.Cart.sum", 20),
        ("com.acme.Cart.show", 9),
    ]
    assert retrace(mapping, ("a.a.x", 3)) == [("com.acme.Cart.show", 10)]
    assert retrace(mapping, ("a.a.x", None)) == [("com.acme.Cart.show", None)]


def test_a_frame_without_a_line_takes_the_row_that_has_none():
    """R8 writes the method itself once without a range, wherever it stands."""
    mapping = """\
com.acme.Main -> a:
    1:1:void inlined():5:5 -> b
    1:1:void start():8 -> b
    void start() -> b
"""
    assert retrace(mapping, ("a.b", None)) == [("com.acme.Main.start", None)]
    assert retrace(mapping, ("a.b", 1)) == [
        ("com.acme.Main.inlined", 5),
        ("com.acme.Main.start", 8),
    ]


def test_rows_for_line_zero_are_for_frames_without_a_line():
    """R8 writes `0:0` where it knows that the app has no lines; calls are inlined there too."""
    mapping = """\
com.acme.Main -> a:
    0:0:void inlined():42:42 -> b
    0:0:void start():28 -> b
    1:1:void start():153 -> b
"""
    expected = [("com.acme.Main.inlined", 42), ("com.acme.Main.start", 28)]
    assert retrace(mapping, ("a.b", None)) == expected
    assert retrace(mapping, ("a.b", 0)) == expected


def test_overloads_with_one_name_give_one_frame():
    """Overloads cannot be told apart without a line, so the first one is taken."""
    mapping = "com.acme.Api -> a:\n    int get() -> b\n    int find(int) -> b\n"
    assert retrace(mapping, ("a.b", None)) == [("com.acme.Api.get", None)]


def test_kotlin_names_with_blanks_dashes_and_dollars():
    """Names that Java does not allow are read whole."""
    mapping = """\
com.acme.CartTest -> a.a:
    1:1:void adds two items (and no more):10:10 -> a
    2:2:void price-impl(int):20:20 -> b
    3:3:java.lang.Object access$total(com.acme.Cart[],int):30:30 -> c$d
"""
    assert retrace(mapping, ("a.a.b", 2)) == [("com.acme.CartTest.price-impl", 20)]
    assert retrace(mapping, ("a.a.c$d", 3)) == [("com.acme.CartTest.access$total", 30)]
    blanks = "com.acme.CartTest -> a.a:\n    1:1:void adds two items():10:10 -> a\n"
    assert retrace(blanks, ("a.a.a", 1)) == [("com.acme.CartTest.adds two items", 10)]


def test_several_mappings_explain_one_stack():
    """Old SDKs name several: the first that knows a class explains it."""
    retracer = make_retracer("com.acme.A -> a:\n", "com.acme.B -> b:\ncom.acme.C -> a:\n")
    assert (retracer.rename_class("a"), retracer.rename_class("b")) == ("com.acme.A", "com.acme.B")
    assert retracer.rename_class("c") == "c"


def test_names_that_map_to_one_another_are_mapped_once():
    """A clear name that is also an obfuscated one is not looked up again."""
    mapping = read_debug_sample("hostile/mapping-cycle.txt")
    assert retrace(mapping, ("b.c", 3)) == [("b.c", 3)]


def test_a_mapping_cannot_make_a_stack_endless():
    """A line with thousands of inlined calls, in every frame, stays within bounds."""
    rows = "".join(f"    1:1:void f{number}():1:1 -> x\n" for number in range(300))
    long_name = "n" * 5_000
    mapping = f"com.acme.Bomb -> a:\n{rows}    2:2:void {long_name}():1:1 -> x\n"
    clear = retrace(mapping, *[("a.x", 1)] * 1_000)
    assert clear[0] == ("com.acme.Bomb.f200", 1)
    assert clear[-1] == ("com.acme.Bomb.f299", 1)
    assert len(clear) < 7_000
    [(name, _)] = retrace(mapping, ("a.x", 2))
    assert len(name) < 1_100
