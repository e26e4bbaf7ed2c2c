r"""Writes envelopes and replay payloads byte for byte as the Android SDK does.

    envelope      header LF (item header LF payload LF)*
    replay_video  fixmap, then per entry str8 key, bin32 value: event, recording, video

Source: docs/protocol.md, sections 2.1, 4.1, 4.3.
"""

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.core import units
from app.formats.jsonish import JsonObject

_FIXMAP: Final = 0x80
_STR_8: Final = 0xD9
_BIN_32: Final = 0xC6


@dataclass(frozen=True, slots=True)
class Part:
    """One item on its way into an envelope; `more` are further keys of its header."""

    type: str
    payload: bytes
    more: JsonObject


def encode_json(value: object) -> bytes:
    """Write JSON without blanks."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def json_part(kind: str, value: object, **more: object) -> Part:
    """Make an item of a JSON payload."""
    return Part(kind, encode_json(value), {"content_type": "application/json", **more})


def envelope(header: JsonObject, parts: Sequence[Part]) -> bytes:
    """Write an envelope."""
    lines = [encode_json(header)]
    for part in parts:
        item = {**part.more, "type": part.type, "length": len(part.payload)}
        lines += [encode_json(item), part.payload]
    return b"\n".join(lines) + b"\n"


def replay_payload(event: JsonObject, rrweb: Sequence[JsonObject], video: bytes) -> bytes:
    """Write the MessagePack map of a `replay_video` item."""
    segment = encode_json({"segment_id": event["segment_id"]})
    entries = {
        "replay_event": encode_json(event),
        "replay_recording": segment + b"\n" + encode_json(list(rrweb)),
        "replay_video": video,
    }
    payload = bytearray([_FIXMAP | len(entries)])
    for key, value in entries.items():
        payload += bytes([_STR_8, len(key)]) + key.encode()
        payload += bytes([_BIN_32]) + struct.pack(">I", len(value)) + value
    return bytes(payload)


def iso(at_ms: int) -> str:
    """Write a time as Java does: UTC with milliseconds and `Z`."""
    return _zulu(units.at_from_ms(at_ms), "milliseconds")


def iso_precise(at_ms: int) -> str:
    """Write a time as Python does: UTC with microseconds and `Z`."""
    return _zulu(units.at_from_ms(at_ms), "microseconds")


def _zulu(at: datetime, precision: str) -> str:
    return at.isoformat(timespec=precision).replace("+00:00", "Z")
