"""Whatever a mapping says: frames come out in order, and as another reader of mappings has them."""

import random

from hypothesis import given, strategies as st
from symbolic.proguard import ProguardMapper

from app.core.errors import MalformedInput, OversizedInput
from tests.support.builders import mappings
from tests.support.examples import SETTINGS
from tests.support.symbolication.retracing import (
    is_jvm,
    list_places,
    make_frame,
    make_retracer,
    retrace,
)

_LINES = (
    "com.acme.A -> a:",
    "com.acme.B -> b:",
    "a -> com.acme.A:",
    "-> :",
    "    1:5:void one(int):10:14 -> x",
    "    1:5:void com.acme.B.two(int):20 -> x",
    "    5:1:void three():9:2 -> x",
    "    0:0:void four():1:1 -> x",
    "    void five() -> x",
    "    void five():7 -> y",
    "    int field -> x",
    "    9:9:void com.acme.A.six(():3:3 -> x",
    "    1:x:void seven -> x",
    '      # {"id":"com.android.tools.r8.synthesized"}',
    '      # {"id":"com.android.tools.r8.outline"}',
    '      # {"id":"com.android.tools.r8.outlineCallsite","positions":{"1":2,"z":"q"},"outline":7}',
    '      # {"id":"com.android.tools.r8.rewriteFrame","conditions":[],"actions":[7]}',
    '      # {"id":"com.android.tools.r8.rewriteFrame","conditions":7}',
    '# {"id":"sourceFile","fileName":""}',
    '# {"id":7,"fileName":[]}',
    "# {" + "[" * 5_000,
    "",
    "  ",
)
_PLACES = st.tuples(
    st.sampled_from(["a.x", "a.y", "b.x", "com.acme.A.x", "c.x", "a."]),
    st.none() | st.integers(0, 12),
)


@given(
    st.lists(st.sampled_from(_LINES), max_size=30),
    st.lists(_PLACES, min_size=1, max_size=6),
    st.sampled_from([None, "a", "com.acme.A"]),
    st.sampled_from(["\n", "\r\n"]),
)
@SETTINGS
def test_no_mapping_breaks_a_stack(lines, places, thrown, newline):
    """Frames between two that no mapping knows stay between them, and nothing raises."""
    text = newline.join(["com.acme.Main -> m:", *lines])
    framed = [("java.lang.First.f", 1), *places, ("java.lang.Last.l", 2)]
    clear = retrace(text, *framed, thrown=thrown)
    assert clear[0] == framed[0]
    assert clear[-1] == framed[-1]
    assert clear == retrace(text, *framed, thrown=thrown)
    assert all(line is None or line >= 0 for _, line in clear)


@given(st.binary(max_size=200), st.integers(0, 2_500))
@SETTINGS
def test_no_bytes_break_the_index(added, place):
    """A damaged mapping is refused, or it is read; both with the errors that readers raise."""
    text = "".join(mappings.build_mapping(4)).encode()
    try:
        retracer = make_retracer(text[:place] + added + text[place:])
    except (MalformedInput, OversizedInput):
        return
    frames = [make_frame((f"{mappings.name_obfuscated_class(number)}.a", 3)) for number in range(4)]
    assert len(retracer.retrace_frames(frames, is_jvm, "a.b")) >= 1


def test_frames_are_those_that_symbolic_reads(tmp_path):
    """The retrace of Sentry's own library gives the same classes, methods, lines and files."""
    text = "".join(mappings.build_mapping(120))
    path = tmp_path / "mapping.txt"
    path.write_text(text)
    oracle = ProguardMapper.open(str(path))
    retracer = make_retracer(text)
    numbers = random.Random(7)
    compared = 0
    for number in range(120):
        class_name = mappings.name_obfuscated_class(number)
        for method in "abcdefghij":
            line = numbers.randint(1, 8)
            expected = [
                (f"{frame.class_name}.{frame.method}", frame.line)
                for frame in oracle.remap_frame(class_name, method, line)
            ]
            if expected:
                frame = make_frame((f"{class_name}.{method}", line))
                assert list_places(retracer.retrace_frames([frame], is_jvm, None)) == expected
                compared += 1
        assert retracer.rename_class(class_name) == oracle.remap_class(class_name)
    assert compared > 500
