r"""Reads a `replay_recording`: the rrweb events of one segment, and what they say about its video.

    {"segment_id":3} LF [event, event, ...]

Mobile SDKs send the list as plain JSON, browsers compress it with zlib.

Source: docs/protocol.md, sections 4.3, 5.1 to 5.3.
"""

import re
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
_HEADER: Final = re.compile(rb'\{"segment_id": *[0-9]{1,5}\}\s*\Z')
_HEADER_BYTES: Final = 64
"""In which an ordinary header line ends."""
_MOST: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Recording:
    """The events of one segment in time order; those that share a time stay as they came."""

    segment_id: int | None
    """The header line's; Android leaves an old number in it, so the replay event's counts."""
    events: list[JsonObject]


class DeclaredVideo(msgspec.Struct, frozen=True, gc=False):
    """What the video event says of time; all else the MP4 itself knows better."""

    started_ms: int | None
    duration_ms: int | None


def read_recording(data: bytes | memoryview) -> Recording:
    """Read a recording, plain or zlib-compressed.

    Raises:
        MalformedInput: The header line or the list cannot be read.
        OversizedInput: It is over `LIMITS.recording_bytes`, also after inflating, or has more than
            `LIMITS.recording_events` events.
    """
    head, body = _opened(data)
    header = jsonish.decode_object(head, "recording header") if head.strip() else {}
    return Recording(
        segment_id=jsonish.integer(header, "segment_id", lowest=0, highest=LIMITS.segment_id),
        events=_events(body),
    )


def find_event_list(data: bytes | memoryview) -> bytes | None:
    """Return the JSON list of a recording with an ordinary header line; None for any other.

    Raises:
        MalformedInput: Its zlib layer cannot be taken off.
        OversizedInput: It is over `LIMITS.recording_bytes`, also after inflating.
    """
    head, body = _opened(data)
    return body if _HEADER.match(head) and body.startswith(b"[") else None


def read_declared_video(events: Sequence[JsonObject]) -> DeclaredVideo | None:
    """Return what the first video event says; None if there is none."""
    for event, payload in _custom(events, "video"):
        at_ms = timestamps.read_epoch_ms(event.get("timestamp"))
        return DeclaredVideo(
            started_ms=at_ms or timestamps.read_ms(payload.get("timestamp")),
            duration_ms=_count(payload, "duration"),
        )
    return None


def read_screen_size_px(events: Sequence[JsonObject]) -> tuple[int, int] | None:
    """Return the width and height in which touches are given, from the first meta event."""
    for event in events:
        if event.get("type") == META:
            data = jsonish.mapping(event, "data")
            width, height = _count(data, "width"), _count(data, "height")
            if width and height:
                return width, height
    return None


def find_segment_extent_ms(
    facts: DeclaredVideo | None, *, started_ms: int | None, ended_ms: int | None
) -> tuple[int, int] | None:
    """Decide when a mobile segment begins and ends, on the device's clock.

    Args:
        facts: From `video_facts`; its start is the true start of the picture.
        started_ms: `replay_start_timestamp` of the replay event, the second choice.
        ended_ms: `timestamp` of the replay event, for segments without a declared duration.

    Returns:
        Start and end, the end never before the start nor more than `LIMITS.video_ms` after it;
        None if nothing says when the segment was.
    """
    declared_ms = facts.started_ms if facts else None
    told = [at_ms for at_ms in (declared_ms, started_ms, ended_ms) if at_ms is not None]
    if any(map(timestamps.is_set_ms, told)):
        # A time before 2000 among others is a field left empty, or in a wrong unit.
        declared_ms, started_ms, ended_ms = (
            at_ms if at_ms is not None and timestamps.is_set_ms(at_ms) else None
            for at_ms in (declared_ms, started_ms, ended_ms)
        )
    start_ms = started_ms if declared_ms is None else declared_ms
    if start_ms is None:
        return None
    if facts and facts.duration_ms:
        end_ms = start_ms + facts.duration_ms
    else:
        end_ms = start_ms if ended_ms is None else ended_ms
    return start_ms, min(max(end_ms, start_ms), start_ms + LIMITS.video_ms)


def _opened(data: bytes | memoryview) -> tuple[bytes, bytes]:
    """Return the header line and the body, inflated."""
    if len(data) > LIMITS.recording_bytes:
        raise OversizedInput(
            f"recording has {len(data)} bytes, {LIMITS.recording_bytes} are allowed"
        )
    head, body = _parts(data)
    if _is_zlib(body):
        body = encoding.inflate_zlib(body, limit_bytes=LIMITS.recording_bytes)
    return head, body


def _parts(data: bytes | memoryview) -> tuple[bytes, bytes]:
    """Cut the header line from the body; a Java serializer may leave the line feed out."""
    head, line_feed, _ = bytes(data[:_HEADER_BYTES]).partition(b"\n")
    if line_feed and not head.startswith(b"["):
        return head, bytes(data[len(head) + 1 :])  # as nearly always: copied once
    whole = bytes(data)
    if whole.startswith(b"["):
        return b"", whole
    head, line_feed, body = whole.partition(b"\n")
    if line_feed or b"[" not in head:
        return head, body
    head, bracket, body = whole.partition(b"[")
    return head, bracket + body


def _events(body: bytes) -> list[JsonObject]:
    """Return the events in time order; members of the list that are no objects are left out."""
    listed = jsonish.decode(body, "recording") if body.strip(_BLANKS) else None
    if listed is None:
        return []
    if not isinstance(listed, list):
        raise MalformedInput("recording is no JSON list of events")
    if len(listed) > LIMITS.recording_events:
        raise OversizedInput(
            f"recording has {len(listed)} events, {LIMITS.recording_events} are allowed"
        )
    events = [event for event in listed if isinstance(event, dict)]
    events.sort(key=_sort_key)
    return events


def _is_zlib(body: bytes) -> bool:
    """Tell a zlib header: no JSON text begins with one."""
    return (
        len(body) > 1
        and body[0] & 0x0F == _ZLIB_METHOD
        and int.from_bytes(body[:2], "big") % _ZLIB_CHECK == 0
    )


def _sort_key(event: JsonObject) -> float:
    """Order by time; what has none comes first."""
    value: Any = event.get("timestamp")
    return value if isinstance(value, int | float) else 0


def _custom(events: Sequence[JsonObject], tag: str) -> Iterator[tuple[JsonObject, JsonObject]]:
    """Yield the custom events of a tag whose payload is an object, with their payload."""
    for event in events:
        data = event.get("data")
        if event.get("type") == CUSTOM and isinstance(data, dict) and data.get("tag") == tag:
            payload = data.get("payload")
            if isinstance(payload, dict):
                yield event, payload


def _count(payload: JsonObject, key: str) -> int | None:
    return jsonish.integer(payload, key, lowest=0, highest=_MOST)
