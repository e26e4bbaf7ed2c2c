"""Makes `replay_recording` parts and the rrweb events in them, as mobile SDKs write them.

Times are in ms. `**changes` replace members of the payload; `MISSING` removes one.
"""

import zlib
from collections.abc import Sequence
from typing import Any, Final

from tests.support.builders.wire import SEGMENT_MS, STARTED_MS, Json, changed, compact

WIDTH: Final = 128
HEIGHT: Final = 256


def recording(events: object, segment_id: int = 0, *, compressed: bool = False) -> bytes:
    """Write a recording: its header line, then the events as plain JSON or zlib."""
    listed = compact(events)
    body = zlib.compress(listed) if compressed else listed
    return compact({"segment_id": segment_id}) + b"\n" + body


def segment_events(
    segment_id: int = 0,
    started_ms: int = STARTED_MS,
    duration_ms: int = SEGMENT_MS,
    *,
    size_bytes: int = 0,
) -> list[Json]:
    """Return the events of an ordinary segment: a screen, a tap, a request.

    The first segment has the SDK's options too.
    """
    events = [
        meta(started_ms),
        video_note(segment_id, started_ms, duration_ms, size_bytes=size_bytes),
        breadcrumb("navigation", started_ms + 100, data={"to": "CartActivity"}),
        touch("start", started_ms + 200),
        touch("end", started_ms + 280),
        breadcrumb("ui.tap", started_ms + 280, message="pay_button", data={"view.id": "pay"}),
        network_span(started_ms + 300, started_ms + 540),
    ]
    return events if segment_id else [*events, options(started_ms)]


def meta(at_ms: int = STARTED_MS, *, width: int = WIDTH, height: int = HEIGHT) -> Json:
    """Return the event that tells the size of the picture."""
    return {"type": 4, "timestamp": at_ms, "data": {"href": "", "width": width, "height": height}}


def video_note(
    segment_id: int = 0,
    at_ms: int = STARTED_MS,
    duration_ms: int = SEGMENT_MS,
    **changes: Any,
) -> Json:
    """Return the event that describes the video; `size_bytes` and other members may be changed."""
    payload = {
        "segmentId": segment_id,
        "size": changes.pop("size_bytes", 0),
        "duration": duration_ms,
        "encoding": "h264",
        "container": "mp4",
        "width": WIDTH,
        "height": HEIGHT,
        "frameCount": duration_ms // 1000,
        "frameRate": 1,
        "frameRateType": "constant",
        "left": 0,
        "top": 0,
    }
    return _custom("video", at_ms, changed(payload, changes))


def breadcrumb(category: str, at_ms: int = STARTED_MS, **changes: Any) -> Json:
    """Return a breadcrumb; `message`, `level` and `data` as changes."""
    payload = {"type": "default", "timestamp": at_ms / 1000, "category": category}
    return _custom("breadcrumb", at_ms, changed(payload, changes))


def network_span(
    started_ms: int = STARTED_MS,
    ended_ms: int = STARTED_MS + 240,
    *,
    url: str = "https://api.example.net/v1/cart",
    **data: Any,
) -> Json:
    """Return a request; `data` replaces `method`, `statusCode` and so on."""
    payload = {
        "op": "resource.http",
        "description": url,
        "startTimestamp": started_ms / 1000,
        "endTimestamp": ended_ms / 1000,
        "data": changed({"method": "POST", "statusCode": 201, "requestBodySize": 312}, data),
    }
    return _custom("performanceSpan", ended_ms, payload)


def options(at_ms: int = STARTED_MS, **changes: Any) -> Json:
    """Return the SDK's replay settings."""
    payload = {"sessionSampleRate": 1.0, "errorSampleRate": 1.0, "maskAllText": True}
    return _custom("options", at_ms, changed(payload, changes))


def touch(
    kind: str, at_ms: int = STARTED_MS, x: float = 64.0, y: float = 200.0, *, pointer_id: int = 0
) -> Json:
    """Return a touch that starts, ends or is cancelled."""
    number = {"start": 7, "end": 9, "cancel": 10}[kind]
    place = {"id": 0, "x": x, "y": y, "pointerType": 2, "pointerId": pointer_id}
    return {"type": 3, "timestamp": at_ms, "data": {"source": 2, "type": number, **place}}


def moves(
    at_ms: int, positions: Sequence[tuple[float, float, int]], *, pointer_id: int = 0
) -> Json:
    """Return one batch of moves: x, y and an offset in ms (at most 0) each."""
    listed = [{"id": 0, "x": x, "y": y, "timeOffset": offset} for x, y, offset in positions]
    data = {"source": 6, "pointerId": pointer_id, "positions": listed}
    return {"type": 3, "timestamp": at_ms, "data": data}


def _custom(tag: str, at_ms: int, payload: Json) -> Json:
    return {"type": 5, "timestamp": at_ms, "data": {"tag": tag, "payload": payload}}
