r"""Reads a `replay_recording`: the rrweb events of one segment, and what they say about its video.

    {"segment_id":3} LF [event, event, ...]

Mobile SDKs send the list as plain JSON, browsers compress it with zlib.

Source: docs/protocol.md, sections 4.3, 5.1 to 5.3.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS
from app.formats import jsonish, timestamps
from app.formats.jsonish import JsonObject
from app.formats.wire import encoding

INCREMENTAL: Final = 3
META: Final = 4
CUSTOM: Final = 5
"""rrweb event types."""

_ZLIB_METHOD: Final = 8
_ZLIB_CHECK: Final = 31
_BLANKS: Final = b" \t\r\n"
_USUAL_HEADER_BYTES: Final = 64
"""A header line as SDKs write it ends within these bytes."""
_HIGHEST_NUMBER: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Recording:
    """The events of one segment in time order; events that share a time keep their order."""

    segment_id: int | None
    """The header line's; Android leaves an old number in it, so the replay event's counts."""
    events: list[JsonObject]


class DeclaredVideo(msgspec.Struct, frozen=True, gc=False):
    """The times that the video event declares; all else the MP4 itself knows better."""

    started_ms: int | None
    duration_ms: int | None


def read_recording(data: bytes | memoryview) -> Recording:
    """Read a recording, plain or zlib-compressed.

    Raises:
        MalformedInput: The header line or the list cannot be read.
        OversizedInput: It is over `LIMITS.recording_bytes`, also after inflating, or has more than
            `LIMITS.recording_events` events.
    """
    header_line, body = open_recording(data)
    header = jsonish.decode_object(header_line, "recording header") if header_line.strip() else {}
    return Recording(
        segment_id=jsonish.integer(header, "segment_id", lowest=0, highest=LIMITS.segment_id),
        events=_decode_events(body),
    )


def open_recording(data: bytes | memoryview) -> tuple[bytes, bytes]:
    """Return the header line and the list of events, inflated.

    Raises:
        MalformedInput: Its zlib layer cannot be taken off.
        OversizedInput: It is over `LIMITS.recording_bytes`, also after inflating.
    """
    if len(data) > LIMITS.recording_bytes:
        raise OversizedInput(
            f"recording has {len(data)} bytes, {LIMITS.recording_bytes} are allowed"
        )
    header_line, body = _split_header(data)
    if _is_zlib(body):
        body = encoding.inflate_zlib(body, limit_bytes=LIMITS.recording_bytes)
    return header_line, body


def read_declared_video(events: Sequence[JsonObject]) -> DeclaredVideo | None:
    """Return what the first video event declares, or None without one."""
    for event, payload in _find_custom_events(events, "video"):
        at_ms = timestamps.read_epoch_ms(event.get("timestamp"))
        return DeclaredVideo(
            started_ms=at_ms or timestamps.read_ms(payload.get("timestamp")),
            duration_ms=_read_count(payload, "duration"),
        )
    return None


def read_screen_size_px(events: Sequence[JsonObject]) -> tuple[int, int] | None:
    """Return the width and height in which touches are given, from the first meta event."""
    for event in events:
        if event.get("type") == META:
            data = jsonish.mapping(event, "data")
            width, height = _read_count(data, "width"), _read_count(data, "height")
            if width and height:
                return width, height
    return None


def find_segment_extent_ms(
    video: DeclaredVideo | None, *, started_ms: int | None, ended_ms: int | None
) -> tuple[int, int] | None:
    """Decide when a mobile segment begins and ends, on the device's clock.

    Args:
        video: The facts of the video event; its start is the true start of the picture.
        started_ms: `replay_start_timestamp` of the replay event, the second choice.
        ended_ms: `timestamp` of the replay event, for segments without a declared duration.

    Returns:
        Start and end, the end never before the start nor more than `LIMITS.video_ms` after it;
        None if nothing says when the segment was.
    """
    declared_ms = video.started_ms if video else None
    known_ms = [at_ms for at_ms in (declared_ms, started_ms, ended_ms) if at_ms is not None]
    if any(map(timestamps.is_set_ms, known_ms)):
        # A time before 2000 among others is a field left empty, or in a wrong unit.
        declared_ms, started_ms, ended_ms = (
            at_ms if at_ms is not None and timestamps.is_set_ms(at_ms) else None
            for at_ms in (declared_ms, started_ms, ended_ms)
        )
    start_ms = started_ms if declared_ms is None else declared_ms
    if start_ms is None:
        return None
    if video and video.duration_ms:
        end_ms = start_ms + video.duration_ms
    else:
        end_ms = start_ms if ended_ms is None else ended_ms
    return start_ms, min(max(end_ms, start_ms), start_ms + LIMITS.video_ms)


def _split_header(data: bytes | memoryview) -> tuple[bytes, bytes]:
    """Cut the header line from the body; a Java serializer may leave the line feed out."""
    header_line, line_feed, _ = bytes(data[:_USUAL_HEADER_BYTES]).partition(b"\n")
    if line_feed and not header_line.startswith(b"["):
        # Nearly every recording is of this form, whose body is then copied only once.
        return header_line, bytes(data[len(header_line) + 1 :])
    text = bytes(data)
    if text.startswith(b"["):
        return b"", text
    header_line, line_feed, body = text.partition(b"\n")
    if line_feed or b"[" not in header_line:
        return header_line, body
    header_line, bracket, body = text.partition(b"[")
    return header_line, bracket + body


def _decode_events(body: bytes) -> list[JsonObject]:
    """Return the events in time order, without the members of the list that are not objects."""
    members = jsonish.decode(body, "recording") if body.strip(_BLANKS) else None
    if members is None:
        return []
    if not isinstance(members, list):
        raise MalformedInput("recording is not a JSON list of events")
    if len(members) > LIMITS.recording_events:
        raise OversizedInput(
            f"recording has {len(members)} events, {LIMITS.recording_events} are allowed"
        )
    events = [event for event in members if isinstance(event, dict)]
    events.sort(key=_sort_key)
    return events


def _is_zlib(body: bytes) -> bool:
    """Recognise a zlib header; no JSON text begins with one."""
    return (
        len(body) > 1
        and body[0] & 0x0F == _ZLIB_METHOD
        and int.from_bytes(body[:2], "big") % _ZLIB_CHECK == 0
    )


def _sort_key(event: JsonObject) -> float:
    """Order events by time; those without a time come first."""
    value: Any = event.get("timestamp")
    return value if isinstance(value, int | float) else 0


def _find_custom_events(
    events: Sequence[JsonObject], tag: str
) -> Iterator[tuple[JsonObject, JsonObject]]:
    """Yield the custom events of a tag whose payload is an object, with their payload."""
    for event in events:
        data = event.get("data")
        if event.get("type") == CUSTOM and isinstance(data, dict) and data.get("tag") == tag:
            payload = data.get("payload")
            if isinstance(payload, dict):
                yield event, payload


def _read_count(payload: JsonObject, key: str) -> int | None:
    return jsonish.integer(payload, key, lowest=0, highest=_HIGHEST_NUMBER)
