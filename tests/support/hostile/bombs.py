"""Small bodies that become large, deep or many when decoded, for each endpoint and layer."""

import base64
import gzip
import json
import struct
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

import brotli  # type: ignore[import-untyped]  # it carries no types
import zstandard

from app.ingest.item_types import BY_NAME
from tests.support.builders import envelopes, recordings
from tests.support.builders.wire import EVENT_ID, compact

_MIB: Final = 1024 * 1024
_ZEROS: Final = bytes(_MIB)
_TIMES: Final = 256
"""More than an envelope may be once it is inflated."""
_DEEP: Final = b"[" * 100_000 + b"]" * 100_000
_WIDE: Final = b"[" + b"[],{}," * 1_500_000 + b"0]"
_NUMBER: Final = b"9" * 900_000


class Bomb(NamedTuple):
    """A request body."""

    name: str
    endpoint: str
    """`envelope`, `store` or `otlp/v1/traces`."""
    encoding: str | None
    body: bytes


def make_bombs() -> Iterator[Bomb]:
    """Make them, one after the other."""
    yield from _compressed()
    yield from _json()
    yield from _messagepack()
    yield from _recordings()
    yield from _envelopes()


def _compressed() -> Iterator[Bomb]:
    """Zeros in every encoding, at every endpoint."""
    pieces = {
        "gzip": gzip.compress(_ZEROS) * _TIMES,
        "deflate": _deflated(),
        "zstd": zstandard.compress(_ZEROS) * _TIMES,
        "br": brotli.compress(_ZEROS * _TIMES, quality=0),
    }
    for encoding, body in pieces.items():
        for endpoint in ("envelope", "store", "otlp/v1/traces"):
            yield Bomb(f"{encoding} at {endpoint}", endpoint, encoding, body)
    text = base64.b64encode(pieces["deflate"])
    yield Bomb("zlib in base64", "store", None, text)


def _json() -> Iterator[Bomb]:
    """Deep, wide and long JSON in every kind of item."""
    for item_type in BY_NAME:
        yield _item(f"deep {item_type}", item_type, b'{"a":' + _DEEP + b"}")
    for kind in ("event", "transaction", "log"):
        yield _item(f"wide {kind}", kind, b'{"items":' + _WIDE + b"}")
    yield _item("long number", "event", b'{"timestamp":' + _NUMBER + b"}")
    yield Bomb("deep store", "store", None, _DEEP)
    yield Bomb("deep otlp", "otlp/v1/traces", None, b'{"resourceSpans":' + _DEEP + b"}")
    yield Bomb("wide otlp", "otlp/v1/traces", None, b'{"resourceSpans":' + _WIDE + b"}")
    nested = b""
    for _ in range(5_000):
        nested = b"\x0a" + _varint(len(nested)) + nested
    yield Bomb("deep protobuf", "otlp/v1/traces", None, nested)
    yield Bomb("many fields", "otlp/v1/traces", None, b"\x0a\x00" * 4_000_000)


def _messagepack() -> Iterator[Bomb]:
    """Claims and nests in the map of a replay video."""
    packs = {
        "arrays": b"\xdd" + struct.pack(">I", 10 * _MIB) + b"\x90" * (10 * _MIB),
        "claimed array": b"\xdd\xff\xff\xff\xff",
        "claimed map": b"\xdf\xff\xff\xff\xff",
        "claimed bytes": b"\x81\xac" + b"replay_video" + b"\xc6\xff\xff\xff\xff",
        "deep": b"\x91" * 1_000_000 + b"\xc0",
    }
    for name, data in packs.items():
        yield _item(f"messagepack {name}", "replay_video", data)


def _recordings() -> Iterator[Bomb]:
    """Recordings whose own zlib layer, or whose JSON, is a bomb."""
    for name, events in {"zlib": _deflated(), "deep": _DEEP, "wide": _WIDE}.items():
        data = b'{"segment_id":0}\n' + events
        body = envelopes.replay_video_envelope(recording_bytes=data)
        yield Bomb(f"recording {name}", "envelope", None, body)
    crumbs = [recordings.breadcrumb("a", message="b")] * 60_000
    yield Bomb(
        "recording of crumbs", "envelope", "gzip",
        envelopes.gzipped(envelopes.replay_video_envelope(events=crumbs)),
    )  # fmt: skip


def _envelopes() -> Iterator[Bomb]:
    """Headers without an end, and items without number."""
    header = compact({"event_id": EVENT_ID}) + b"\n"
    yield Bomb("no line feed", "envelope", None, b"{" * (4 * _MIB))
    yield Bomb("line feeds", "envelope", None, header + b"\n" * (8 * _MIB))
    yield Bomb("items", "envelope", None, header + b'{"type":"event","length":2}\n{}\n' * 200_000)
    tags = json.dumps({f"t{number}": "v" for number in range(60_000)}).encode()
    yield _item("tags", "event", b'{"tags":' + tags + b"}")


def _item(name: str, kind: str, payload: bytes) -> Bomb:
    header = envelopes.envelope_header(event_id=EVENT_ID)
    return Bomb(name, "envelope", None, envelopes.envelope(header, envelopes.item(kind, payload)))


@cache
def _deflated() -> bytes:
    whole = zlib.compressobj(1)
    return b"".join([*(whole.compress(_ZEROS) for _ in range(_TIMES)), whole.flush()])


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])
