"""Frames get their clear names, lines and inlined calls back from a mapping."""

import copy
from fnmatch import fnmatch
from typing import Any

import pytest

from app.symbolication.jvm import names, own_code
from tests.support.recorded.debug_samples import (
    load_expectation,
    load_sample_event,
    read_debug_sample,
)
from tests.support.symbolication.retracing import (
    is_jvm,
    make_frame,
    make_retracer,
    retrace,
    retrace_files,
)


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
    """Which of them it was cannot be told without a line; the first is as good as any."""
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


OUTLINES = """\
com.acme.Cart$$ExternalSyntheticOutline0 -> q.o:
    1:2:int m(int):0:0 -> a
      # {"id":"com.android.tools.r8.outline"}
    3:5:int m(int):1:1 -> a
com.acme.Cart -> q.c:
    1:9:void add(int):11:19 -> b
      # {"id":"com.android.tools.r8.outlineCallsite", "positions":{"1":20,"4":21}, \
"outline":"Lq/o;a(I)I"}
    20:20:void add(int):40:40 -> b
    21:21:void com.acme.Price.check():7:7 -> b
    21:21:void add(int):41 -> b
"""


def test_an_outline_goes_and_its_caller_gets_the_line_of_the_call():
    """The line in the outline says which line of the caller it stands for."""
    assert retrace(OUTLINES, ("q.o.a", 1), ("q.c.b", 3)) == [("com.acme.Cart.add", 40)]
    assert retrace(OUTLINES, ("q.o.a", 4), ("q.c.b", 3)) == [
        ("com.acme.Price.check", 7),
        ("com.acme.Cart.add", 41),
    ]
    # A line of the outline that no note names leaves the line of the caller.
    assert retrace(OUTLINES, ("q.o.a", 2), ("q.c.b", 3)) == [("com.acme.Cart.add", 13)]
    # Only the frame that called the outline is looked up in this way.
    assert retrace(OUTLINES, ("q.o.a", 1), ("x.y.z", 1), ("q.c.b", 3)) == [
        ("x.y.z", 1),
        ("com.acme.Cart.add", 13),
    ]


def test_the_note_of_the_right_outline_counts():
    """A position may call two outlines that have the same lines."""
    note = '"id":"com.android.tools.r8.outlineCallsite","positions":{"1":%d},"outline":"%s"'
    call = f"      # {{{note}}}\n"
    mapping = OUTLINES.partition("com.acme.Cart ->")[0] + (
        "com.acme.Cart -> q.c:\n    1:1:void add():11:11 -> b\n"
        + call % (20, "Lq/p;a(I)I")
        + call % (21, "Lq/o;a(I)I")
        + "    20:20:void add():40:40 -> b\n    21:21:void add():50:50 -> b\n"
    )
    assert retrace(mapping, ("q.o.a", 1), ("q.c.b", 1)) == [("com.acme.Cart.add", 50)]


def test_outlines_call_outlines_and_inline_methods():
    """The line of the inner outline is looked up in the outer one; code of the app in it stays."""
    mapping = """\
com.acme.O1 -> a:
    4:4:int outline():0:0 -> a
      # {"id":"com.android.tools.r8.outline"}
    5:5:int com.acme.Price.round():75:75 -> a
    5:5:int outline():0 -> a
com.acme.O2 -> b:
    6:6:int outline():0:0 -> a
      # {"id":"com.android.tools.r8.outlineCallsite","positions":{"4":43}}
    42:43:int outline():0:0 -> a
      # {"id":"com.android.tools.r8.outline"}
com.acme.Cart -> c:
    10:11:int total(int):98:98 -> a
    28:28:int total(int):0:0 -> a
      # {"id":"com.android.tools.r8.outlineCallsite","positions":{"43":11,"5":10}}
"""
    assert retrace(mapping, ("a.a", 4), ("b.a", 6), ("c.a", 28)) == [("com.acme.Cart.total", 98)]
    assert retrace(mapping, ("a.a", 5), ("c.a", 28)) == [
        ("com.acme.Price.round", 75),
        ("com.acme.Cart.total", 98),
    ]


REWRITES = """\
com.acme.Cart -> a:
    4:4:java.lang.Object com.acme.Check.notNull(java.lang.Object):17:17 -> b
    4:4:void add():7 -> b
      # {"id":"com.android.tools.r8.rewriteFrame", \
"conditions":["throws(Ljava/lang/NullPointerException;)"],"actions":["removeInnerFrames(1)"]}
    4:4:void show():9 -> b
com.acme.Lost -> k:
    1:1:void <init>():3:3 -> <init>
"""
REWRITTEN = [("com.acme.Cart.add", 7), ("com.acme.Cart.show", 9)]
WHOLE = [("com.acme.Check.notNull", 17), *REWRITTEN]


@pytest.mark.parametrize(
    ("thrown", "clear"),
    [
        ("java.lang.NullPointerException", REWRITTEN),
        ("java.lang.IllegalStateException", WHOLE),
        (None, WHOLE),
    ],
)
def test_inner_frames_go_when_the_condition_is_what_was_thrown(thrown, clear):
    """R8 took a null check out, so the frame of the check would mislead."""
    assert retrace(REWRITES, ("a.b", 4), thrown=thrown) == clear


def test_only_the_innermost_frame_is_rewritten():
    """The exception passed through the others."""
    thrown = "java.lang.NullPointerException"
    assert retrace(REWRITES, ("a.b", 4), ("a.b", 4), thrown=thrown) == REWRITTEN + WHOLE
    assert retrace(REWRITES, ("java.util.List.get", 1), ("a.b", 4), thrown=thrown)[1:] == WHOLE


def test_a_condition_may_name_an_obfuscated_class():
    """The class that was thrown is meant by either of its names."""
    mapping = REWRITES.replace("java/lang/NullPointerException", "com/acme/Lost")
    assert retrace(mapping, ("a.b", 4), thrown="k") == REWRITTEN
    assert retrace(mapping.replace("com/acme/Lost", "k"), ("a.b", 4), thrown="k") == REWRITTEN


def test_unknown_conditions_and_actions_change_nothing():
    """A later version of R8 may write what nobody can know yet."""
    thrown = "java.lang.NullPointerException"
    for text in (
        REWRITES.replace('["throws(', '["runs(); ","throws('),
        REWRITES.replace("removeInnerFrames(1)", "removeOuterFrames(1)"),
        REWRITES.replace('["throws(Ljava/lang/NullPointerException;)"]', "[]"),
        REWRITES.replace('["removeInnerFrames(1)"]', "7"),
        REWRITES.replace('"actions"', "actions"),
    ):
        assert retrace(text, ("a.b", 4), thrown=thrown) == WHOLE


def test_a_rewrite_that_takes_all_frames_takes_the_frame():
    """The stack goes on with its caller; a stack of nothing else keeps the method."""
    mapping = REWRITES.replace("removeInnerFrames(1)", "removeInnerFrames(7)")
    thrown = "java.lang.NullPointerException"
    assert retrace(mapping, ("a.b", 4), ("x.y", 1), thrown=thrown) == [("x.y", 1)]
    assert retrace(mapping, ("a.b", 4), thrown=thrown) == [("com.acme.Cart.show", None)]


SYNTHESIZED = """\
com.acme.Cart$$ExternalSyntheticLambda0 -> a.b:
# {"id":"sourceFile","fileName":"R8$$SyntheticClass"}
# {"id":"com.android.tools.r8.synthesized"}
    1:1:void run(com.acme.Cart):0:0 -> run
      # {"id":"com.android.tools.r8.synthesized"}
    2:3:void com.acme.Cart.lambda$add$0():225:226 -> run
    2:3:void run(com.acme.Cart):0 -> run
com.acme.Cart -> a.a:
# {"id":"sourceFile","fileName":"Shop.kt"}
    1:1:void add():8:8 -> a
"""


def test_rows_of_synthesized_methods_go_and_the_rest_of_their_position_stays():
    """The note stands once and holds for every row of its method."""
    assert retrace(SYNTHESIZED, ("a.b.run", 1), ("a.a.a", 1)) == [("com.acme.Cart.add", 8)]
    assert retrace(SYNTHESIZED, ("a.b.run", 3)) == [("com.acme.Cart.lambda$add$0", 226)]
    # Neither a stack of nothing else nor a frame without a line would say more without the bridge.
    name = "com.acme.Cart$$ExternalSyntheticLambda0.run"
    assert retrace(SYNTHESIZED, ("a.b.run", None), ("x.y", 1)) == [(name, None), ("x.y", 1)]
    assert retrace(SYNTHESIZED, ("a.b.run", 1)) == [(name, None)]
    # A class that R8 made is no reason to drop a method that it did not make.
    assert retrace(SYNTHESIZED, ("a.b.other", 3))[0][1] == 3


FILES = (
    SYNTHESIZED
    + """\
com.acme.PlainKt -> a.c:
    1:1:void com.acme.Check.positive(int):8:8 -> a
    1:1:void com.acme.Cart$Line.price():30:30 -> a
    1:1:void top():4 -> a
com.acme.ComposableSingletons$HomeKt$lambda-1$1 -> a.d:
    1:1:void invoke():12:12 -> a
Root -> b:
    1:1:void main():1:1 -> a
com.acme.Cart$$Lambda$1 -> a.e:
    1:1:void run():1:1 -> a
com.acme.-$$Lambda$Home$xY3 -> a.f:
    1:1:void run():1:1 -> a
kotlin.collections.CollectionsKt__IterablesKt -> a.g:
    1:1:int sum():1:1 -> a
"""
)


@pytest.mark.parametrize(
    ("place", "sent", "files"),
    [
        (("a.a.a", 1), "SourceFile", ["Shop.kt"]),
        (("a.a.a", 1), "Cart.java", ["Shop.kt"]),
        (("a.b.run", 3), "SourceFile", ["Shop.kt"]),
        (("a.b.run", None), "SourceFile", ["Shop.kt"]),
        (("a.c.a", 1), "SourceFile", ["Check.kt", "Shop.kt", "Plain.kt"]),
        (("a.c.a", 1), "Top.kt", ["Check.kt", "Shop.kt", "Top.kt"]),
        (("a.c.a", 1), "r8-map-id-4fe1c2a", ["Check.kt", "Shop.kt", "Plain.kt"]),
        (("a.d.a", 1), "Unknown Source", ["Home.kt"]),
        (("b.a", 1), None, ["Root.java"]),
        (("b.missing", 1), "", ["Root.java"]),
        (("b.missing", 1), "Main.kt", ["Main.kt"]),
        (("a.e.a", 1), "SourceFile", ["Shop.kt"]),
        (("a.e.a", 1), "D8$$SyntheticClass", ["Shop.kt"]),
        (("a.f.a", 1), "PG", ["Home.java"]),
        (("a.g.a", 1), "PG", ["Iterables.kt"]),
    ],
)
def test_files_come_from_the_mapping_the_frame_or_the_class(place, sent, files):
    """Noted files win; what a shrinker wrote in place of a file never stays."""
    assert retrace_files(FILES, place, sent) == files


def test_several_mappings_explain_one_stack():
    """Old SDKs name several: the first that knows a class explains it."""
    retracer = make_retracer("com.acme.A -> a:\n", "com.acme.B -> b:\ncom.acme.C -> a:\n")
    assert (retracer.rename_class("a"), retracer.rename_class("b")) == ("com.acme.A", "com.acme.B")
    assert retracer.rename_class("c") == "c"


def test_names_that_map_to_one_another_are_mapped_once():
    """A clear name that is also an obfuscated one is not looked up again."""
    mapping = read_debug_sample("hostile/mapping-cycle.txt")
    assert retrace(mapping, ("b.c", 3)) == [("b.c", 3)]


def test_own_frames_are_decided_after_the_names_are_clear():
    """What was sent counts; then the package of the app, then the packages of the platform."""
    mapping = """\
com.acme.shop.Cart -> a.a:
    1:1:void kotlin.collections.CollectionsKt.first():3:3 -> a
    1:1:void add():8 -> a
com.acme.shopping.Other -> a.b:
okhttp3.Call -> a.c:
androidx.core.View -> a.d:
"""
    retracer = make_retracer(mapping, app_packages=("com.acme.shop",))

    def decide(name: str, **members: Any) -> list[Any]:
        frames = [make_frame((name, 1), **members)]
        clear = retracer.retrace_frames(frames, is_jvm, None)
        return [frame.get("in_app") for frame in clear]

    assert decide("a.a.a") == [True, False]
    assert decide("a.a.a", in_app=True) == [True, False]
    assert decide("a.a.b", in_app=False) == [False]
    assert decide("a.b.a") == [None]
    assert decide("a.c.a") == [None]
    assert decide("a.d.a") == [False]
    assert decide("android.os.Looper.loop") == [False]
    assert decide("q.unknown.a") == [None]
    assert (retracer.known_frames, retracer.unknown_frames) == (6, 1)
    assert list(retracer.unknown_classes) == ["q.unknown"]


def test_the_packages_of_an_app_come_from_release_and_context():
    """A release that is only a version, or a name without a dot, says nothing."""
    context = {"app": {"app_identifier": "com.acme.beta"}}
    event = {"release": "com.acme.shop@2.4.0+240", "contexts": context}
    assert own_code.read_app_packages(event) == ("com.acme.shop", "com.acme.beta")
    assert own_code.read_app_packages({"release": "2.4.0", "contexts": None}) == ()
    assert own_code.read_app_packages({"release": "shop@2.4.0"}) == ()


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
