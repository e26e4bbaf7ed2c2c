"""Hand-written requests whose heads, trailers, chunks or number grow without end."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from tests.support.builders import envelopes
from tests.support.servers.server import Keyed

_MIB: Final = 1024 * 1024
_BLOCK_BYTES: Final = 32 * 1024
_PATIENCE_S: Final = 2.0
"""A server that does not read for so long has stopped reading."""


@dataclass(frozen=True, slots=True)
class WireBomb:
    """One request, or the beginning of one, that takes far more memory than it should.

    Args:
        name: Name in reports.
        start: Bytes that are sent first.
        piece: Bytes that are sent again and again after them.
        size_bytes: Bytes to send in all, unless the server closes the connection before.
        connections: Number of connections that send it one after the other.
    """

    name: str
    start: bytes
    piece: bytes
    size_bytes: int
    connections: int = 1


def make_wire_bombs(to: Keyed) -> Iterator[WireBomb]:
    """Make the bombs, each for an ingest endpoint and for a page."""
    rest = b" HTTP/1.1\r\nHost: a\r\n"
    for place, first, whole in (
        (
            "an ingest endpoint",
            _post(f"/api/{to.id}/envelope/", to),
            b"OPTIONS /api/1/envelope/" + rest + b"\r\n",
        ),
        ("a page", b"POST /sign-in" + rest, b"GET /health/live" + rest + b"\r\n"),
    ):
        chunked = first + b"Transfer-Encoding: chunked\r\n\r\n"
        for name, start, piece, size_mib, connections in (
            ("trailers", chunked + b"0\r\n", b"a:\r\n", 11, 3),
            ("one huge trailer", chunked + b"0\r\na: ", b"b" * 64, 4, 1),
            ("2-byte chunks", chunked, b"2\r\n{}\r\n", 8, 1),
            ("chunk extension", chunked + b"2;", b"a" * 64, 4, 1),
            ("tiny headers", first, b"a:\r\n", 15, 1),
            ("one huge header", first + b"a: ", b"b" * 64, 30, 1),
            ("one huge name", first, b"b" * 64, 30, 1),
            ("half a head", first + b"a: ", b"b" * 64, 0.06, 1_000),
            ("requests without reading answers", b"", whole, 4, 1),
        ):
            size_bytes = int(size_mib * _MIB)
            yield WireBomb(f"{name} at {place}", start, piece, size_bytes, connections)
    yield WireBomb("huge address", b"GET /api/", b"a" * 64, 30 * _MIB)
    yield WireBomb("line feeds", b"", b"\r\n", 4 * _MIB)


def send_bomb(bomb: WireBomb, base_url: str) -> int:
    """Send a bomb over each of its connections, one after the other.

    Returns:
        Number of bytes that were sent before the server closed or stopped reading.
    """
    host, _, port = base_url.removeprefix("http://").rpartition(":")
    sent_bytes = 0
    block = bomb.piece * (_BLOCK_BYTES // len(bomb.piece))
    for _ in range(bomb.connections):
        with (
            suppress(ConnectionError, TimeoutError),
            socket.create_connection((host, int(port)), timeout=_PATIENCE_S) as connection,
        ):
            connection.sendall(bomb.start)
            left_bytes = bomb.size_bytes
            while left_bytes > 0:
                connection.sendall(block)
                sent_bytes += len(block)
                left_bytes -= len(block)
    return sent_bytes


def _post(path: str, to: Keyed) -> bytes:
    auth = envelopes.auth_header(to.key)
    return f"POST {path} HTTP/1.1\r\nHost: a\r\nX-Sentry-Auth: {auth}\r\n".encode()
