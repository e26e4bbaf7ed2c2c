"""Tests of the messages between the server and a clip child."""

import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput
from app.media.clip import wire
from app.media.clip.wire import ClipBox, ClipCaption, ClipMark, ClipPlan, ClipShot, FilePiece
from app.media.wire import CodedGroup, CodedSample

PLAN = ClipPlan("mp4", 128, 256, ClipBox(0, 0, 128, 256), 0, None, 11, 3, 500)
GROUP = CodedGroup(b"config", 1, (CodedSample(5, 0, b"key"), CodedSample(7, 0, b"delta")))
SHOTS = (
    ClipShot(0, 0),
    ClipShot(
        1,
        100,
        (ClipMark("ring", 2, (448, 960), ((1.5, 2.0),), 22.0),),
        ClipCaption("Cart", "0:01", "Tap: Pay", is_failure=False),
        "2 s without video",
    ),
)


def test_a_plan_and_shots_come_out_as_they_went_in():
    """The child reads what the server wrote."""
    assert wire.unpack_plan(wire.pack_plan(PLAN)) == PLAN
    assert wire.unpack_shots(wire.pack_shots(SHOTS, GROUP)) == (SHOTS, GROUP)


def test_pieces_come_out_as_they_went_in():
    """Any number of them, also none."""
    pieces = [FilePiece(0, b"head"), FilePiece(400, b""), FilePiece(32, b"tail")]
    assert wire.unpack_pieces(wire.pack_pieces(pieces)) == pieces
    assert wire.unpack_pieces(b"") == []


def test_a_file_has_a_longest_length():
    """A child that was taken over cannot fill the disk."""
    last = FilePiece(wire.MOST_FILE_BYTES - 1, b"a")
    assert wire.unpack_pieces(wire.pack_pieces([last])) == [last]
    with pytest.raises(MalformedInput, match="larger than 256 MiB"):
        wire.unpack_pieces(wire.pack_pieces([FilePiece(wire.MOST_FILE_BYTES, b"a")]))


@given(st.binary(max_size=60))
def test_any_answer_is_pieces_or_malformed(body):
    """No other error leaves the reader, and no piece is longer than the answer."""
    try:
        pieces = wire.unpack_pieces(body)
    except MalformedInput:
        return
    assert sum(len(piece.data) for piece in pieces) <= len(body)
