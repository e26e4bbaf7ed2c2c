"""What is noted of a recording beside its events: counts, sizes, and when the app left the screen.

    of    from events that were built, whatever they hold
    skim  from the JSON itself, typed, in a fifth of the time; gives up on anything unusual

Both say the same of the same recording (a property test holds them to it).
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from app.core.errors import RequestRefused
from app.core.limits import LIMITS
from app.formats import jsonish, timestamps
from app.formats.jsonish import JsonObject
from app.formats.replay import activity, recording
from app.formats.replay.recording import DeclaredVideo

_TAP: Final = "ui.tap"
_RAGE_TAP: Final = "ui.multiClick"
_LEAVING: Final = frozenset({"app.background", "app.inactive"})
_COMING: Final = frozenset({"app.foreground", "app.active"})
_REQUEST: Final = "resource."
_SILENT: Final = frozenset({0, 1, 2, recording.INCREMENTAL})
"""Event types of the page itself and of touches."""


class RecordingSummary(msgspec.Struct, frozen=True, gc=False):
    """What is noted of one segment's recording. Times are ms since 1970 on the device's clock."""

    events: int = 0
    first_ms: int | None = None
    """The times of the first and the last event that have one."""
    last_ms: int | None = None
    size_px: tuple[int, int] | None = None
    video: DeclaredVideo | None = None
    breadcrumbs: int = 0
    taps: int = 0
    rage_taps: int = 0
    network_requests: int = 0
    network_failures: int = 0
    background_ms: int | None = None
    """When the app last left the screen in this segment, and when it last came back."""
    foreground_ms: int | None = None


class RawRecording(msgspec.Struct, frozen=True, gc=False):
    """A recording that was read without building its events."""

    summary: RecordingSummary
    text: bytes
    """The events as a JSON list in time order, byte for byte as each came."""
    spoken: bytes
    """The events that hold text, as they came: what scrubbing must look at."""


class _Noted(msgspec.Struct, gc=False):
    """What the events of a recording tell, sorted out."""

    crumbs: dict[str, list[float]] = {}
    """Their times by category, ms since 1970."""
    requests: list[tuple[str, int | None]] = []
    """Their operation and their status."""
    size_px: tuple[int, int] | None = None
    video: DeclaredVideo | None = None


def summarize_recording(events: Sequence[JsonObject]) -> RecordingSummary:
    """Note what the events of `recording.read` say."""
    seen = activity.read_activity(events, with_touches=False)
    noted = _Noted(
        requests=[(span.op, span.status) for span in seen.spans if span.is_request],
        size_px=recording.read_screen_size_px(events),
        video=recording.read_declared_video(events),
    )
    for crumb in seen.breadcrumbs:
        noted.crumbs.setdefault(crumb.category, []).append(crumb.at_ms)
    return _gist([event.get("timestamp") for event in events], noted)


def try_read_recording(text: bytes) -> RawRecording | None:
    """Note what a recording's JSON list says.

    Args:
        text: What `recording.body_of` returns.

    Returns:
        None when it is unusual in any way: broken, nested too deep, of unexpected types or fields.
        Then `recording.read` and `of` have the answer.
    """
    try:
        if b"\\" in text and b"\\ud" in text.lower():
            return None
        if not text.isascii():
            text.decode()
        jsonish.check_shape(text, "recording")
        return _skim(text)
    except (ValueError, RecursionError, RequestRefused):
        return None


class _Details(msgspec.Struct, gc=False):
    statusCode: int | float | None = None  # noqa: N815 - the wire's name


class _Payload(msgspec.Struct, gc=False):
    """Of a note, a span or a video: their members have names of their own."""

    category: str | None = None
    op: str | None = None
    data: _Details | None = None
    duration: Any = None


class _Data(msgspec.Struct, gc=False):
    tag: str | None = None
    payload: _Payload | None = None
    width: Any = None
    height: Any = None


class _Event(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: int
    timestamp: int | float
    data: _Data


_decode_events: Final = msgspec.json.Decoder(list[_Event]).decode
_decode_raw: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode


def _skim(text: bytes) -> RawRecording | None:
    events, raw = _decode_events(text), _decode_raw(text)
    if len(events) > LIMITS.recording_events:
        return None
    noted = _noted(events)
    if noted is None:
        return None
    times = [event.timestamp for event in events]
    in_order = sorted(times)
    edges_ms = [timestamps.read_epoch_ms(one) for one in (*in_order[:1], *in_order[-1:])]
    if (
        None in edges_ms
        or len({ms is not None and timestamps.is_set_ms(ms) for ms in edges_ms}) > 1
    ):
        return None
    # The whole of an event: a name that stands twice would hide one of its values.
    spoken = [one for one, event in zip(raw, events, strict=True) if event.type not in _SILENT]
    if times != in_order:
        places = sorted(range(len(times)), key=times.__getitem__)
        text = b"[%b]" % b",".join([raw[place] for place in places])
    return RawRecording(_gist(in_order, noted), text, b"\n".join(spoken))


def _noted(events: Sequence[_Event]) -> _Noted | None:
    """Sort out what events tell, whatever their order; None if one is of an unknown kind."""
    noted = _Noted()
    videos: list[_Event] = []
    for event in [one for one in events if one.type == recording.CUSTOM]:
        payload = event.data.payload
        if payload is None:
            return None
        match event.data.tag:
            case "breadcrumb":
                category = payload.category or "default"
                noted.crumbs.setdefault(category, []).append(event.timestamp)
            case "performanceSpan":
                if payload.op and payload.op.startswith(_REQUEST):
                    status = activity.read_status(payload.data.statusCode) if payload.data else None
                    noted.requests.append((payload.op, status))
            case "video":
                videos.append(event)
            case "options":
                pass
            case _:
                return None
    screens = [one for one in events if one.type == recording.META]
    noted.size_px = recording.read_screen_size_px(_built(screens))
    noted.video = recording.read_declared_video(_built(videos))
    return noted


def _built(events: Iterable[_Event]) -> list[JsonObject]:
    """Build the events of a kind in time order, as reading does: the first one decides."""
    built: list[JsonObject] = msgspec.to_builtins(sorted(events, key=lambda one: one.timestamp))
    return built


def _first_ms(times: Iterable[object]) -> int | None:
    """Return the first that is a time of a living clock."""
    read = [ms for one in times if (ms := timestamps.read_epoch_ms(one)) is not None]
    return next(filter(timestamps.is_set_ms, read), read[0] if read else None)


def _gist(times: Sequence[object], noted: _Noted) -> RecordingSummary:
    """Add up what was noted, beside the times of all events in order."""
    crumbs, requests = noted.crumbs, noted.requests
    return RecordingSummary(
        events=len(times),
        first_ms=_first_ms(times),
        last_ms=_first_ms(reversed(times)),
        size_px=noted.size_px,
        video=noted.video,
        breadcrumbs=sum(map(len, crumbs.values())),
        taps=len(crumbs.get(_TAP, ())),
        rage_taps=len(crumbs.get(_RAGE_TAP, ())),
        network_requests=len(requests),
        network_failures=sum([activity.has_request_failed(op, status) for op, status in requests]),
        background_ms=_latest_ms(noted, _LEAVING),
        foreground_ms=_latest_ms(noted, _COMING),
    )


def _latest_ms(noted: _Noted, categories: frozenset[str]) -> int | None:
    times = [max(noted.crumbs[one]) for one in categories & noted.crumbs.keys()]
    return round(max(times)) if times else None
