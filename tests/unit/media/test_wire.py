"""Messages to and from the media child."""

from dataclasses import replace

import pytest
from hypothesis import given, strategies

from app.core.errors import MalformedInput
from app.media import wire
from tests.support.examples import SETTINGS

WEBP = b"RIFF\0\0\0\0WEBP"
STRIP = wire.DrawnStrip(
    poster=WEBP,
    poster_width=166,
    poster_height=360,
    cell_width=110,
    cell_height=240,
    columns=8,
    tiles_a_sheet=24,
    tiles=tuple(wire.StripTile(at, 110, 240) for at in range(0, 25_000, 1_000)),
    preview=WEBP,
    preview_tiles=8,
    sheets=(WEBP + b"one", WEBP + b"two"),
)
ASKED = range(0, 30_000, 500)


def test_a_group_comes_back():
    """A group that the server packs is the same after the child unpacks it."""
    samples = (
        wire.CodedSample(-5, 1, b"key"),
        wire.CodedSample(2**40, 3, b""),
        wire.CodedSample(0, 0, b"x"),
    )
    group = wire.CodedGroup(b"avcC", 3, samples)
    assert wire.unpack_group(wire.pack_group(group)) == group


def test_a_strip_comes_back():
    """A strip that the child packs is the same after the server unpacks it."""
    assert wire.unpack_strip(wire.pack_strip(STRIP), ASKED) == STRIP


@pytest.mark.parametrize(
    "wrong",
    [
        replace(STRIP, poster=b"<svg onload=alert(1)>"),
        replace(STRIP, preview=b""),
        replace(STRIP, sheets=(WEBP, b"\x89PNG\r\n\x1a\n")),
        replace(STRIP, sheets=(WEBP,)),
        replace(STRIP, tiles=()),
        replace(STRIP, tiles=STRIP.tiles[::-1]),
        replace(STRIP, tiles=(wire.StripTile(7, 110, 240), *STRIP.tiles[1:])),
        replace(STRIP, tiles=(wire.StripTile(0, 111, 240), *STRIP.tiles[1:])),
        replace(STRIP, tiles=(wire.StripTile(0, 110, 0), *STRIP.tiles[1:])),
        replace(STRIP, cell_width=0),
        replace(STRIP, cell_height=wire.LONGEST_SIDE_PX + 1),
        replace(STRIP, poster_width=0),
        replace(STRIP, columns=0),
        replace(STRIP, tiles_a_sheet=1),
        replace(STRIP, preview_tiles=26),
    ],
)
def test_what_no_honest_child_sends_is_refused(wrong):
    """Other formats, times nobody asked about, sizes that do not fit: none gets further."""
    with pytest.raises(MalformedInput, match="cannot have made"):
        wire.unpack_strip(wire.pack_strip(wrong), ASKED)


@pytest.mark.parametrize("cut", [0, 5, 60, 330, -1])
def test_a_cut_strip_is_refused(cut):
    """A strip that ends early is not read further than it goes."""
    with pytest.raises(MalformedInput, match=r"truncated|length"):
        wire.unpack_strip(wire.pack_strip(STRIP)[:cut], ASKED)


@SETTINGS
@given(body=strategies.binary(max_size=300))
def test_any_bytes_give_a_strip_or_malformed(body):
    """Whatever a child sends, the server has a strip or says that it has none."""
    try:
        strip = wire.unpack_strip(body, ASKED)
    except MalformedInput:
        return
    assert strip.tiles


def test_a_still_comes_back():
    """A picture drawn anew is what the server unpacks."""
    still = wire.StillPicture(WEBP, 1_600, 4)
    assert wire.unpack_still(wire.pack_still(still)) == still


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0\1\0\1",
        b"\0\0\0\1" + WEBP,
        b"\0\1\0\0" + WEBP,
        b"\0\1\x06\x41" + WEBP,
        b"\0\1\0\1<svg onload=alert(1)>",
    ],
)
def test_a_still_that_no_honest_child_draws_is_refused(body):
    """An empty answer, another format, and a picture without a size or too large are refused."""
    with pytest.raises(MalformedInput, match="cannot have drawn"):
        wire.unpack_still(body)
