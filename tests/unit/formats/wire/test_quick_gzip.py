"""Tests of the quick reader of gzip, against the plain reader."""

import gzip

import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput
from app.formats.wire import encoding, quick_gzip
from tests.support import examples
from tests.support.builders import envelopes
from tests.support.quick_readers import assert_quick_equals_plain

LIMIT = 3_000
BODY = envelopes.event_envelope()
SAMPLES = [
    gzip.compress(BODY),
    gzip.compress(BODY, 0),
    gzip.compress(BODY) * 2,
    envelopes.gzipped(BODY, members=3),
    gzip.compress(b""),
    gzip.compress(BODY) + LIMIT.to_bytes(4, "little"),
]


def is_quick(body: bytes) -> bool:
    """Read a body in both ways, and tell whether the quick reader can do it."""
    return assert_quick_equals_plain(
        body,
        quick=lambda body: quick_gzip.try_gunzip(body, limit_bytes=LIMIT),
        plain=lambda body: encoding.gunzip(body, limit_bytes=LIMIT),
    )


@examples.SETTINGS
@given(st.binary(max_size=100) | examples.mutated(SAMPLES))
def test_the_quick_reader_equals_the_plain_one(body):
    """Whole and broken bodies are read as the plain reader does, or left to it."""
    is_quick(body)


@pytest.mark.parametrize("level", [0, 1, 6, 9])
def test_usual_bodies_are_read_quickly(level):
    """The envelopes of phones are one member, at any level."""
    assert is_quick(gzip.compress(BODY, level))


@pytest.mark.parametrize("body", SAMPLES[2:])
def test_other_bodies_are_left_to_the_plain_reader(body):
    """Several members, an empty one, and bytes after it are read one after another."""
    assert not is_quick(body)
    assert encoding.gunzip(body, limit_bytes=LIMIT) == encoding.inflate(
        body, "gzip", limit_bytes=LIMIT
    )


def test_a_broken_body_is_left_to_the_plain_reader():
    """The plain reader says what is wrong with it."""
    broken = bytearray(gzip.compress(BODY))
    broken[-8] ^= 1
    assert quick_gzip.try_gunzip(broken, limit_bytes=LIMIT) is None
    with pytest.raises(MalformedInput, match="broken"):
        encoding.gunzip(broken, limit_bytes=LIMIT)
