"""Makes valid envelopes, byte for byte as SDKs frame them, and changes one detail.

    replay_video_envelope()                          a segment of an Android app, with a real video
    replay_video_envelope(segment_id=3, video=None)  the fourth one, its video lost
    event_envelope(replay_id=None)                   an error that belongs to no replay
    gzipped(transaction_envelope())                  as it goes over the wire

From the outside in: `gzipped`, `envelope`, `item`, `pack`; then `payloads` and `recordings`.
`**changes` replace top-level members of the payload; `MISSING` removes one.
"""

import gzip
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.support.builders import clips, payloads, recordings
from tests.support.builders.wire import (
    EVENT_ID,
    KEY,
    MISSING,
    REPLAY_ID,
    SEGMENT_MS,
    STARTED_MS,
    TRACE_ID,
    Json,
    changed,
    compact,
    iso,
)

_DEFAULT: Final = bytes(bytearray(b"default"))
"""Told apart by identity."""


def gzipped(body: bytes, *, members: int = 1) -> bytes:
    """Compress a body; with more `members` it is cut into that many gzip streams in a row."""
    step = max(1, -(-len(body) // members))
    pieces = [body[at : at + step] for at in range(0, max(len(body), 1), step)]
    return b"".join(gzip.compress(piece, mtime=0) for piece in pieces)


def auth_header(key: str = KEY, *, client: str = "sentry.java.android/8.53.0") -> str:
    """Return the value of X-Sentry-Auth."""
    return f"Sentry sentry_version=7,sentry_client={client},sentry_key={key}"


def auth_query(key: str = KEY, *, client: str = "sentry.javascript.browser%2F10.3.0") -> str:
    """Return the query string by which browsers authenticate."""
    return f"sentry_version=7&sentry_key={key}&sentry_client={client}"


def headers(key: str = KEY, *, encoding: str | None = "gzip") -> dict[str, str]:
    """Return the request headers of a mobile SDK; `encoding=None` for a plain body."""
    lines = {"X-Sentry-Auth": auth_header(key), "Content-Type": "application/x-sentry-envelope"}
    return lines | ({"Content-Encoding": encoding} if encoding else {})


def envelope(header: Json, *items: bytes, last_line_feed: bool = True) -> bytes:
    """Put a header line and items (see `item`) together."""
    body = compact(header) + b"\n" + b"".join(items)
    return body if last_line_feed else body.removesuffix(b"\n")


def item(kind: str, payload: bytes | Json | list[Any], **header: Any) -> bytes:
    """Frame one item: its header with a length, the payload, a line feed.

    Args:
        kind: The `type`.
        payload: Bytes, or a value to be written as JSON.
        header: More members; `length=MISSING` leaves the length out, as JavaScript SDKs do.
    """
    data = payload if isinstance(payload, bytes) else compact(payload)
    return compact(changed({"type": kind, "length": len(data)}, header)) + b"\n" + data + b"\n"


def envelope_header(
    *,
    event_id: str | None = REPLAY_ID,
    replay_id: str | None = REPLAY_ID,
    trace_id: str | None = TRACE_ID,
    platform: str = "android",
    sent_ms: int | None = None,
    **changes: Any,
) -> Json:
    """Return a first line; without `trace_id` it has no `trace`."""
    name, version, _ = payloads.SDKS[platform]
    trace = {"trace_id": trace_id, "public_key": KEY, "release": "shop@4.2.0", "sampled": "true"}
    trace |= {"environment": "production", "replay_id": replay_id} if replay_id else {}
    return changed(
        {
            "event_id": event_id or MISSING,
            "sdk": {"name": name, "version": version},
            "trace": trace if trace_id else MISSING,
            "sent_at": iso(sent_ms if sent_ms is not None else STARTED_MS + 60_000),
        },
        changes,
    )


def replay_video_envelope(
    segment_id: int = 0,
    *,
    replay_id: str = REPLAY_ID,
    replay_started_ms: int = STARTED_MS,
    started_ms: int | None = None,
    duration_ms: int = SEGMENT_MS,
    video: bytes | None = _DEFAULT,
    events: list[Any] | None = None,
    recording_bytes: bytes | None = _DEFAULT,
    platform: str = "android",
    trace_id: str | None = TRACE_ID,
    more_items: Sequence[bytes] = (),
    **changes: Any,
) -> bytes:
    """Return one mobile segment.

    Args:
        segment_id: Segment n begins n times 5 s after the replay unless `started_ms` is given.
        replay_id: Of the replay; also the envelope's `event_id`.
        replay_started_ms: When segment 0 begins.
        started_ms: When this segment begins.
        duration_ms: Of the segment; the default video has one frame a second of it.
        video: MP4 bytes; None leaves the part out.
        events: The rrweb events; by default those of `segment_events`.
        recording_bytes: The whole recording part instead; None leaves it out.
        platform: `android` or `ios`, which differ in types, times, order and trace header.
        trace_id: Of the trace header (Android) and of `contexts.trace`.
        more_items: Framed items that ride along (see `item`).
        changes: Members of the replay event to replace.
    """
    begins_ms = replay_started_ms + segment_id * SEGMENT_MS if started_ms is None else started_ms
    film = clips.clip(frames=max(1, duration_ms // 1000)) if video is _DEFAULT else video
    if recording_bytes is _DEFAULT:
        listed = events
        if listed is None:
            size_bytes = len(film or b"")
            listed = recordings.segment_events(
                segment_id, begins_ms, duration_ms, size_bytes=size_bytes
            )
        recording_bytes = recordings.recording(listed, segment_id)
    account = payloads.replay_event(
        segment_id,
        replay_id=replay_id,
        started_ms=begins_ms,
        ended_ms=begins_ms + duration_ms,
        platform=platform,
        trace_id=trace_id,
        **changes,
    )
    payload = {
        "replay_event": compact(account),
        "replay_recording": recording_bytes,
        "replay_video": film,
    }
    if platform == "ios":
        payload = dict(reversed(payload.items()))
    header = envelope_header(
        event_id=replay_id,
        replay_id=replay_id,
        trace_id=None if platform == "ios" else trace_id,
        platform=platform,
        sent_ms=begins_ms + duration_ms + 500,
    )
    return envelope(header, item("replay_video", pack(payload)), *more_items)


def web_replay_envelope(
    segment_id: int = 0,
    *,
    replay_id: str = REPLAY_ID,
    events: list[Any] | None = None,
    compressed: bool = True,
    **changes: Any,
) -> bytes:
    """Return one browser segment: two items, the recording compressed with zlib."""
    begins_ms = STARTED_MS + segment_id * SEGMENT_MS
    account = payloads.replay_event(
        segment_id,
        replay_id=replay_id,
        started_ms=STARTED_MS,
        ended_ms=begins_ms + SEGMENT_MS,
        platform="web",
        **changes,
    )
    listed = [recordings.breadcrumb("ui.click", begins_ms)] if events is None else events
    return envelope(
        envelope_header(event_id=replay_id, replay_id=replay_id, platform="web"),
        item("replay_event", account, length=MISSING),
        item("replay_recording", recordings.recording(listed, segment_id, compressed=compressed)),
        last_line_feed=False,
    )


def event_envelope(
    event_id: str = EVENT_ID,
    *,
    replay_id: str | None = REPLAY_ID,
    trace_id: str | None = TRACE_ID,
    more_items: Sequence[bytes] = (),
    **changes: Any,
) -> bytes:
    """Return one error of an Android app; only the envelope header names its replay."""
    header = envelope_header(event_id=event_id, replay_id=replay_id, trace_id=trace_id)
    payload = payloads.event(event_id, trace_id=trace_id, **changes)
    return envelope(header, item("event", payload, content_type="application/json"), *more_items)


def transaction_envelope(
    event_id: str = EVENT_ID,
    *,
    replay_id: str | None = REPLAY_ID,
    trace_id: str = TRACE_ID,
    more_items: Sequence[bytes] = (),
    **changes: Any,
) -> bytes:
    """Return one transaction with two spans."""
    header = envelope_header(event_id=event_id, replay_id=replay_id, trace_id=trace_id)
    payload = payloads.transaction(event_id, trace_id=trace_id, **changes)
    return envelope(header, item("transaction", payload), *more_items)


def pack(parts: Mapping[str, bytes | None]) -> bytes:
    """Write the map of a `replay_video` item: str8 keys, bin32 values, None left out."""
    present = [(key.encode(), value) for key, value in parts.items() if value is not None]
    return bytes([0x80 | len(present)]) + b"".join(
        struct.pack(">BB", 0xD9, len(key)) + key + struct.pack(">BI", 0xC6, len(value)) + value
        for key, value in present
    )


def client_report_item(reason: str = "sample_rate", category: str = "replay") -> bytes:
    """Return the report of something that an SDK threw away."""
    lost = [{"reason": reason, "category": category, "quantity": 1}]
    return item("client_report", {"timestamp": STARTED_MS / 1000, "discarded_events": lost})


def attachment_item(data: bytes = b"a note\n", *, filename: str = "notes.txt") -> bytes:
    """Return a file that belongs to the envelope's event."""
    return item("attachment", data, filename=filename, content_type="text/plain")


def feedback_item(message: str = "paying fails", **changes: Any) -> bytes:
    """Return what a person wrote; `changes` replace members of its context."""
    feedback = {"message": message, "contact_email": "ada@example.com", "name": "Ada"}
    contexts = {"feedback": changed(feedback, changes), "trace": {"trace_id": TRACE_ID}}
    return item("feedback", {"timestamp": STARTED_MS / 1000, "contexts": contexts})


def user_report_item(event_id: str = EVENT_ID, **changes: Any) -> bytes:
    """Return the older form of feedback, about an error."""
    report = {
        "event_id": event_id,
        "name": "Ada",
        "email": "ada@example.com",
        "comments": "it fails",
    }
    return item("user_report", changed(report, changes))


def log_item(*bodies: str, trace_id: str | None = TRACE_ID, **attributes: Any) -> bytes:
    """Return a container of log records, one a second, with the same attributes."""
    typed = {name: {"type": "string", "value": value} for name, value in attributes.items()}
    records = [
        {"timestamp": STARTED_MS / 1000 + place, "level": "warn", "body": body}
        | {"trace_id": trace_id, "attributes": typed}
        for place, body in enumerate(bodies)
    ]
    content_type = "application/vnd.sentry.items.log+json"
    return item("log", {"items": records}, content_type=content_type, item_count=len(records))


def session_item(status: str = "ok") -> bytes:
    """Return a release-health session."""
    return item(
        "session",
        {
            "sid": EVENT_ID,
            "init": True,
            "started": iso(STARTED_MS),
            "status": status,
            "errors": 0,
            "attrs": {"release": "shop@4.2.0", "environment": "production"},
        },
    )
