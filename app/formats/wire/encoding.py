"""Undoes the Content-Encoding of a body, up to a limit of what may come out.

Source: docs/protocol.md, section 1.3; RFC 1950, 1951, 1952, 7932, 8878, 9659.
"""

import io
import zlib
from collections.abc import Callable
from typing import Final

import brotli  # type: ignore[import-untyped]  # the package carries no types
import zstandard

from app.core.errors import MalformedInput, OversizedInput
from app.formats.wire import quick_gzip

Body = bytes | bytearray
_Decoder = Callable[[Body, int], Body]

_MOST_ENCODINGS: Final = 3
"""No sender applies more encodings to one body."""
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_ZLIB_FIRST: Final = b"\x78"
_ZLIB_CHECK: Final = 31
"""The first two bytes of a zlib stream, as a number, are a multiple of this."""
_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_WBITS: Final = 31
_ZLIB_WBITS: Final = 15
_RAW_WBITS: Final = -15
_MOST_MEMBERS: Final = 10_000
"""Gzip members of one body; each costs microseconds, even if it is empty."""
_FEED_BYTES: Final = 64 * 1024
_PIECE_BYTES: Final = 1024 * 1024
"""Most bytes that one step inflates."""
_ZSTD_FEED_BYTES: Final = 1024
"""A kilobyte of zstd inflates to 32 MiB at most, so that one step exceeds the limit by no more."""
_ZSTD_WINDOW_BYTES: Final = 8 * 1024 * 1024
"""RFC 9659: a zstd content coding needs no larger window."""


def inflate(body: Body, encoding: str | None, *, limit_bytes: int) -> Body:
    """Return a body as it was before its Content-Encoding.

    Args:
        body: Body as it came over the wire, without chunked framing.
        encoding: Value of the header in any case: gzip, x-gzip, deflate (with or without zlib
            wrapper), br, zstd, or several in the order in which they were applied. Anything else
            counts as identity.
        limit_bytes: Limit of the size of the result.

    Returns:
        The same object if the body is not encoded. The first bytes of a body are believed before
        the header: proxies strip headers, and undo encodings without changing the header.

    Raises:
        MalformedInput: The body is cut, or a checksum is wrong.
        OversizedInput: More than `limit_bytes` would come out.
    """
    decoders = _find_declared_decoders(encoding)
    for decoder in decoders:
        try:
            body = decoder(body, limit_bytes)
        except MalformedInput:
            sniffed = _sniff_decoder(body)
            if sniffed is decoder or (sniffed is _check_size and not body.startswith(b"{")):
                raise
            return sniffed(body, limit_bytes)
    return body if decoders else _sniff_decoder(body)(body, limit_bytes)


def _find_declared_decoders(encoding: str | None) -> list[_Decoder]:
    """Return the decoders for the encodings that a header names, the last one first."""
    names = [name.strip() for name in (encoding or "").lower().split(",")[:_MOST_ENCODINGS]]
    return [_DECODERS[name] for name in reversed(names) if name in _DECODERS]


def _sniff_decoder(body: Body) -> _Decoder:
    """Return the decoder for the encoding that the first bytes of a body show."""
    if body.startswith(_GZIP_MAGIC):
        return _inflate_gzip
    if body.startswith(_ZSTD_MAGIC):
        return _inflate_zstd
    is_zlib = body[:1] == _ZLIB_FIRST and int.from_bytes(body[:2], "big") % _ZLIB_CHECK == 0
    return _inflate_deflate if is_zlib else _check_size


def inflate_zlib(data: Body | memoryview, *, limit_bytes: int) -> bytes:
    """Inflate one zlib stream (RFC 1950); bytes after it are ignored.

    Raises:
        MalformedInput: It is not a zlib stream, is cut, or its checksum is wrong.
        OversizedInput: More than `limit_bytes` would come out.
    """
    collector = _Collector(limit_bytes)
    _inflate_stream(memoryview(data), 0, _ZLIB_WBITS, collector)
    return collector.join()


class _Collector:
    """Joins pieces up to a limit, without a second copy of them."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._buffer = io.BytesIO()

    def add(self, piece: bytes) -> None:
        if self._buffer.tell() + len(piece) > self._limit_bytes:
            raise _too_large(self._limit_bytes)
        self._buffer.write(piece)

    def join(self) -> bytes:
        return self._buffer.getvalue()


def _check_size(body: Body, limit_bytes: int) -> Body:
    """Return a body that is not encoded, if it is within the limit."""
    if len(body) > limit_bytes:
        raise _too_large(limit_bytes)
    return body


def gunzip(body: Body, *, limit_bytes: int) -> Body:
    """Inflate all gzip members of a body; later bytes that are not a member are ignored.

    Raises:
        MalformedInput: A member is broken or cut, or there are too many.
        OversizedInput: More than `limit_bytes` would come out.
    """
    collector = _Collector(limit_bytes)
    view = memoryview(body)
    at = 0
    for _ in range(_MOST_MEMBERS):
        at = _inflate_stream(view, at, _GZIP_WBITS, collector)
        if not body.startswith(_GZIP_MAGIC, at):
            return collector.join()
    raise MalformedInput(f"gzip body has more than {_MOST_MEMBERS} members")


def _inflate_gzip(body: Body, limit_bytes: int) -> Body:
    """Inflate gzip, by the quick reader where it can."""
    content = quick_gzip.try_gunzip(body, limit_bytes=limit_bytes)
    return gunzip(body, limit_bytes=limit_bytes) if content is None else content


def _inflate_deflate(body: Body, limit_bytes: int) -> Body:
    """Inflate `deflate`: a zlib stream by the standard, raw deflate from some senders."""
    try:
        return inflate_zlib(body, limit_bytes=limit_bytes)
    except MalformedInput:
        collector = _Collector(limit_bytes)
        _inflate_stream(memoryview(body), 0, _RAW_WBITS, collector)
        return collector.join()


def _inflate_stream(view: memoryview, start: int, wbits: int, collector: _Collector) -> int:
    """Inflate one stream in a format of zlib, and return the offset after it."""
    inflater = zlib.decompressobj(wbits)
    at = start
    try:
        while at < len(view):
            pending: bytes | memoryview = view[at : at + _FEED_BYTES]
            at += len(pending)
            is_full = True
            while pending or is_full:
                piece = inflater.decompress(pending, _PIECE_BYTES)
                collector.add(piece)
                if inflater.eof:
                    return at - len(inflater.unused_data)
                pending = inflater.unconsumed_tail
                is_full = len(piece) == _PIECE_BYTES
    except zlib.error as error:
        raise MalformedInput(f"compressed data is broken before byte {at}: {error}") from None
    raise MalformedInput(f"compressed data is cut after {at} bytes")


def _inflate_brotli(body: Body, limit_bytes: int) -> Body:
    """Inflate one brotli stream."""
    inflater = brotli.Decompressor()
    collector = _Collector(limit_bytes)
    piece = b"\0"
    pending = body
    try:
        while piece and not inflater.is_finished():
            piece = inflater.process(pending, output_buffer_limit=_PIECE_BYTES)
            pending = b""
            collector.add(piece)
    except brotli.error as error:
        raise MalformedInput(f"brotli data is broken: {error}") from None
    if not inflater.is_finished():
        raise MalformedInput(f"brotli data is cut after {len(body)} bytes")
    return collector.join()


def _inflate_zstd(body: Body, limit_bytes: int) -> Body:
    """Inflate one zstd frame; the size in its header is not trusted."""
    inflater = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES).decompressobj()
    collector = _Collector(limit_bytes)
    try:
        for at in range(0, len(body), _ZSTD_FEED_BYTES):
            collector.add(inflater.decompress(body[at : at + _ZSTD_FEED_BYTES]))
            if inflater.eof:
                return collector.join()
    except zstandard.ZstdError as error:
        raise MalformedInput(f"zstd data is broken: {error}") from None
    raise MalformedInput(f"zstd data is cut after {len(body)} bytes")


def _too_large(limit_bytes: int) -> OversizedInput:
    return OversizedInput(f"inflated data is over {limit_bytes} bytes")


_DECODERS: Final[dict[str, _Decoder]] = {
    "gzip": _inflate_gzip,
    "x-gzip": _inflate_gzip,
    "deflate": _inflate_deflate,
    "br": _inflate_brotli,
    "zstd": _inflate_zstd,
}
