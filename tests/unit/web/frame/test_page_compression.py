"""Tests of pages that are compressed piece by piece."""

import gzip
import zlib

import pytest

from app.web.frame.rendering import page_compression
from app.web.frame.rendering.page_compression import PageCompressor

PART = b"<style>" + b".stage { color: red } " * 500 + b"</style>"


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b""],
        [PART],
        [b"a" * 5_000 + PART + b"a" * 5_000],
        [b"<head>.stage { color: red }", PART + b"</head>", b"<body>" * 900, b"</body>"],
        [b"<head>", b"</head>"],
    ],
    ids=["nothing", "empty", "the part alone", "the part inside", "several", "without the part"],
)
def test_pieces_are_read_as_they_come(pieces):
    """Each piece can be read without the next, and all of them are one gzip file."""
    packer = PageCompressor(page_compression.compress_part(PART))
    unpacker = zlib.decompressobj(wbits=31)
    packed = b""
    for piece in pieces:
        sent = packer.add(piece)
        assert unpacker.decompress(sent) == piece
        packed += sent
    end = packer.end() if pieces else packer.add(b"") + packer.end()
    assert gzip.decompress(packed + end) == b"".join(pieces)


def test_the_part_is_not_packed_again():
    """The part is sent as it was compressed beforehand, which is smaller."""
    part = page_compression.compress_part(PART)
    assert part.compressed in PageCompressor(part).add(b"<head>" + PART)
