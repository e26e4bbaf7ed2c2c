"""Reads and sums up a recording without building its events, in a fifth of the time.

    JSON list ─┬► typed events ─► summary
               └► raw events ───► the same JSON, sorted by time

It reads what mobile SDKs usually send, and leaves everything else to `recording.read_recording` and
`recording_summary.summarize_recording`. What it reads, those would read in the same way.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from app.core.errors import RequestRefused
from app.core.limits import LIMITS
from app.formats import jsonish, timestamps
from app.formats.jsonish import JsonObject
from app.formats.replay import activity, recording, recording_summary
from app.formats.replay.recording_summary import (
    MaskSettings,
    RecordingNotes,
    RecordingSummary,
)

_USUAL_HEADER: Final = re.compile(rb'\{"segment_id": *[0-9]{1,5}\}\s*\Z')
_REQUEST: Final = "resource."
_WITHOUT_TEXT: Final = frozenset({0, 1, 2, recording.INCREMENTAL})
"""Types of events of a web page and of touches, which scrubbing leaves alone."""


class RawRecording(msgspec.Struct, frozen=True, gc=False):
    """A recording whose events stay JSON."""

    summary: RecordingSummary
    events_json: bytes
    """The events as a JSON list in time order, each byte for byte as it was sent."""
    events_with_text: bytes
    """The events in which scrubbing has to look for secrets, one on each line."""


class _Details(msgspec.Struct, gc=False):
    statusCode: int | float | None = None  # noqa: N815 - the wire's name


class _Payload(msgspec.Struct, gc=False):
    """The payload of a breadcrumb, span or video; no two of them share the name of a member."""

    category: str | None = None
    op: str | None = None
    data: _Details | None = None
    duration: Any = None
    maskAllText: Any = None  # noqa: N815 - the wire's name
    maskAllImages: Any = None  # noqa: N815 - as above


class _Data(msgspec.Struct, gc=False):
    tag: str | None = None
    payload: _Payload | None = None
    width: Any = None
    height: Any = None


class _TypedEvent(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: int
    timestamp: int | float
    data: _Data


_decode_typed_events: Final = msgspec.json.Decoder(list[_TypedEvent]).decode
_decode_raw_events: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode


def try_read_recording(data: bytes | memoryview) -> RawRecording | None:
    """Read a recording, if it is as mobile SDKs usually send it.

    Returns:
        None for a recording that is unusual in any way: broken, too large, nested too deep, with
        unexpected types, fields or tags, or with times of two clocks.
    """
    try:
        header_line, text = recording.open_recording(data)
        if not _USUAL_HEADER.match(header_line) or not text.startswith(b"["):
            return None
        if b"\\" in text and b"\\ud" in text.lower():
            return None  # it may be half of a surrogate pair, which the plain reader mends
        if not text.isascii():
            text.decode()
        jsonish.check_shape(text, "recording")
        return _read_events(text)
    except (ValueError, RecursionError, RequestRefused):
        return None


def _read_events(text: bytes) -> RawRecording | None:
    events, raw_events = _decode_typed_events(text), _decode_raw_events(text)
    if len(events) > LIMITS.recording_events:
        return None
    notes = _take_notes(events)
    times = [event.timestamp for event in events]
    times_in_order = sorted(times)
    if notes is None or not _are_of_one_clock(times_in_order):
        return None
    # All of the raw event, not only its typed part: of a name that stands twice, the typed part
    # has one value, and the other could hold a secret.
    with_text = [
        raw
        for raw, event in zip(raw_events, events, strict=True)
        if event.type not in _WITHOUT_TEXT
    ]
    if times != times_in_order:
        order = sorted(range(len(times)), key=times.__getitem__)
        text = b"[%b]" % b",".join([raw_events[place] for place in order])
    summary = recording_summary.build_summary(times_in_order, notes)
    return RawRecording(summary, text, b"\n".join(with_text))


def _are_of_one_clock(times: Sequence[float]) -> bool:
    """Tell whether the first and the last time are both of a clock that was set, or both not."""
    edges_ms = [timestamps.read_epoch_ms(time) for time in (*times[:1], *times[-1:])]
    return (
        None not in edges_ms
        and len({ms is not None and timestamps.is_set_ms(ms) for ms in edges_ms}) <= 1
    )


def _take_notes(events: Sequence[_TypedEvent]) -> RecordingNotes | None:
    """Sort out what the events say, whatever their order; None if one is of an unknown kind.

    Raises:
        ValueError: The settings of the SDK are unusual.
    """
    notes = RecordingNotes()
    videos: list[_TypedEvent] = []
    settings: list[_Payload] = []
    for event in [event for event in events if event.type == recording.CUSTOM]:
        payload = event.data.payload
        if payload is None:
            return None
        match event.data.tag:
            case "breadcrumb":
                category = payload.category or "default"
                notes.breadcrumb_times_ms.setdefault(category, []).append(event.timestamp)
            case "performanceSpan":
                if payload.op and payload.op.startswith(_REQUEST):
                    status = activity.read_status(payload.data.statusCode) if payload.data else None
                    notes.requests.append((payload.op, status))
            case "video":
                videos.append(event)
            case "options":
                settings.append(payload)
            case _:
                return None
    notes.mask = _read_mask_settings(settings)
    screens = [event for event in events if event.type == recording.META]
    notes.size_px = recording.read_screen_size_px(_build_events(screens))
    notes.video = recording.read_declared_video(_build_events(videos))
    return notes


def _read_mask_settings(settings: Sequence[_Payload]) -> MaskSettings:
    """Return what the settings of the SDK say about masks.

    Raises:
        ValueError: They are unusual.
    """
    if not settings:
        return MaskSettings()
    flags = settings[0].maskAllText, settings[0].maskAllImages
    # Of several settings the first that says anything counts; flags may be numbers or texts.
    if len(settings) > 1 or any(not isinstance(flag, bool | None) for flag in flags):
        raise ValueError("the settings of the SDK are unusual")
    return MaskSettings(*flags)


def _build_events(events: Iterable[_TypedEvent]) -> list[JsonObject]:
    """Build events of one kind in time order: the first of them decides, as in the plain reader."""
    built: list[JsonObject] = msgspec.to_builtins(sorted(events, key=lambda event: event.timestamp))
    return built
