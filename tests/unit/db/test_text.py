"""The text gate: what comes out, Postgres can store."""

from hypothesis import given, strategies as st

from app.core.limits import LIMITS
from app.db import text


@given(st.text(st.characters(codec=None)), st.integers(3, 50))
def test_any_text_comes_out_storable_and_within_its_limit(anything: str, limit: int):
    """The result has no NUL, no lone surrogate and not a byte too many, for any input."""
    cleaned = text.clean(anything, limit_bytes=limit)
    assert "\0" not in cleaned
    assert len(cleaned.encode()) <= limit


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=100))
def test_clean_text_is_left_alone(harmless: str):
    """Text that Postgres can store is not changed."""
    assert text.clean(harmless) == harmless


def test_bad_characters_are_taken_out_or_marked():
    """NUL goes, a lone surrogate is shown as lost, a pair written as two halves is joined."""
    assert text.clean("a\0b") == "ab"
    assert text.clean("a\ud800b\udc00") == "a�b�"
    assert text.clean("\ud83d\ude00") == "\N{GRINNING FACE}"


def test_long_text_is_cut_on_a_character_and_marked():
    """At the limit it stays; one byte more and it ends in a mark."""
    assert text.clean("é" * 5, limit_bytes=10) == "é" * 5
    assert text.clean("é" * 5 + "x", limit_bytes=10) == "ééé…"
    assert text.clean("x" * 10, limit_bytes=10) == "x" * 10
    assert text.clean("x" * 11, limit_bytes=10) == "x" * 7 + "…"
    assert len(text.clean("x" * 2 * LIMITS.text_bytes).encode()) == LIMITS.text_bytes


def test_empty_text_counts_as_absent():
    """None, nothing, and nothing but NULs are all None."""
    assert text.clean_or_none(None) is None
    assert text.clean_or_none("") is None
    assert text.clean_or_none("\0") is None
    assert text.clean_or_none("a\0") == "a"


def test_json_is_cleaned_all_the_way_down():
    """Keys, values, lists, tuples; what jsonb has no word for becomes null."""
    value = {"a\0": ["\0b", ("c\0", 1, None, True)], 2: {"d": float("nan"), "e": 1.5}}
    assert text.clean_json(value) == {
        "a": ["b", ["c", 1, None, True]],
        "2": {"d": None, "e": 1.5},
    }
