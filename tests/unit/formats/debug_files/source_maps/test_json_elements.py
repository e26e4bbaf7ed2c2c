"""Arrays of JSON are cut into the texts of their elements."""

import json
import tracemalloc

import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput, OversizedInput
from app.formats.debug_files.source_maps.json_elements import iterate_elements

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def split(text: bytes, most: int = 1_000) -> list[bytes]:
    """Split an array and return the texts of its elements."""
    return [bytes(element) for element in iterate_elements(memoryview(text), "names", most=most)]


@given(st.lists(VALUES, max_size=8), st.sampled_from([None, 1]), st.booleans())
def test_the_elements_of_any_array_come_out(values, indent, is_ascii):
    """Brackets, commas and quotes within an element do not end it."""
    text = json.dumps(values, indent=indent, ensure_ascii=is_ascii).encode()
    assert [json.loads(element) for element in split(text)] == values


@pytest.mark.parametrize("text", [b"", b"null", b"[]", b"[ \n ]"])
def test_an_absent_array_has_no_elements(text):
    """Maps leave arrays out, or write null."""
    assert split(text) == []


@pytest.mark.parametrize("text", [b"{}", b'"abc"', b"7"])
def test_another_value_is_refused(text):
    """An object in the place of an array is no source map."""
    with pytest.raises(MalformedInput, match="names"):
        split(text)


def test_the_number_of_elements_is_bounded():
    """The limit is the highest number of elements."""
    assert len(split(b"[1,2,3]", most=3)) == 3
    with pytest.raises(OversizedInput, match="more than 2"):
        split(b"[1,2,3]", most=2)


def test_the_parts_of_an_element_are_bounded(monkeypatch):
    """Millions of brackets in one element are not walked over."""
    monkeypatch.setattr("app.formats.debug_files.source_maps.json_elements._MOST_MARKS", 9)
    assert len(split(b"[[],[],[]]")) == 3
    with pytest.raises(OversizedInput, match="parts"):
        split(b"[[[],[],[],[],[]]]")


def test_millions_of_escapes_take_no_memory():
    """A source with many lines has many escapes, which the search does not remember."""
    text = memoryview(b'["' + b"\\n" * 1_000_000 + b'",1]')
    tracemalloc.start()
    try:
        elements = [len(element) for element in iterate_elements(text, "sources", most=2)]
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert elements == [2_000_002, 1]
    assert peak_bytes < 1_000_000
