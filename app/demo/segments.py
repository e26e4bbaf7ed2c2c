"""Turns a window of the take into one `replay_video` item: replay event and recording.

Source: docs/protocol.md, sections 4.4, 5 and 6.5.
"""

from typing import Final

from app.demo.recorder import Window
from app.demo.session import APP, EnvelopeItem, Session, replay_video_item
from app.demo.take import Crumb, Request, Touch
from app.formats.jsonish import JsonObject
from app.media.encode import EncodedVideo

_OPTIONS_DELAY_MS: Final = 570
"""The options event is stamped when the segment is packed, which is after its end."""


def replay_item(session: Session, window: Window, video: EncodedVideo) -> EnvelopeItem:
    """Make the one item of a segment's envelope."""
    recording = _recording(session, window, video)
    return replay_video_item(_replay_event(session, window), recording, video.data)


def _replay_event(session: Session, window: Window) -> JsonObject:
    take = session.take
    end_ms = min(window.ended_ms, take.ended_ms)
    left = [v for v in take.visits if window.started_ms < v.ended_ms <= end_ms]
    event = session.app_payload(end_ms, take.visit_at(end_ms)) | {
        "type": "replay_event", "replay_type": "session", "segment_id": window.segment_id,
        "event_id": session.replay_id, "replay_id": session.replay_id,
        "timestamp": session.iso(window.ended_ms),
        "replay_start_timestamp": session.iso(window.started_ms),
        "urls": [crumb.data["to"] for crumb in take.crumbs
                 if crumb.category == "navigation" and window.contains(crumb.at_ms)],
        "error_ids": [], "trace_ids": [visit.trace_id for visit in left],
        "segment_names": [visit.activity for visit in left],
    }  # fmt: skip
    if not window.is_recovered:
        return event
    # The next launch knows nothing of the run that died but what lies on the disk.
    for key in ("sdk", "tags", "release", "environment", "dist"):
        del event[key]
    contexts = {key: event["contexts"][key] for key in ("device", "os")}
    unknown: JsonObject = {"trace_ids": [], "segment_names": []}
    return event | unknown | {"contexts": contexts, "user": {"id": session.install_id}}


def _recording(session: Session, window: Window, video: EncodedVideo) -> list[JsonObject]:
    take = session.take
    events = [_crumb_event(session, c) for c in take.crumbs if window.contains(c.at_ms)]
    events += [_touch_event(session, t) for t in take.touches if window.contains(t.at_ms)]
    events += [_span_event(session, r) for r in take.requests() if window.contains(r.ended_ms)]
    events.sort(key=lambda event: int(event["timestamp"]))
    if window.segment_id == 0:
        packed_ms = session.at(window.ended_ms) + _OPTIONS_DELAY_MS
        events.append(_custom_event(packed_ms, "options", APP["options"]))
    start_ms = session.at(window.started_ms)
    size = {"height": video.height, "width": video.width}
    described = {
        "segmentId": window.segment_id, "size": len(video.data), "duration": video.duration_ms,
        "encoding": "h264", "container": "mp4", **size, "frameCount": video.frames,
        "frameRate": 1, "frameRateType": "constant", "left": 0, "top": 0,
    }  # fmt: skip
    meta = {"type": 4, "timestamp": start_ms, "data": {"href": "", **size}}
    return [meta, _custom_event(start_ms, "video", described), *events]


def _custom_event(at_ms: int, tag: str, payload: JsonObject) -> JsonObject:
    return {"type": 5, "timestamp": at_ms, "data": {"tag": tag, "payload": payload}}


def _crumb_event(session: Session, crumb: Crumb) -> JsonObject:
    words = {"message": crumb.message, "level": crumb.level}
    return _custom_event(session.at(crumb.at_ms), "breadcrumb", {
        "type": "default", "timestamp": session.seconds(crumb.at_ms), "category": crumb.category,
        **{key: value for key, value in words.items() if value is not None}, "data": crumb.data,
    })  # fmt: skip


def _touch_event(session: Session, touch: Touch) -> JsonObject:
    positions = [{"id": 0, "x": x, "y": y, "timeOffset": offset} for offset, x, y in touch.path]
    if touch.kind == "move":
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
        accept = {"Accept": "application/json"}
        data["request"] = _body(request.sent, request.sent_bytes, accept)
        data["response"] = _body(request.got, request.got_bytes, {})
    return _custom_event(session.at(request.ended_ms), "performanceSpan", {
        "op": "resource.http", "description": request.url, "data": data,
        "startTimestamp": session.seconds(request.started_ms),
        "endTimestamp": session.seconds(request.ended_ms),
    })  # fmt: skip


def _body(body: JsonObject | None, size: int, headers: dict[str, str]) -> JsonObject:
    headers = {"Content-Type": "application/json", "Content-Length": str(size), **headers}
    return {"size": size, "headers": headers, "body": body}
