"""Tests of the inflating of compressed bodies."""

import gzip
import random
import tracemalloc
import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]  # the package carries no types
import deflate
import pytest
import zstandard
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput, OversizedInput
from app.formats.wire import encoding
from tests.support import examples
from tests.support.builders import envelopes

MIB = 1024 * 1024
PLAIN = envelopes.event_envelope() * 20
LIMIT = len(PLAIN)


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def _brotli(data: bytes) -> bytes:
    packed: bytes = brotli.compress(data, quality=1)
    return packed


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZIP ": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": _raw_deflate,
    "br": _brotli,
    "zstd": zstandard.compress,
    "identity": bytes,
    "": bytes,
    "zip": bytes,
}


@pytest.mark.parametrize("name", PACKERS)
def test_every_encoding_is_taken_off_up_to_the_limit(name):
    """A body of exactly the limit is inflated; one byte more is too large."""
    packed = PACKERS[name](PLAIN)
    assert encoding.inflate(packed, name, limit_bytes=LIMIT) == PLAIN
    with pytest.raises(OversizedInput, match=f"over {LIMIT - 1} bytes"):
        encoding.inflate(packed, name, limit_bytes=LIMIT - 1)


@pytest.mark.parametrize("name", ["gzip", "deflate", "Deflate", "br", "zstd"])
def test_an_empty_body_may_be_compressed_too(name):
    """A compressed empty body inflates to an empty body."""
    assert encoding.inflate(PACKERS[name](b""), name, limit_bytes=10) == b""


@pytest.mark.parametrize("name", [None, "", "identity", "zip", "gzip, br"])
def test_gzip_is_recognised_without_a_declaration(name):
    """Proxies strip headers, and no envelope begins with the magic bytes."""
    assert encoding.inflate(gzip.compress(PLAIN), name, limit_bytes=LIMIT) == PLAIN
    assert encoding.inflate(PLAIN, name, limit_bytes=LIMIT) is PLAIN


@pytest.mark.parametrize("name", ["gzip", "deflate", "zstd"])
@pytest.mark.parametrize("declared", [None, "identity", "br", "x-unheard-of"])
def test_first_bytes_go_before_the_header(name, declared):
    """An encoding that can be recognised is undone, whatever is declared; brotli cannot be."""
    packed = PACKERS[name](PLAIN)
    assert encoding.inflate(packed, declared, limit_bytes=LIMIT) == PLAIN
    with pytest.raises(OversizedInput):
        encoding.inflate(packed, declared, limit_bytes=LIMIT - 1)


@pytest.mark.parametrize("declared", ["gzip, br", "identity, GZIP ,br", "gzip,br,"])
def test_several_encodings_are_undone_backwards(declared):
    """The last one is undone first, each under the limit."""
    assert encoding.inflate(_brotli(gzip.compress(PLAIN)), declared, limit_bytes=LIMIT) == PLAIN
    with pytest.raises(OversizedInput):
        encoding.inflate(_brotli(gzip.compress(PLAIN)), declared, limit_bytes=LIMIT - 1)


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_a_plain_body_is_taken_in_spite_of_its_declaration(name):
    """An envelope that begins with `{` is what it is, but not beyond the limit."""
    assert encoding.inflate(PLAIN, name, limit_bytes=LIMIT) is PLAIN
    with pytest.raises(OversizedInput):
        encoding.inflate(PLAIN, name, limit_bytes=LIMIT - 1)


@pytest.mark.parametrize("name", ["gzip", "deflate", "Deflate", "br", "zstd"])
def test_a_cut_body_is_malformed(name):
    """Nothing of it is kept, wherever it is cut."""
    packed = PACKERS[name](PLAIN)
    for end in (*range(0, len(packed), 97), len(packed) - 1):
        with pytest.raises(MalformedInput):
            encoding.inflate(packed[:end], name, limit_bytes=LIMIT)


@pytest.mark.parametrize("name", ["gzip", "deflate", "Deflate", "br", "zstd"])
def test_garbage_is_malformed(name):
    """Bytes that are not such a stream are refused."""
    with pytest.raises(MalformedInput):
        encoding.inflate(b"\xff\xfe garbage " * 20, name, limit_bytes=LIMIT)


@pytest.mark.parametrize("at", [-8, -4])
def test_a_wrong_checksum_or_size_is_malformed(at):
    """The CRC and the length at the end of gzip are checked."""
    packed = bytearray(gzip.compress(PLAIN))
    packed[at] ^= 1
    with pytest.raises(MalformedInput, match="broken"):
        encoding.inflate(bytes(packed), "gzip", limit_bytes=LIMIT)


@pytest.mark.parametrize("members", [2, 3, 50])
def test_gzip_members_in_a_row_are_one_body(members):
    """Members are joined, also those of one size, where the last trailer fits the first member."""
    assert encoding.inflate(envelopes.gzipped(PLAIN, members=members), "gzip", limit_bytes=LIMIT)
    same = gzip.compress(PLAIN) * members
    assert encoding.inflate(same, "gzip", limit_bytes=LIMIT * members) == PLAIN * members
    with pytest.raises(OversizedInput):
        encoding.inflate(same, "gzip", limit_bytes=LIMIT * members - 1)
    with pytest.raises(MalformedInput, match="cut"):
        encoding.inflate(same[:-1], "gzip", limit_bytes=LIMIT * members)


def test_long_gzip_members_in_a_row_are_one_body():
    """In longer bodies the quick reader searches for more than the header."""
    noise = random.Random(1).randbytes(6_000)
    same = gzip.compress(noise) * 2
    assert encoding.inflate(same, "gzip", limit_bytes=12_000) == noise * 2
    with pytest.raises(OversizedInput):
        encoding.inflate(same, "gzip", limit_bytes=11_999)


def test_gzip_members_are_limited():
    """Ten thousand members are read, however empty, and one more is refused."""
    member = gzip.compress(b"")
    assert encoding.inflate(member * 10_000, "gzip", limit_bytes=1) == b""
    with pytest.raises(MalformedInput, match="more than 10000 members"):
        encoding.inflate(member * 10_001, "gzip", limit_bytes=1)


@pytest.mark.parametrize("tail", [b"garbage", b"\0" * 10, b"\x1f", LIMIT.to_bytes(4, "little")])
def test_bytes_after_gzip_that_are_no_member_are_ignored(tail):
    """The member before them has its own checksum."""
    assert encoding.inflate(gzip.compress(PLAIN) + tail, "gzip", limit_bytes=LIMIT) == PLAIN


def test_large_bodies_are_inflated_piece_by_piece():
    """Beyond the sizes that the quick reader takes, the result is the same."""
    plain = bytes(range(256)) * (34 * MIB // 256)
    packed = gzip.compress(plain, 1)
    assert encoding.inflate(packed, "gzip", limit_bytes=len(plain)) == plain
    stored = gzip.compress(plain[: 9 * MIB], 0)
    assert encoding.inflate(stored, "gzip", limit_bytes=len(plain)) == plain[: 9 * MIB]


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_costs_little_more_than_its_limit(name):
    """128 MiB of zeros under a limit of 16 MiB are refused on the way."""
    bomb = PACKERS[name](bytes(128 * MIB))
    tracemalloc.start()
    try:
        with pytest.raises(OversizedInput):
            encoding.inflate(bomb, name, limit_bytes=16 * MIB)
        assert tracemalloc.get_traced_memory()[1] < 64 * MIB
    finally:
        tracemalloc.stop()


def test_a_body_within_the_limit_is_held_once():
    """Inflating 64 MiB takes no second copy of them."""
    bomb = gzip.compress(bytes(64 * MIB))
    tracemalloc.start()
    try:
        assert len(encoding.inflate(bomb, "gzip", limit_bytes=200 * MIB)) == 64 * MIB
        assert tracemalloc.get_traced_memory()[1] < 96 * MIB
    finally:
        tracemalloc.stop()


def test_zstd_with_a_huge_window_is_malformed():
    """No content coding needs more than 8 MiB of memory for its window."""
    options = zstandard.ZstdCompressionParameters.from_level(1, window_log=24)
    packer = zstandard.ZstdCompressor(compression_params=options).compressobj()
    packed = packer.compress(bytes(20 * MIB)) + packer.flush()
    with pytest.raises(MalformedInput, match="zstd data is broken"):
        encoding.inflate(packed, "zstd", limit_bytes=32 * MIB)


def test_inflate_zlib_reads_one_stream():
    """Bytes after the stream are ignored, and gzip is not a zlib stream."""
    packed = zlib.compress(PLAIN)
    assert encoding.inflate_zlib(memoryview(packed + b"rest"), limit_bytes=LIMIT) == PLAIN
    with pytest.raises(OversizedInput):
        encoding.inflate_zlib(packed, limit_bytes=LIMIT - 1)
    for broken in (packed[:-1], gzip.compress(PLAIN), b""):
        with pytest.raises(MalformedInput):
            encoding.inflate_zlib(broken, limit_bytes=LIMIT)


def test_gzip_of_several_compressors_is_read():
    """A gzip header with a file name is skipped."""
    named = b"\x1f\x8b\x08\x08" + bytes(6) + b"envelope\0" + gzip.compress(PLAIN, mtime=0)[10:]
    for packed in (named, bytes(deflate.gzip_compress(PLAIN))):
        assert encoding.inflate(packed, "gzip", limit_bytes=LIMIT) == PLAIN


SMALL = [pack(envelopes.event_envelope()) for pack in PACKERS.values()]


@examples.SETTINGS
@given(st.binary(max_size=100) | examples.mutated(SMALL), st.sampled_from([None, *PACKERS]))
def test_any_bytes_are_inflated_or_refused(body, name):
    """Only MalformedInput and OversizedInput escape, and at most the limit comes out."""
    try:
        assert len(encoding.inflate(body, name, limit_bytes=2_000)) <= 2_000
    except (MalformedInput, OversizedInput):
        return


@examples.SETTINGS
@given(st.binary(max_size=3_000), st.sampled_from(sorted(PACKERS)), st.integers(1, 5))
def test_every_packed_body_comes_back(plain, name, members):
    """Every encoding is undone, also gzip in several members."""
    if name == "gzip":
        packed = envelopes.gzipped(plain, members=members)
    elif name in {"identity", "", "zip"} and plain.startswith(b"\x1f\x8b"):
        return
    else:
        packed = PACKERS[name](plain)
    assert encoding.inflate(packed, name, limit_bytes=3_000) == plain
