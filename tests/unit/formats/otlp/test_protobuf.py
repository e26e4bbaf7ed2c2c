"""The wire form of Protocol Buffers: fields as they are, and any bytes at all."""

import pytest
from google.protobuf.wrappers_pb2 import (  # type: ignore[import-untyped]  # no stubs
    DoubleValue,
    FloatValue,
    Int64Value,
    StringValue,
)
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput, OversizedInput
from app.formats.otlp import protobuf
from app.formats.otlp.protobuf import ProtobufReader
from tests.support.examples import SETTINGS


def fields(data: bytes, most: int = 1_000) -> list[protobuf.Field]:
    """Read all fields of one message."""
    return list(ProtobufReader(most_fields=most).read_fields(data))


@given(
    st.one_of(
        st.builds(Int64Value, value=st.integers(-(2**63), 2**63 - 1).filter(bool)),
        st.builds(DoubleValue, value=st.floats(allow_nan=False).filter(bool)),
        st.builds(FloatValue, value=st.floats(allow_nan=False, width=32).filter(bool)),
        st.builds(StringValue, value=st.text(min_size=1)),
    )
)
@SETTINGS
def test_fields_are_written_as_they_were_read(message):
    """Fields of every wire type are written byte for byte as the library writes them."""
    data = message.SerializeToString()
    ((number, wire, value),) = fields(data)
    assert number == 1
    assert protobuf.write_field(number, wire, value) == data


def test_parts_are_read_by_their_number():
    """Parts stay in their order; fields that hold numbers are not among them."""
    data = b"\x0a\x01a" + b"\x10\x01" + b"\x1a\x01b" + b"\x0a\x00"
    assert ProtobufReader(most_fields=4).read_parts(data) == {1: [b"a", b""], 3: [b"b"]}


@given(st.text(min_size=1))
@SETTINGS
def test_text_is_written_as_the_library_reads_it(text):
    """Our own reader reads it as well."""
    data = protobuf.write_text(1, text)
    assert StringValue.FromString(data).value == text
    assert fields(data) == [(1, protobuf.LENGTH, text.encode())]


@given(st.binary(max_size=200))
@SETTINGS
def test_any_bytes_give_fields_or_are_malformed(data):
    """No other error leaves the reader."""
    try:
        decoded_fields = fields(data)
    except MalformedInput:
        return
    assert all(number > 0 for number, _, _ in decoded_fields)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\x08", "is cut"),
        (b"\x08" + b"\xff" * 10, "more than 10 bytes"),
        (b"\x0a\x05ab", "claims 5 bytes, 2 are left"),
        (b"\x09\x00\x00", "claims 8 bytes, 2 are left"),
        (b"\x0b", "wire type 3"),
        (b"\x00\x01", "field 0"),
    ],
)
def test_the_broken_field_is_named(data, says):
    """The message names its place."""
    with pytest.raises(MalformedInput, match=says):
        fields(data)


def test_a_reader_yields_a_limited_number_of_fields():
    """The limit is for all messages that it reads."""
    reader = ProtobufReader(most_fields=3)
    assert len(list(reader.read_fields(b"\x08\x01" * 2))) == 2
    with pytest.raises(OversizedInput, match="more than 3 fields"):
        list(reader.read_fields(b"\x08\x01" * 2))
