"""Notes below the rows of a mapping take frames away, or look other lines up."""

import pytest

from tests.support.symbolication.retracing import retrace

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
