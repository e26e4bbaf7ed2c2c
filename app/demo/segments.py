"""Turns a window of the take into one `replay_video` item: replay event and recording.

Source: docs/protocol.md, sections 4.4, 5 and 6.5.
"""

from typing import Final, Literal

from app.demo import facts, wire
from app.demo.facts import Session
from app.demo.recorder import Window
from app.demo.take import Crumb, Request, Touch
from app.demo.wire import Part
from app.formats.jsonish import JsonObject
from app.media.encode import EncodedVideo

_OPTIONS_DELAY_MS: Final = 570
"""The options event is stamped when the segment is packed, which is after its end."""
_HEADERS: Final = ("Content-Type", "Content-Length", "Accept")
_OPTIONS: Final[JsonObject] = {
    "nativeSdkName": facts.SDK_NAME,
    "nativeSdkVersion": facts.SDK_VERSION,
    "sessionSampleRate": 1.0,
    "errorSampleRate": 1.0,
    "maskAllText": True,
    "maskAllImages": True,
    "quality": "medium",
    "screenshotStrategy": "pixelCopy",
    "maskedViewClasses": ["android.widget.TextView", "android.widget.ImageView"],
    "unmaskedViewClasses": [],
    "networkDetailHasUrls": True,
    "networkDetailAllowUrls": ["https://api.verdant.example/v1/(bag|payments).*"],
    "networkCaptureBodies": True,
    "networkRequestHeaders": list(_HEADERS),
    "networkResponseHeaders": list(_HEADERS),
}
_TOUCH_TYPES: Final = {"start": 7, "end": 9}


def replay_part(session: Session, window: Window, video: EncodedVideo) -> Part:
    """Make the one item of a segment's envelope."""
    events = _recording(session, window, video)
    payload = wire.replay_payload(_event(session, window), events, video.data)
    return Part("replay_video", payload, {})


def _event(session: Session, window: Window) -> JsonObject:
    take = session.take
    end_ms = min(window.ended_ms, take.ended_ms)
    finished = [v for v in take.visits if window.started_ms < v.ended_ms <= end_ms]
    opened = [c.data["to"] for c in take.crumbs if c.category == "navigation" and _in(window, c)]
    event: JsonObject = {
        "type": "replay_event",
        "replay_type": "session",
        "segment_id": window.segment_id,
        "timestamp": wire.iso(session.at(window.ended_ms)),
        "replay_id": session.replay_id,
        "replay_start_timestamp": wire.iso(session.at(window.started_ms)),
        "urls": opened,
        "error_ids": [],
        "trace_ids": [visit.trace_id for visit in finished],
        "segment_names": [visit.activity for visit in finished],
        "event_id": session.replay_id,
        "contexts": facts.contexts(session, end_ms),
    }
    if window.is_recovered:
        return _recovered(event, session)
    event["contexts"]["trace"] = facts.trace_context(take.visit_at(end_ms))
    return event | facts.scope(session)


def _recovered(event: JsonObject, session: Session) -> JsonObject:
    """Leave out what the next launch no longer knows about the run that died."""
    event["contexts"].pop("app")
    return event | {
        "trace_ids": [],
        "segment_names": [],
        "platform": "java",
        "user": {"id": session.install_id},
    }


def _in(window: Window, noted: Crumb | Touch) -> bool:
    return window.started_ms <= noted.at_ms < window.ended_ms


def _recording(session: Session, window: Window, video: EncodedVideo) -> list[JsonObject]:
    take = session.take
    start = session.at(window.started_ms)
    events = [_custom(session.at(c.at_ms), "breadcrumb", _crumb(session, c))
              for c in take.crumbs if _in(window, c)]  # fmt: skip
    events += [_touch(session, touch) for touch in take.touches if _in(window, touch)]
    requests = [request for visit in take.visits for request in visit.requests]
    events += [
        _custom(session.at(r.ended_ms), "performanceSpan", _span(session, r))
        for r in requests
        if window.started_ms <= r.ended_ms < window.ended_ms
    ]
    events.sort(key=lambda event: int(event["timestamp"]))
    if window.segment_id == 0:
        packed = session.at(window.ended_ms) + _OPTIONS_DELAY_MS
        events.append(_custom(packed, "options", _OPTIONS))
    size = {"href": "", "height": video.height, "width": video.width}
    meta: JsonObject = {"type": 4, "timestamp": start, "data": size}
    return [meta, _custom(start, "video", _video(window, video)), *events]


def _custom(at_ms: int, tag: str, payload: JsonObject) -> JsonObject:
    return {"type": 5, "timestamp": at_ms, "data": {"tag": tag, "payload": payload}}


def _video(window: Window, video: EncodedVideo) -> JsonObject:
    return {
        "segmentId": window.segment_id,
        "size": len(video.data),
        "duration": video.duration_ms,
        "encoding": "h264",
        "container": "mp4",
        "height": video.height,
        "width": video.width,
        "frameCount": video.frames,
        "frameRate": 1,
        "frameRateType": "constant",
        "left": 0,
        "top": 0,
    }


def _crumb(session: Session, crumb: Crumb) -> JsonObject:
    payload: JsonObject = {
        "type": "default",
        "timestamp": session.seconds(crumb.at_ms),
        "category": crumb.category,
    }
    if crumb.message is not None:
        payload["message"] = crumb.message
    if crumb.level is not None:
        payload["level"] = crumb.level
    return payload | {"data": crumb.data}


def _touch(session: Session, touch: Touch) -> JsonObject:
    at_ms = session.at(touch.at_ms)
    if touch.kind == "move":
        positions = [{"id": 0, "x": x, "y": y, "timeOffset": offset_ms}
                     for offset_ms, x, y in touch.path]  # fmt: skip
        data: JsonObject = {"source": 6, "positions": positions, "pointerId": 0}
        return {"type": 3, "timestamp": at_ms, "data": data}
    _, x, y = touch.path[0]
    data = {"source": 2, "type": _TOUCH_TYPES[touch.kind], "id": 0, "x": x, "y": y}
    return {"type": 3, "timestamp": at_ms, "data": data | {"pointerType": 2, "pointerId": 0}}


def _span(session: Session, request: Request) -> JsonObject:
    data: JsonObject = {"method": request.method, "statusCode": request.status}
    if request.sent_bytes:
        data["requestBodySize"] = request.sent_bytes
    data["responseBodySize"] = request.got_bytes
    if request.sent is not None:
        data["request"] = _details(request, "request")
        data["response"] = _details(request, "response")
    return {
        "op": "resource.http",
        "description": request.url,
        "startTimestamp": session.seconds(request.started_ms),
        "endTimestamp": session.seconds(request.ended_ms),
        "data": data,
    }


def _details(request: Request, side: Literal["request", "response"]) -> JsonObject:
    is_request = side == "request"
    size = request.sent_bytes if is_request else request.got_bytes
    headers = {"Content-Type": "application/json", "Content-Length": str(size)}
    headers |= {"Accept": "application/json"} if is_request else {}
    return {"size": size, "headers": headers, "body": request.sent if is_request else request.got}
