"""Tests that packed JSON is unpacked to the same value."""

import pytest
from hypothesis import given, strategies as st

from app.formats.stored.packed_json import (
    pack_json,
    pack_text,
    read_first_text_bytes,
    unpack_json,
    unpack_object,
)
from tests.support.examples import SETTINGS

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@SETTINGS
@given(_JSON)
def test_any_value_comes_back(value):
    """Packing and unpacking changes nothing."""
    assert unpack_json(pack_json(value)) == value


def test_lone_surrogates_come_back():
    """Half of a pair, as old SDKs send it, is left for the database's text filter to judge."""
    assert unpack_json(pack_json({"a": "x\ud800y"})) == {"a": "x\ud800y"}


def test_parts_that_were_packed_one_by_one_are_one_text():
    """Texts packed one by one and joined unpack to one JSON value; one of them may be empty."""
    parts = b'{"a":[1,', b"", b'2],"b"', b":3}"
    assert unpack_json(b"".join(map(pack_text, parts))) == {"a": [1, 2], "b": 3}


@pytest.mark.parametrize(
    "data", [b"", b"plain", pack_json([1])[:-3], pack_json([1]) + b"x", pack_json([1]) * 2]
)
def test_foreign_bytes_are_refused(data):
    """Bytes that are not packed JSON, or that are cut or repeated, raise an error with a reason."""
    with pytest.raises(ValueError, match="not packed JSON"):
        unpack_json(data)


def test_a_size_is_known_before_unpacking():
    """A bomb shows in its first bytes, and other bytes have no size."""
    assert read_first_text_bytes(pack_text(b"x" * 10_000_000)) == 10_000_000
    assert read_first_text_bytes(b"torn") == 0


@pytest.mark.parametrize(
    ("data", "unpacked"),
    [(pack_json({"a": 1}), {"a": 1}), (pack_json([1]), {}), (b"plain", {}), (b"", {})],
)
def test_what_is_not_an_object_unpacks_to_an_empty_one(data, unpacked):
    """An object comes back; another value, or bytes that cannot be read, give an empty object."""
    assert unpack_object(data) == unpacked
