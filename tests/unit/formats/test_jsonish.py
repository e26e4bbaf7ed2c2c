"""Tests of the decoding of untrusted JSON, and of the getters that read its members."""

import json
import math

import msgspec
import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS
from app.formats import jsonish
from tests.support import examples

BOUND = LIMITS.json_depth


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a": [1, 2.5, "\xc3\xa9", null, true]}', {"a": [1, 2.5, "é", None, True]}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b"[NaN, Infinity, -Infinity, 1e400]", [None, None, None, None]),
        (b"[1.5, NaN]", [1.5, None]),
        (b'"\xff\xfe"', "\ufffd\ufffd"),
        (b'"\xed\xa0\xbd"', "\ufffd\ufffd\ufffd"),
        (rb'"a\ud83d"', "a\ufffd"),
        (rb'"\ude00b \ud83d\ude00 \\ud83d"', "\ufffdb 😀 \\ud83d"),
        (b'"\\u0000"', "\0"),
        (b'"a\nb\x01"', "a\nb\x01"),
        (b"\xef\xbb\xbf{}", {}),
        (b"18446744073709551616", 2**64),
        (b"[" + b"7" * 5_000 + b"]", [None]),
        (b"[" + b"7" * 4_300 + b", NaN]", [int("7" * 4_300), None]),
    ],
)
def test_json_as_sdks_write_it_is_decoded(data, value):
    """Text that a strict reader refuses is mended: NaN, broken text, endless numbers."""
    assert jsonish.decode(data, "test") == value
    assert jsonish.decode(memoryview(data), "test") == value
    assert jsonish.decode(bytearray(data), "test") == value


@pytest.mark.parametrize("data", [b"", b" ", b"{", b"nope", b"{} {}", b"'a'", b'{"a"}', b"\x00"])
def test_other_text_is_malformed(data):
    """The message names the text and shows its beginning."""
    with pytest.raises(MalformedInput, match="test is not JSON"):
        jsonish.decode(data, "test")


@pytest.mark.parametrize(
    ("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")]
)
def test_nesting_is_counted_to_the_limit(opening, closing):
    """The deepest allowed text is decoded, one level more is malformed."""
    times = BOUND // len(closing)
    at_limit = opening * times + b"1" + closing * times
    jsonish.decode(at_limit, "test")
    with pytest.raises(MalformedInput, match=f"deeper than {BOUND} levels"):
        jsonish.decode(b"[" + at_limit + b"]", "test")


@pytest.mark.parametrize("tail", [b"", b"]" * 100_000, b"NaN"])
def test_very_deep_nesting_is_malformed(tail):
    """100,000 levels, whole or cut, do not exhaust the stack."""
    with pytest.raises(MalformedInput):
        jsonish.decode(b"[" * 100_000 + tail, "test")
    with pytest.raises(MalformedInput):
        jsonish.decode(b"[NaN," * 100_000 + tail, "test")


def test_brackets_in_strings_are_no_nesting():
    """Text full of brackets, quotes and backslashes neither counts nor hides levels."""
    flat = json.dumps(['[[[[{{{{"\\', '\\"[', "]]}}", "\\\\", '"'] * 50).encode()
    assert jsonish.decode(flat, "test") == json.loads(flat)
    for text in ("]", "[", '"]', '\\"]', "\\\\"):
        deep = f"[{json.dumps(text)}," * (BOUND + 1) + "1" + "]" * (BOUND + 1)
        with pytest.raises(MalformedInput, match="deeper"):
            jsonish.decode(deep.encode(), "test")


def test_marks_are_counted_to_the_limit():
    """JSON with the largest number of commas and brackets is decoded; one more is too large."""
    at_limit = b"[" + b"0," * (LIMITS.json_marks - 1) + b"0]"
    assert len(jsonish.decode(at_limit, "test")) == LIMITS.json_marks
    with pytest.raises(OversizedInput, match="commas and brackets"):
        jsonish.decode(at_limit[:-1] + b",0]", "test")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"[]", "list"),
        (b"1", "number"),
        (b"1.5", "number"),
        (b'"a"', "string"),
        (b"null", "null"),
        (b"true", "boolean"),
    ],
)
def test_decode_object_takes_objects_only(data, kind):
    """Any other value is malformed, and the message names its type."""
    assert jsonish.decode_object(b'{"a":1}', "test") == {"a": 1}
    with pytest.raises(MalformedInput, match=f"test is a JSON {kind}, expected an object"):
        jsonish.decode_object(data, "test")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *(("a", "a"), (7, "7"), (1.5, "1.5"), (True, "true"), (False, "false")),
        *(("", None), (None, None), ([], None), ({}, None), (2**64, "184467440…")),
        *((10**64 - 1, "999999999…"), (10**64, None), (-(10**64), None)),
        *(("x" * 10, "x" * 10), ("x" * 11, "x" * 9 + "…")),
    ],
)
def test_text_takes_strings_and_writes_numbers_out(value, text):
    """Containers and empty strings count as absent, long text is cut visibly."""
    assert jsonish.text({"a": value}, "a", limit=10) == text


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *((3, 3), (3.0, 3), ("3", 3), (" -3 ", -3), ("3.0", 3), (-5, -5), (9, 9)),
        *((10, None), (-6, None), (3.5, None), ("x", None), (True, None), (None, None)),
        *(([], None), (float("nan"), None), (float("inf"), None), ("1e400", None)),
        *((10**400, None), ("1" * 65, None)),
    ],
)
def test_integer_takes_whole_numbers_in_range(value, number):
    """Floats and strings count if they are whole; booleans and values out of range do not."""
    assert jsonish.integer({"a": value}, "a", lowest=-5, highest=9) == number


def test_number_is_finite():
    """Numbers in strings count; NaN, infinities and booleans do not."""
    assert jsonish.number({"a": "2.5"}, "a") == 2.5
    assert jsonish.number({"a": 2}, "a") == 2.0
    odd: list[object] = [float("nan"), "inf", True, None, "x", [], 10**400]
    for value in odd:
        assert jsonish.number({"a": value}, "a") is None


@pytest.mark.parametrize(
    ("value", "flag"),
    [
        *((True, True), ("TRUE", True), (1, True), (False, False), ("false", False), (0, False)),
        *(("maybe", None), (None, None), ([], None), (2, None)),
    ],
)
def test_flag_reads_booleans_in_words_and_digits(value, flag):
    """A value that is neither true nor false is read as None."""
    assert jsonish.flag({"a": value}, "a") is flag


def test_containers_are_empty_where_the_type_is_wrong():
    """The getters of mappings and sequences never return another type."""
    obj = {"map": {"a": 1}, "list": [1], "text": "x"}
    assert jsonish.mapping(obj, "map") == {"a": 1}
    assert jsonish.mapping(obj, "list") == jsonish.mapping(obj, "none") == {}
    assert jsonish.sequence(obj, "list") == [1]
    assert jsonish.sequence(obj, "map") == jsonish.sequence(obj, "none") == []


def test_values_are_found_with_and_without_a_wrapper():
    """Values are read from `{"values": [...]}` and from a bare list, and may be missing."""
    assert jsonish.values_of({"exception": {"values": [1]}}, "exception") == [1]
    assert jsonish.values_of({"exception": [1]}, "exception") == [1]
    assert jsonish.values_of({"exception": {"values": 1}}, "exception") == []
    assert jsonish.values_of({"exception": "x"}, "exception") == []


def test_tags_are_pairs_of_text():
    """Objects and lists of pairs are read; entries of other shapes are left out."""
    wanted = {"a": "1", "b": "true"}
    assert (
        jsonish.pairs({"tags": {"a": 1, "b": True, "c": [], "": "x", "d": None}}, "tags") == wanted
    )
    listed = [["a", 1], ["b", True], ["c"], "de", [5, "x"], None]
    assert jsonish.pairs({"tags": listed}, "tags") == wanted
    assert jsonish.pairs({"tags": "x"}, "tags") == jsonish.pairs({}, "tags") == {}


@examples.SETTINGS
@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_give_a_clean_value_or_malformed(data):
    """A decoded value can be encoded again."""
    try:
        value = jsonish.decode(data, "test")
    except MalformedInput:
        return
    msgspec.json.encode(value)


@examples.SETTINGS
@given(examples.JSON_VALUES)
def test_any_json_value_is_decoded_and_measured(value):
    """NaN and infinities become null; other values stay as they are."""
    data = json.dumps(value).encode()
    decoded = jsonish.decode(data, "test")
    assert decoded == _finite(json.loads(data))
    jsonish.check_shape(data, "test")


@examples.SETTINGS
@given(
    st.integers(1, BOUND + 3), st.text(alphabet='[]{}"\\,:x', max_size=8), st.sampled_from([0, 2])
)
def test_depth_is_exact_whatever_the_text(levels, text, around):
    """A level counts once, also beside strings full of brackets and inside other levels."""
    data = json.dumps(_nested(levels, text)).encode()
    if levels + around > BOUND:
        with pytest.raises(MalformedInput):
            jsonish.check_shape(data, "test", around=around)
    else:
        jsonish.check_shape(data, "test", around=around)


def _nested(levels: int, text: str) -> object:
    value: object = [text]
    for level in range(levels - 1):
        value = {text: value} if level % 2 else [text, value, text]
    return value


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
