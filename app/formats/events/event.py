"""Reads an error or message event: what went wrong, where, and what it belongs to.

Every member is optional on the wire and may be of the wrong type; a member that cannot be read
counts as absent.

Source: docs/protocol.md, sections 7.1 and 9.1 to 9.3.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import msgspec

from app.core import ids
from app.core.errors import OversizedInput
from app.core.ids import EventId, ReplayId, SpanId, TraceId
from app.core.limits import LIMITS
from app.formats import jsonish, timestamps
from app.formats.events import exceptions, messages
from app.formats.jsonish import JsonObject
from app.formats.replay.replay_event import User, read_user
from app.formats.wire.envelope import EnvelopeHeader

ProblemKind = Literal["crash", "anr", "app_hang", "native_crash", "watchdog", "error", "message"]

DEFAULT_ENVIRONMENT: Final = "production"
_NAME_CHARS: Final = 200
_LINE_CHARS: Final = 300
_VALUE_CHARS: Final = 8_000
_MESSAGE_CHARS: Final = 16 * 1024
_UNLABELED: Final = "<unlabeled event>"

_LEVELS: Final = {
    "fatal": "fatal", "critical": "fatal", "50": "fatal",
    "error": "error", "40": "error",
    "warning": "warning", "warn": "warning", "30": "warning",
    "info": "info", "log": "info", "20": "info",
    "debug": "debug", "trace": "debug", "10": "debug",
}  # fmt: skip
"""The level behind every word in use; raven wrote the numbers of Python's logging."""

_KINDS: Final[dict[str, ProblemKind]] = {
    "UncaughtExceptionHandler": "crash",
    "mach": "crash", "signal": "crash", "nsexception": "crash", "cpp_exception": "crash",
    "user": "crash",
    "signalhandler": "native_crash", "Tombstone": "native_crash", "TombstoneMerged": "native_crash",
    "ANR": "anr", "AppExitInfo": "anr", "HistoricalAppExitInfo": "anr",
    "AppHang": "app_hang", "mx_hang_diagnostic": "app_hang",
    "watchdog_termination": "watchdog",
}  # fmt: skip
"""The kind of a problem by the mechanism that caught it."""
CRASHES: Final = frozenset({"crash", "native_crash", "watchdog"})
"""Kinds of problems that end the app."""
HANGS: Final = frozenset({"anr", "app_hang"})
"""Kinds of problems during which the app does not react."""
BACKEND_PLATFORMS: Final = frozenset(
    {"python", "node", "ruby", "go", "php", "elixir", "rust", "perl"}
)
"""Platforms of services. Apps report as java, cocoa, javascript, dart, native, other, or as csharp
(Unity, MAUI)."""
_UNKNOWN_FUNCTION: Final = "?"
_ANR_TYPE: Final = "ApplicationNotResponding"
_APP_HANG_TYPE: Final = "App Hang"


@dataclass(frozen=True, slots=True)
class Problem:
    """The problem that an event reports: the part that is the same each time it happens."""

    kind: ProblemKind
    level: str
    """One of fatal, error, warning, info and debug."""
    title: str
    """One line: type and value of the exception, or the message."""
    culprit: str | None
    """The place where it happened: the transaction, or else the last function of the app."""
    exception_type: str | None
    exception_value: str | None
    mechanism: str | None
    handled: bool | None
    """False if nobody caught it, or None if the SDK does not say."""


@dataclass(frozen=True, slots=True)
class Event:
    """One error or message; ids are lower-case hex."""

    event_id: EventId
    at: datetime | None
    """The moment at which it happened, by the sender's clock."""
    platform: str | None
    release: str | None
    environment: str
    trace_id: TraceId | None
    span_id: SpanId | None
    parent_span_id: SpanId | None
    """Span of another service that caused this one, or None if the event names none."""
    replay_id: ReplayId | None
    user: User
    sdk_name: str | None


PROBLEM_MEMBERS: Final = (
    "exception", "threads", "stacktrace", "message", "logentry", "level", "transaction", "contexts",
)  # fmt: skip
"""The members that `read_problem` reads."""
EVENT_MEMBERS: Final = (
    "event_id", "timestamp", "platform", "release", "environment", "contexts", "tags", "user",
    "sdk",
)  # fmt: skip
"""The members that `read_event` reads of an event with an id."""


def read_problem(raw: JsonObject) -> Problem:
    """Read what went wrong.

    Args:
        raw: The event as decoded, or its members in `PROBLEM_MEMBERS`.
    """
    chain = exceptions.list_exceptions(raw)
    main = _find_main_exception(chain)
    level = _read_level(raw)
    message = messages.format_message(raw, limit=_MESSAGE_CHARS)
    handled = _is_handled(chain)
    frame = exceptions.find_main_frame(raw, main)
    return Problem(
        kind=_find_kind(chain, level=level, handled=handled, message=message),
        level=level,
        title=_write_title(main, frame, message),
        culprit=_read_text(raw, "transaction") or _write_place(frame),
        exception_type=_read_text(main, "type"),
        exception_value=jsonish.text(main, "value", limit=_VALUE_CHARS),
        mechanism=_read_text(exceptions.get_mechanism(main), "type"),
        handled=handled,
    )


def read_event(raw: JsonObject, header: EnvelopeHeader) -> Event:
    """Read what an event belongs to: its user, its time, its trace and its replay.

    Args:
        raw: The event as decoded. Its members in `EVENT_MEMBERS` are enough if the event or the
            header has an id; otherwise the id is made of the whole event.
        header: The header of its envelope, which on Android is all that names the replay.
    """
    trace = jsonish.mapping(jsonish.mapping(raw, "contexts"), "trace")
    return Event(
        event_id=read_event_id(raw, header),
        at=timestamps.read_at(raw.get("timestamp")),
        platform=_read_text(raw, "platform"),
        release=_read_text(raw, "release"),
        environment=_read_text(raw, "environment") or DEFAULT_ENVIRONMENT,
        trace_id=read_trace_id(trace, header),
        span_id=read_span_id(trace.get("span_id")),
        parent_span_id=read_span_id(trace.get("parent_span_id")),
        replay_id=read_replay_id(raw, header),
        user=read_user(raw),
        sdk_name=read_sdk(raw, header)[0],
    )


# Readers that transactions share with events


def decode_event(data: bytes | memoryview, item_type: str) -> JsonObject:
    """Decode an event, or an item of a type that has the same limit.

    Raises:
        MalformedInput: It is not a JSON object.
        OversizedInput: It is over `LIMITS.event_bytes`, or has too many values.
    """
    check_event_size(data, item_type)
    return jsonish.decode_object(data, item_type)


def check_event_size(data: bytes | memoryview, item_type: str) -> None:
    """Refuse an event that is too large, or an item of a type that has the same limit.

    Raises:
        OversizedInput: It is over `LIMITS.event_bytes`.
    """
    if len(data) > LIMITS.event_bytes:
        raise OversizedInput(f"{item_type} has {len(data)} bytes, {LIMITS.event_bytes} are allowed")


def read_event_id(raw: JsonObject, header: EnvelopeHeader) -> EventId:
    """Read the id of an event, or take that of the envelope, or make one of the whole event.

    An event without an id therefore has the same id each time it is read or sent.
    """
    return EventId(ids.read_hex32(raw.get("event_id")) or header.event_id or _make_event_id(raw))


def _make_event_id(raw: JsonObject) -> str:
    return hashlib.sha256(msgspec.json.encode(raw, order="sorted")).hexdigest()[:32]


def read_trace_id(trace: JsonObject, header: EnvelopeHeader) -> TraceId | None:
    """Read the id of the trace from the trace context, or else from the envelope."""
    trace_id = ids.read_hex32(trace.get("trace_id")) or header.trace.trace_id
    return TraceId(trace_id) if trace_id else None


def read_span_id(value: object) -> SpanId | None:
    """Read the id of a span; None for a value that is not one."""
    span_id = ids.read_hex16(value)
    return SpanId(span_id) if span_id else None


def read_replay_id(raw: JsonObject, header: EnvelopeHeader) -> ReplayId | None:
    """Find the replay of an event: in its contexts, then in its tags, then in the envelope."""
    contexts = jsonish.mapping(raw, "contexts")
    replay_id = (
        ids.read_hex32(jsonish.mapping(contexts, "replay").get("replay_id"))
        or ids.read_hex32(jsonish.mapping(contexts, "feedback").get("replay_id"))
        or ids.read_hex32(jsonish.pairs(raw, "tags").get("replayId"))
        or header.trace.replay_id
    )
    return ReplayId(replay_id) if replay_id else None


def read_sdk(raw: JsonObject, header: EnvelopeHeader) -> tuple[str | None, str | None]:
    """Read name and version of the SDK from the event, or else from the envelope."""
    sdk = jsonish.mapping(raw, "sdk")
    name = _read_text(sdk, "name")
    return (name, _read_text(sdk, "version")) if name else (header.sdk_name, header.sdk_version)


# Readers of problems


def _read_text(obj: JsonObject, key: str) -> str | None:
    return jsonish.text(obj, key, limit=_NAME_CHARS)


def _read_level(raw: JsonObject) -> str:
    """Read the level; an event without a level is an error."""
    return _LEVELS.get((_read_text(raw, "level") or "").strip().lower(), "error")


def _find_main_exception(chain: Sequence[JsonObject]) -> JsonObject:
    """Find the exception that names the event: the last with content; `{}` if there is none."""
    for exception in reversed(chain):
        if _read_text(exception, "type") or _read_text(exception, "value"):
            return exception
    return {}


def _is_handled(chain: Sequence[JsonObject]) -> bool | None:
    """Tell whether the app caught the exceptions; None if the event does not say.

    They count as not caught if one of them says so. iOS says nothing in rare cases; then a
    mechanism that only sees the end of an app means the same.
    """
    marks: set[bool | None] = set()
    for exception in chain:
        mechanism = exceptions.get_mechanism(exception)
        handled = jsonish.flag(mechanism, "handled")
        if handled is None and _KINDS.get(_read_text(mechanism, "type") or "") in CRASHES:
            handled = False
        marks.add(handled)
    if False in marks:
        return False
    return True if True in marks else None


def _find_kind(
    chain: Sequence[JsonObject], *, level: str, handled: bool | None, message: str | None
) -> ProblemKind:
    """Find the kind of a problem, first of all by its mechanism."""
    for exception in reversed(chain):
        kind = _KINDS.get(_read_text(exceptions.get_mechanism(exception), "type") or "")
        if kind and not (kind in CRASHES and handled):
            return kind
        name = _read_text(exception, "type") or ""
        if name == _ANR_TYPE:
            return "anr"
        if name.startswith(_APP_HANG_TYPE):
            return "app_hang"
    if chain:
        return "crash" if level == "fatal" and handled is False else "error"
    return "message" if message else "error"


def _write_title(main: JsonObject, frame: exceptions.Frame | None, message: str | None) -> str:
    """Write the one line that names an event."""
    name = _read_text(main, "type")
    if name and jsonish.flag(exceptions.get_mechanism(main), "synthetic"):
        name = _read_function(frame) or name
    parts = [part for part in (name, _find_first_line(jsonish.text(main, "value"))) if part]
    return _shorten_line(": ".join(parts) or _find_first_line(message) or _UNLABELED)


def _find_first_line(text: str | None) -> str:
    """Return the first line that is not blank."""
    return next((line.strip() for line in (text or "").splitlines() if line.strip()), "")


def _shorten_line(line: str) -> str:
    return line if len(line) <= _LINE_CHARS else f"{line[: _LINE_CHARS - 1]}…"


def _write_place(frame: exceptions.Frame | None) -> str | None:
    """Write the place of a frame: `com.example.Cart in checkout`."""
    if frame is None:
        return None
    where = frame.module or frame.filename or frame.package
    place = " in ".join(part for part in (where, _read_function(frame)) if part)
    return _shorten_line(place) or None


def _read_function(frame: exceptions.Frame | None) -> str | None:
    """Return the function of a frame; SDKs write `?` for one that they do not know."""
    return frame.function if frame and frame.function != _UNKNOWN_FUNCTION else None
