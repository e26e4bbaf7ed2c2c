"""Cuts a take into segments, films them, and writes each as a `replay_video` item.

    session segments   5 s each, one frame a second; the next begins where the last ended
    rotation           closes the running segment at the old size
    background         closes it too; the next begins when the app is back: a gap
    crash              the rest is found at the next launch and sent without the app's own facts

Source: docs/protocol.md, sections 4.1, 4.3, 4.4, 5, 6.2, 6.4 and 6.5.
"""

import struct
from typing import Final, NamedTuple

from PIL import Image

from app.core import units
from app.demo import paint, screens
from app.demo.session import APP, EnvelopeItem, Session, encode_json
from app.demo.take import Crumb, Request, Shot, Take, Touch
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


def cut_windows(take: Take) -> list[Window]:
    """Find the segments of a take, in order; the last frame may reach beyond the end."""
    stops = [(at_ms, None) for at_ms in take.turned_at_ms] + [*take.away_ms, (take.ended_ms, None)]
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
    """Paints what is on the screen, each picture once."""

    def __init__(self, take: Take, started_at_ms: int) -> None:
        self._take = take
        self._started_at_ms = started_at_ms
        self._last: tuple[Shot, str, Image.Image] | None = None

    def film(self, window: Window) -> EncodedVideo:
        """Paint and encode the frames of one segment."""
        return encode.encode_video([self.take_frame(at_ms) for at_ms in window.frame_times])

    def take_frame(self, at_ms: int) -> Image.Image:
        """Return the masked picture of a moment."""
        shot = self._take.shot_at(at_ms)
        clock = f"{units.at_from_ms(self._started_at_ms + at_ms):%H:%M}"
        if self._last is None or self._last[:2] != (shot, clock):
            picture = paint.render(screens.lay_out(shot, clock), pressed=shot.pressed)
            self._last = (shot, clock, picture)
        return self._last[2]


def replay_video_item(session: Session, window: Window, video: EncodedVideo) -> EnvelopeItem:
    """Make the one item of a segment's envelope: fixmap, then str8 key and bin32 value each."""
    recording = encode_json({"segment_id": window.segment_id}) + b"\n"
    recording += encode_json(_recording(session, window, video))
    event = encode_json(_replay_event(session, window))
    entries = {"replay_event": event, "replay_recording": recording, "replay_video": video.data}
    payload = bytes([0x80 | len(entries)])
    for key, value in entries.items():
        payload += struct.pack(">BB", 0xD9, len(key)) + key.encode()
        payload += struct.pack(">BI", 0xC6, len(value)) + value
    return EnvelopeItem("replay_video", payload, {})


def _replay_event(session: Session, window: Window) -> JsonObject:
    take = session.take
    end_ms = min(window.ended_ms, take.ended_ms)
    left = [v for v in take.visits if window.started_ms < v.ended_ms <= end_ms]
    opened = [v for v in take.visits if window.started_ms <= v.started_ms < window.ended_ms]
    known = session.app_payload(end_ms, take.visit_at(end_ms))
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


def _recording(session: Session, window: Window, video: EncodedVideo) -> list[JsonObject]:
    take = session.take
    noted = [(crumb.at_ms, _crumb_event(session, crumb)) for crumb in take.crumbs]
    noted += [(touch.at_ms, _touch_event(session, touch)) for touch in take.touches]
    noted += [(request.ended_ms, _span_event(session, request)) for request in take.requests()]
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


def _crumb_event(session: Session, crumb: Crumb) -> JsonObject:
    known = {"type": "default", "timestamp": session.seconds(crumb.at_ms)}
    return _custom_event(session.at(crumb.at_ms), "breadcrumb", known | crumb.payload)


def _touch_event(session: Session, touch: Touch) -> JsonObject:
    if touch.kind == "move":
        positions = [{"id": 0, "x": x, "y": y, "timeOffset": offset} for offset, x, y in touch.path]
        data: JsonObject = {"source": 6, "positions": positions, "pointerId": 0}
    else:
        _, x, y = touch.path[0]
        data = {"source": 2, "type": {"start": 7, "end": 9}[touch.kind], "id": 0, "x": x, "y": y,
                "pointerType": 2, "pointerId": 0}  # fmt: skip
    return {"type": 3, "timestamp": session.at(touch.at_ms), "data": data}


def _span_event(session: Session, request: Request) -> JsonObject:
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
