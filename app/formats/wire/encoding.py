"""Takes the Content-Encoding off a body, never making more than a limit out of it.

Source: docs/protocol.md, section 1.3; RFC 1950, 1951, 1952, 7932, 8878, 9659.
"""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Final

import brotli  # type: ignore[import-untyped]  # the package carries no types
import deflate
import zstandard

from app.core.errors import MalformedInput, OversizedInput

Body = bytes | bytearray
_Decoder = Callable[[Body, int], Body]

_ENCODINGS: Final = 3
"""Of one body; more is a game."""
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_ZLIB_FIRST: Final = b"\x78"
_ZLIB_CHECK: Final = 31
_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_HEADER_BYTES: Final = 10
_GZIP_START_BYTES: Final = 64
"""Of a body of at least `_LONG_BYTES`: searching for more goes four times as fast."""
_LONG_BYTES: Final = 4096
_GZIP_TRAILER: Final = struct.Struct("<II")
"""CRC-32 and size of what a member holds, at its end."""
_GZIP_WBITS: Final = 31
_ZLIB_WBITS: Final = 15
_RAW_WBITS: Final = -15
_WHOLE_BYTES: Final = 8 * 1024 * 1024
"""Up to this size, packed, a body is inflated in one go by libdeflate, which copies the result."""
_WHOLE_INFLATED_BYTES: Final = 32 * 1024 * 1024
_MEMBERS: Final = 10_000
"""Gzip members of one body; each costs microseconds, however empty."""
_FEED_BYTES: Final = 64 * 1024
_PIECE_BYTES: Final = 1024 * 1024
_ZSTD_FEED_BYTES: Final = 1024
"""A kilobyte of zstd makes at most 32 MiB: what one step may go over the limit."""
_ZSTD_WINDOW_BYTES: Final = 8 * 1024 * 1024
"""RFC 9659: a zstd content coding needs no larger window."""


def inflate(body: Body, encoding: str | None, *, limit_bytes: int) -> Body:
    """Return a body as it was before its Content-Encoding.

    Args:
        body: As it came over the wire, chunked framing removed.
        encoding: The header's value in any case: gzip, x-gzip, deflate (with or without zlib
            wrapper), br, zstd, or several in the order in which they were applied. Anything else
            counts as identity.
        limit_bytes: The most that may come out.

    Returns:
        The same object where nothing is to be done. What the first bytes of a body say goes
        before the header: proxies strip headers, and undo encodings without telling.

    Raises:
        MalformedInput: The body is cut, or a checksum is wrong.
        OversizedInput: More than `limit_bytes` would come out.
    """
    decoders = _declared(encoding)
    for decoder in decoders:
        try:
            body = decoder(body, limit_bytes)
        except MalformedInput:
            sniffed = _sniffed(body)
            if sniffed is decoder or (sniffed is _plain and not body.startswith(b"{")):
                raise
            return sniffed(body, limit_bytes)
    return body if decoders else _sniffed(body)(body, limit_bytes)


def _declared(encoding: str | None) -> list[_Decoder]:
    """Return what undoes the encodings of a header, the last one first."""
    names = [name.strip() for name in (encoding or "").lower().split(",")[:_ENCODINGS]]
    return [_DECODERS[name] for name in reversed(names) if name in _DECODERS]


def _sniffed(body: Body) -> _Decoder:
    """Return what undoes the encoding that a body shows by its first bytes."""
    if body.startswith(_GZIP_MAGIC):
        return _gunzip
    if body.startswith(_ZSTD_MAGIC):
        return _inflate_zstd
    is_zlib = body[:1] == _ZLIB_FIRST and int.from_bytes(body[:2], "big") % _ZLIB_CHECK == 0
    return _inflate_deflate if is_zlib else _plain


def inflate_zlib(data: Body | memoryview, *, limit_bytes: int) -> bytes:
    """Inflate one zlib stream (RFC 1950); what follows it is not looked at.

    Raises:
        MalformedInput: It is no zlib stream, is cut, or its checksum is wrong.
        OversizedInput: More than `limit_bytes` would come out.
    """
    sink = _Sink(limit_bytes)
    _inflate_stream(memoryview(data), 0, _ZLIB_WBITS, sink)
    return sink.all()


class _Sink:
    """Collects pieces up to a limit; hands them out without a second copy."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._buffer = io.BytesIO()

    def take(self, piece: bytes) -> None:
        if self._buffer.tell() + len(piece) > self._limit_bytes:
            raise _too_large(self._limit_bytes)
        self._buffer.write(piece)

    def all(self) -> bytes:
        return self._buffer.getvalue()


def _plain(body: Body, limit_bytes: int) -> Body:
    if len(body) > limit_bytes:
        raise _too_large(limit_bytes)
    return body


def _gunzip(body: Body, limit_bytes: int) -> Body:
    """Inflate all gzip members; bytes after the last one that are no member are let go."""
    whole = _gunzip_whole(body, limit_bytes)
    if whole is not None:
        return whole
    sink = _Sink(limit_bytes)
    view = memoryview(body)
    at = 0
    for _ in range(_MEMBERS):
        at = _inflate_stream(view, at, _GZIP_WBITS, sink)
        if not body.startswith(_GZIP_MAGIC, at):
            return sink.all()
    raise MalformedInput(f"gzip body has more than {_MEMBERS} members")


def _gunzip_whole(body: Body, limit_bytes: int) -> bytearray | None:
    """Inflate a small single-member body with libdeflate; None leaves it to the slow way.

    libdeflate trusts the size at the end to make room and looks at the first member only. So it
    may not be asked where the size is over a limit, nor where it is 0, which the binding believes
    unseen; and what came out must be what the end of the body tells of, or there is more behind
    (or the same once more: then its first bytes stand there too). What it refuses goes to zlib,
    which can say why.
    """
    if not _GZIP_TRAILER.size < len(body) <= _WHOLE_BYTES:
        return None
    crc, size_bytes = _GZIP_TRAILER.unpack_from(body, len(body) - _GZIP_TRAILER.size)
    if not 0 < size_bytes <= min(limit_bytes, _WHOLE_INFLATED_BYTES):
        return None
    start = body[: _GZIP_HEADER_BYTES if len(body) < _LONG_BYTES else _GZIP_START_BYTES]
    if body.find(start, len(start)) >= 0:
        return None
    try:
        whole: bytearray = deflate.gzip_decompress(body)
    except (deflate.DeflateError, ValueError):
        return None
    is_all = len(whole) == size_bytes and deflate.crc32(whole) == crc
    return whole if is_all else None


def _inflate_deflate(body: Body, limit_bytes: int) -> Body:
    """Inflate `deflate`, which means zlib by the standard and raw deflate by some senders."""
    try:
        return inflate_zlib(body, limit_bytes=limit_bytes)
    except MalformedInput:
        sink = _Sink(limit_bytes)
        _inflate_stream(memoryview(body), 0, _RAW_WBITS, sink)
        return sink.all()


def _inflate_stream(view: memoryview, start: int, wbits: int, sink: _Sink) -> int:
    """Inflate one zlib-made stream that begins at `start`; return the offset after it."""
    inflater = zlib.decompressobj(wbits)
    at = start
    try:
        while at < len(view):
            pending: bytes | memoryview = view[at : at + _FEED_BYTES]
            at += len(pending)
            is_full = True
            while pending or is_full:
                piece = inflater.decompress(pending, _PIECE_BYTES)
                sink.take(piece)
                if inflater.eof:
                    return at - len(inflater.unused_data)
                pending = inflater.unconsumed_tail
                is_full = len(piece) == _PIECE_BYTES
    except zlib.error as error:
        raise MalformedInput(f"compressed data is broken before byte {at}: {error}") from None
    raise MalformedInput(f"compressed data is cut after {at} bytes")


def _inflate_brotli(body: Body, limit_bytes: int) -> Body:
    inflater = brotli.Decompressor()
    sink = _Sink(limit_bytes)
    piece = b"\0"
    pending = body
    try:
        while piece and not inflater.is_finished():
            piece = inflater.process(pending, output_buffer_limit=_PIECE_BYTES)
            pending = b""
            sink.take(piece)
    except brotli.error as error:
        raise MalformedInput(f"brotli data is broken: {error}") from None
    if not inflater.is_finished():
        raise MalformedInput(f"brotli data is cut after {len(body)} bytes")
    return sink.all()


def _inflate_zstd(body: Body, limit_bytes: int) -> Body:
    """Inflate one zstd frame, whatever its header says about its size."""
    inflater = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES).decompressobj()
    sink = _Sink(limit_bytes)
    try:
        for at in range(0, len(body), _ZSTD_FEED_BYTES):
            sink.take(inflater.decompress(body[at : at + _ZSTD_FEED_BYTES]))
            if inflater.eof:
                return sink.all()
    except zstandard.ZstdError as error:
        raise MalformedInput(f"zstd data is broken: {error}") from None
    raise MalformedInput(f"zstd data is cut after {len(body)} bytes")


def _too_large(limit_bytes: int) -> OversizedInput:
    return OversizedInput(f"inflated data is over {limit_bytes} bytes")


_DECODERS: Final[dict[str, _Decoder]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate_deflate,
    "br": _inflate_brotli,
    "zstd": _inflate_zstd,
}
