"""Ids are read from untrusted text in one way."""

import pytest

from app.core import ids

_HEX = "5b1c0f4e9a7d4c3e8f20716d3b9a4c55"


@pytest.mark.parametrize(
    "text", [_HEX, _HEX.upper(), f" {_HEX} ", "5b1c0f4e-9a7d-4c3e-8f20-716d3b9a4c55"]
)
def test_a_128_bit_id_is_read_in_every_spelling(text):
    """Case, dashes and blanks around it do not matter."""
    assert ids.read_hex32(text) == _HEX


@pytest.mark.parametrize("value", ["", "0" * 32, _HEX[1:], _HEX + "0", "g" * 32, 7, None, _HEX * 9])
def test_other_texts_are_no_128_bit_id(value):
    """All zeros mean "none" on the wire, as does anything else."""
    assert ids.read_hex32(value) is None


def test_a_span_id_is_read():
    """A span id has 16 hex digits in either case."""
    assert ids.read_hex16(" 7F3C2A1B5D6E8F90") == "7f3c2a1b5d6e8f90"


@pytest.mark.parametrize("value", ["0" * 16, "7f3c", 7, None, "z" * 16, "1" * 99])
def test_other_texts_are_no_span_id(value):
    """Zeros, other lengths and other types are refused as span ids."""
    assert ids.read_hex16(value) is None


def test_secrets_are_new_each_time():
    """Keys have the form that Relay demands; tokens fit into URLs."""
    assert ids.new_public_key() != ids.new_public_key()
    assert ids.read_hex32(ids.new_public_key())
    assert len(ids.new_token()) == 43
