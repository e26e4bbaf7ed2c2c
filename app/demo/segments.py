"""Cuts a usage log into segments, makes their videos, and writes each as a `replay_video` item.

    session segments   5 s each, one frame a second; the next begins where the last ended
    rotation           closes the running segment at the old size
    background         closes it too; the next begins when the app is back: a gap
    crash              the next launch finds the rest and sends it without the app's own facts

Source: docs/protocol.md, sections 4.1, 4.3, 4.4, 5, 6.2, 6.4 and 6.5.
"""

import struct
from typing import Final, NamedTuple

from PIL import Image

from app.core import units
from app.demo.drawing import paint, screens
from app.demo.session import APP, OutgoingItem, Session, encode_json
from app.demo.usage_log import AppBreadcrumb, AppRequest, ScreenState, TouchEvent, UsageLog
from app.formats.jsonish import JsonObject
from app.media import encode
from app.media.encode import EncodedVideo

_SEGMENT_FRAMES: Final = 5
FRAME_MS: Final = 1_000
_OPTIONS_DELAY_MS: Final = 570
"""The options event is stamped when the segment is packed, which is after its end."""


class Window(NamedTuple):
    """The time that one segment covers, in milliseconds since the replay began."""

    segment_id: int
    started_ms: int
    frames: int
    is_recovered: bool = False

    @property
    def ended_ms(self) -> int:
        return self.started_ms + self.frames * FRAME_MS

    @property
    def frame_times(self) -> range:
        return range(self.started_ms, self.ended_ms, FRAME_MS)


def cut_windows(usage: UsageLog) -> list[Window]:
    """Find the segments of a usage log, in order; the last frame may reach beyond its end."""
    stops = [(at_ms, None) for at_ms in usage.turned_at_ms] + [
        *usage.away_ms,
        (usage.ended_ms, None),
    ]
    windows: list[Window] = []
    started_ms = 0
    for stop_ms, back_ms in sorted(stops, key=lambda stop: stop[0]):
        while started_ms < stop_ms:
            frames = min(-(-(stop_ms - started_ms) // FRAME_MS), _SEGMENT_FRAMES)
            windows.append(Window(len(windows), started_ms, frames))
            started_ms = windows[-1].ended_ms
        started_ms = started_ms if back_ms is None else back_ms
    windows[-1] = windows[-1]._replace(is_recovered=True)
    return windows


class Camera:
    """Paints what the phone shows; a picture that does not change is painted once."""

    def __init__(self, usage: UsageLog, started_at_ms: int) -> None:
        self._usage = usage
        self._started_at_ms = started_at_ms
        self._last: tuple[ScreenState, str, Image.Image] | None = None

    def film(self, window: Window) -> EncodedVideo:
        """Paint and encode the frames of one segment."""
        return encode.encode_video([self.take_frame(at_ms) for at_ms in window.frame_times])

    def take_frame(self, at_ms: int) -> Image.Image:
        """Return the masked picture of a moment."""
        state = self._usage.state_at(at_ms)
        clock = f"{units.at_from_ms(self._started_at_ms + at_ms):%H:%M}"
        if self._last is None or self._last[:2] != (state, clock):
            picture = paint.paint_screen(screens.lay_out(state, clock), pressed=state.pressed)
            self._last = (state, clock, picture)
        return self._last[2]


def replay_video_item(session: Session, window: Window, video: EncodedVideo) -> OutgoingItem:
    """Make the one item of a segment's envelope: fixmap, then str8 key and bin32 value each."""
    recording = encode_json({"segment_id": window.segment_id}) + b"\n"
    recording += encode_json(_make_recording(session, window, video))
    event = encode_json(_replay_event(session, window))
    entries = {"replay_event": event, "replay_recording": recording, "replay_video": video.data}
    payload = bytes([0x80 | len(entries)])
    for key, value in entries.items():
        payload += struct.pack(">BB", 0xD9, len(key)) + key.encode()
        payload += struct.pack(">BI", 0xC6, len(value)) + value
    return OutgoingItem("replay_video", payload, {})


def _replay_event(session: Session, window: Window) -> JsonObject:
    usage = session.usage
    end_ms = min(window.ended_ms, usage.ended_ms)
    left = [v for v in usage.visits if window.started_ms < v.ended_ms <= end_ms]
    opened = [v for v in usage.visits if window.started_ms <= v.started_ms < window.ended_ms]
    known = session.app_payload(end_ms, usage.visit_at(end_ms))
    if window.is_recovered:
        # The next launch knows nothing of the run that died but what lies on the disk.
        contexts = {key: known["contexts"][key] for key in ("device", "os")}
        known = {"platform": "java", "user": {"id": session.install_id}, "contexts": contexts}
        left = []
    return known | {
        "type": "replay_event", "replay_type": "session", "segment_id": window.segment_id,
        "event_id": session.replay_id, "replay_id": session.replay_id,
        "timestamp": session.iso(window.ended_ms),
        "replay_start_timestamp": session.iso(window.started_ms),
        "urls": [visit.activity for visit in opened], "error_ids": [],
        "trace_ids": [visit.trace_id for visit in left],
        "segment_names": [visit.activity for visit in left],
    }  # fmt: skip


def _make_recording(session: Session, window: Window, video: EncodedVideo) -> list[JsonObject]:
    usage = session.usage
    noted = [(crumb.at_ms, _crumb_event(session, crumb)) for crumb in usage.crumbs]
    noted += [(touch.at_ms, _touch_event(session, touch)) for touch in usage.touches]
    noted += [(request.ended_ms, _span_event(session, request)) for request in usage.requests()]
    noted.sort(key=lambda pair: pair[0])
    events = [event for at_ms, event in noted if window.started_ms <= at_ms < window.ended_ms]
    if window.segment_id == 0:
        packed_ms = session.at(window.ended_ms) + _OPTIONS_DELAY_MS
        events.append(_custom_event(packed_ms, "options", APP["options"]))
    start_ms = session.at(window.started_ms)
    size = {"height": video.height, "width": video.width}
    described = APP["video"] | size | {
        "segmentId": window.segment_id, "size": len(video.data), "duration": video.duration_ms,
        "frameCount": video.frames,
    }  # fmt: skip
    meta = {"type": 4, "timestamp": start_ms, "data": {"href": "", **size}}
    return [meta, _custom_event(start_ms, "video", described), *events]


def _custom_event(at_ms: int, tag: str, payload: JsonObject) -> JsonObject:
    return {"type": 5, "timestamp": at_ms, "data": {"tag": tag, "payload": payload}}


def _crumb_event(session: Session, crumb: AppBreadcrumb) -> JsonObject:
    known = {"type": "default", "timestamp": session.seconds(crumb.at_ms)}
    return _custom_event(session.at(crumb.at_ms), "breadcrumb", known | crumb.payload)


def _touch_event(session: Session, touch: TouchEvent) -> JsonObject:
    if touch.kind == "move":
        positions = [{"id": 0, "x": x, "y": y, "timeOffset": offset} for offset, x, y in touch.path]
        data: JsonObject = {"source": 6, "positions": positions, "pointerId": 0}
    else:
        _, x, y = touch.path[0]
        data = {"source": 2, "type": {"start": 7, "end": 9}[touch.kind], "id": 0, "x": x, "y": y,
                "pointerType": 2, "pointerId": 0}  # fmt: skip
    return {"type": 3, "timestamp": session.at(touch.at_ms), "data": data}


def _span_event(session: Session, request: AppRequest) -> JsonObject:
    data: JsonObject = {"method": request.method, "statusCode": request.status}
    data |= {"requestBodySize": request.sent_bytes} if request.sent_bytes else {}
    data |= {"responseBodySize": request.got_bytes}
    if request.sent is not None:
        data["request"] = _body(request.sent, request.sent_bytes, Accept="application/json")
        data["response"] = _body(request.got, request.got_bytes)
    return _custom_event(session.at(request.ended_ms), "performanceSpan", {
        "op": "resource.http", "description": request.url, "data": data,
        "startTimestamp": session.seconds(request.started_ms),
        "endTimestamp": session.seconds(request.ended_ms),
    })  # fmt: skip


def _body(body: JsonObject | None, size: int, **headers: str) -> JsonObject:
    headers |= {"Content-Type": "application/json", "Content-Length": str(size)}
    return {"size": size, "headers": headers, "body": body}
