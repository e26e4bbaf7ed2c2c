"""Tests of places in lists as text for addresses."""

import base64
import struct
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from app.core.errors import InvalidInput
from app.db.lists import CursorValue
from app.web.frame.cursors import read_cursor, write_cursor

_VALUES = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 253_370_764_800_000_000).map(
        lambda us: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
    ),
    st.timedeltas(timedelta(0), timedelta(days=36_500)),
    st.uuids().map(lambda value: value.hex),
)


@given(st.lists(_VALUES, min_size=1, max_size=4).map(tuple))
def test_a_cursor_comes_back_from_its_text(cursor: tuple[CursorValue, ...]):
    """Moments and lengths keep their microseconds."""
    key_types = tuple(type(value) for value in cursor)
    assert read_cursor(write_cursor(cursor), key_types) == cursor


@pytest.mark.parametrize("text", ["x", "é", "AAAA", "A" * 31, "_" * 32])
@pytest.mark.parametrize("key_types", [(datetime, str), (timedelta, str), (int, int, str)])
def test_made_up_text_is_refused(text: str, key_types: tuple[type, ...]):
    """Empty text stands for the beginning of the list."""
    assert read_cursor("", key_types) is None
    with pytest.raises(InvalidInput, match="leads to no place in this list"):
        read_cursor(text, key_types)


def test_a_cursor_of_another_list_is_refused():
    """A length is not taken for a moment, nor a shorter key for a longer one."""
    text = write_cursor((timedelta(seconds=5), "a" * 32))
    for key_types in ((datetime, str), (int, str), (timedelta, str, str), (timedelta,)):
        with pytest.raises(InvalidInput):
            read_cursor(text, key_types)


@given(st.binary(max_size=40) | st.binary(min_size=25, max_size=25).map(lambda rest: b"t" + rest))
def test_any_bytes_are_a_cursor_or_refused(packed: bytes):
    """A cursor that is read is written again as the same bytes."""
    text = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    try:
        cursor = read_cursor(text, (datetime, str))
    except InvalidInput:
        return
    assert cursor is None or write_cursor(cursor) == text


@pytest.mark.parametrize("us", [-1, 253_370_764_800_000_001, 2**63 - 1])
def test_a_moment_outside_the_calendar_is_refused(us: int):
    """Years before 1970 and after 9998 are refused."""
    packed = b"t" + struct.pack(">q", us) + b"i" + bytes(16)
    with pytest.raises(InvalidInput):
        read_cursor(base64.urlsafe_b64encode(packed).decode(), (datetime, str))
