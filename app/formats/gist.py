"""What is noted of a recording beside its events: counts, sizes, and when the app left the screen.

    of    from events that were built, whatever they hold
    skim  from the JSON itself, typed, in a fifth of the time; gives up on anything unusual

Both say the same of the same recording (a property test holds them to it).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from app.core.errors import Refused
from app.core.limits import LIMITS
from app.formats import activity, jsonish, recording, timestamps
from app.formats.jsonish import JsonObject
from app.formats.recording import VideoFacts

_TAP: Final = "ui.tap"
_RAGE_TAP: Final = "ui.multiClick"
_LEAVING: Final = frozenset({"app.background", "app.inactive"})
_COMING: Final = frozenset({"app.foreground", "app.active"})
_FAILED: Final = range(400, 1_000)
_REQUEST: Final = "resource."
_SURROGATE: Final = b"\\u"
_SILENT: Final = frozenset({0, 1, 2, recording.INCREMENTAL})
"""Event types of the page itself and of touches."""


@dataclass(frozen=True, slots=True)
class Gist:
    """What is noted of one segment's recording. Times are ms since 1970 on the device's clock."""

    events: int = 0
    first_ms: int | None = None
    """The times of the first and the last event that have one."""
    last_ms: int | None = None
    size_px: tuple[int, int] | None = None
    video: VideoFacts | None = None
    breadcrumbs: int = 0
    taps: int = 0
    rage_taps: int = 0
    network_requests: int = 0
    network_failures: int = 0
    background_ms: int | None = None
    """When the app last left the screen in this segment, and when it last came back."""
    foreground_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Skimmed:
    """A recording that was read without building its events."""

    gist: Gist
    text: bytes
    """The events as a JSON list in time order, byte for byte as each came."""
    spoken: bytes
    """The events that hold text, as they came: what scrubbing must look at."""


def of(events: Sequence[JsonObject]) -> Gist:
    """Note what the events of `recording.read` say."""
    seen = activity.read(events, with_touches=False)
    return _gist(
        [event.get("timestamp") for event in events],
        ((crumb.category, crumb.at_ms) for crumb in seen.breadcrumbs),
        ((span.op, span.status) for span in seen.spans),
        size_px=recording.size(events),
        video=recording.video_facts(events),
    )


def skim(text: bytes) -> Skimmed | None:
    """Note what a recording's JSON list says.

    Args:
        text: What `recording.body_of` returns.

    Returns:
        None when it is unusual in any way: broken, nested too deep, of unexpected types or fields.
        Then `recording.read` and `of` have the answer.
    """
    try:
        if _SURROGATE in text and b"\\ud" in text.lower():
            return None
        if not text.isascii():
            text.decode()
        jsonish.check_shape(text, "recording")
        return _skim(text)
    except (ValueError, RecursionError, Refused):
        return None


class _Event(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: int
    timestamp: int | float
    data: msgspec.Raw


class _CrumbPayload(msgspec.Struct, gc=False):
    category: str | None = None


class _Crumb(msgspec.Struct, tag_field="tag", tag="breadcrumb", gc=False):
    payload: _CrumbPayload


class _SpanData(msgspec.Struct, gc=False):
    statusCode: int | float | None = None  # noqa: N815 - the wire's name


class _SpanPayload(msgspec.Struct, gc=False):
    op: str | None = None
    data: _SpanData | None = None


class _Span(msgspec.Struct, tag_field="tag", tag="performanceSpan", gc=False):
    payload: _SpanPayload


class _Video(msgspec.Struct, tag_field="tag", tag="video", gc=False):
    payload: dict[str, Any]


class _Options(msgspec.Struct, tag_field="tag", tag="options", gc=False):
    payload: dict[str, Any]


_decode_events: Final = msgspec.json.Decoder(list[_Event]).decode
_decode_raw: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_custom: Final = msgspec.json.Decoder(_Crumb | _Span | _Video | _Options).decode


def _skim(text: bytes) -> Skimmed | None:
    events = _decode_events(text)
    if len(events) > LIMITS.recording_events:
        return None
    crumbs: list[tuple[str, int]] = []
    spans: list[tuple[str, float | None]] = []
    built: list[JsonObject] = []
    spoken: list[msgspec.Raw] = []
    raw = _decode_raw(text)
    # In time order, because the first event of a kind decides; a stable sort, as reading does.
    places = sorted(range(len(events)), key=lambda place: events[place].timestamp)
    for place in places:
        event = events[place]
        if event.type in _SILENT:
            continue
        # The whole of it: a name that stands twice would hide one of its values.
        spoken.append(raw[place])
        at_ms = timestamps.read_epoch_ms(event.timestamp)
        if at_ms is None:
            return None
        if event.type == recording.CUSTOM:
            _note_custom(event, at_ms, crumbs, spans, built)
        elif event.type == recording.META:
            built.append(_built(event, msgspec.json.decode(event.data)))
    gist = _gist(
        [events[place].timestamp for place in places],
        crumbs,
        spans,
        size_px=recording.size(built),
        video=recording.video_facts(built),
    )
    if places != list(range(len(events))):
        text = b"[" + b",".join(bytes(raw[place]) for place in places) + b"]"
    return Skimmed(gist, text, b"\n".join(map(bytes, spoken)))


def _note_custom(
    event: _Event,
    at_ms: int,
    crumbs: list[tuple[str, int]],
    spans: list[tuple[str, float | None]],
    built: list[JsonObject],
) -> None:
    match _decode_custom(event.data):
        case _Crumb(payload):
            crumbs.append((payload.category or "default", at_ms))
        case _Span(payload):
            spans.append((payload.op or "", payload.data.statusCode if payload.data else None))
        case _Video(payload):
            built.append(_built(event, {"tag": "video", "payload": payload}))
        case _:
            pass


def _built(event: _Event, data: Any) -> JsonObject:
    return {"type": event.type, "timestamp": event.timestamp, "data": data}


def _first_ms(times: Iterable[object]) -> int | None:
    """Return the first that is a time of a living clock."""
    read = (timestamps.read_epoch_ms(one) for one in times)
    return next((ms for ms in read if ms is not None), None)


def _gist(
    times: Sequence[object],
    crumbs: Iterable[tuple[str, int]],
    spans: Iterable[tuple[str, float | None]],
    *,
    size_px: tuple[int, int] | None,
    video: VideoFacts | None,
) -> Gist:
    """Add up, from times in order, notes (category, time) and spans (operation, status)."""
    noted = list(crumbs)
    statuses = [status for op, status in spans if op.startswith(_REQUEST)]
    return Gist(
        events=len(times),
        first_ms=_first_ms(times),
        last_ms=_first_ms(reversed(times)),
        size_px=size_px,
        video=video,
        breadcrumbs=len(noted),
        taps=sum(category == _TAP for category, _ in noted),
        rage_taps=sum(category == _RAGE_TAP for category, _ in noted),
        network_requests=len(statuses),
        network_failures=sum(status in _FAILED for status in statuses),
        background_ms=max(
            (at_ms for category, at_ms in noted if category in _LEAVING), default=None
        ),
        foreground_ms=max(
            (at_ms for category, at_ms in noted if category in _COMING), default=None
        ),
    )
