"""Reads an error or message event: what went wrong, where, and what it belongs to.

Everything is optional on the wire and may be of the wrong type; what cannot be read counts as
absent, and the object as sent stays in `raw`.

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
"""By every word that is in use; raven wrote the numbers of Python's logging."""

_KINDS: Final[dict[str, ProblemKind]] = {
    "UncaughtExceptionHandler": "crash",
    "mach": "crash", "signal": "crash", "nsexception": "crash", "cpp_exception": "crash",
    "user": "crash",
    "signalhandler": "native_crash", "Tombstone": "native_crash", "TombstoneMerged": "native_crash",
    "ANR": "anr", "AppExitInfo": "anr", "HistoricalAppExitInfo": "anr",
    "AppHang": "app_hang", "mx_hang_diagnostic": "app_hang",
    "watchdog_termination": "watchdog",
}  # fmt: skip
"""By the mechanism that caught it."""
CRASHES: Final = frozenset({"crash", "native_crash", "watchdog"})
"""Kinds that end the app."""
HANGS: Final = frozenset({"anr", "app_hang"})
"""Kinds in which the app does not answer."""
BACKEND_PLATFORMS: Final = frozenset(
    {"python", "node", "ruby", "go", "php", "elixir", "rust", "perl"}
)
"""Platforms of services; an app reports as java, cocoa, javascript, dart, native, other, or csharp
(Unity, MAUI)."""
_UNKNOWN_FUNCTION: Final = "?"
_ANR_TYPE: Final = "ApplicationNotResponding"
_APP_HANG_TYPE: Final = "App Hang"


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong: the part of an event that is the same each time it happens."""

    kind: ProblemKind
    level: str
    """fatal, error, warning, info or debug."""
    title: str
    """One line: type and value of the exception, or the message."""
    culprit: str | None
    """Where it happened: the transaction, else the last function of the app's own."""
    exception_type: str | None
    exception_value: str | None
    mechanism: str | None
    handled: bool | None
    """False if nobody caught it; None if the SDK does not say."""


@dataclass(frozen=True, slots=True)
class Event:
    """One error or message; ids are lower-case hex."""

    event_id: EventId
    at: datetime | None
    """When it happened, by the sender's clock."""
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
"""What `read_problem` looks at."""
EVENT_MEMBERS: Final = (
    "event_id", "timestamp", "platform", "release", "environment", "contexts", "tags", "user",
    "sdk",
)  # fmt: skip
"""What `read` looks at, if there is an id."""


def read_problem(raw: JsonObject) -> Problem:
    """Read what went wrong.

    Args:
        raw: As decoded; of its members, those of `PROBLEM_MEMBERS`.
    """
    chain = exceptions.list_exceptions(raw)
    main = _main_exception(chain)
    level = _level(raw)
    message = messages.format_message(raw, limit=_MESSAGE_CHARS)
    handled = _handled(chain)
    frame = exceptions.find_main_frame(raw, main)
    return Problem(
        kind=_kind(chain, level=level, handled=handled, message=message),
        level=level,
        title=_title(main, frame, message),
        culprit=_text(raw, "transaction") or _place(frame),
        exception_type=_text(main, "type"),
        exception_value=jsonish.text(main, "value", limit=_VALUE_CHARS),
        mechanism=_text(exceptions.get_mechanism(main), "type"),
        handled=handled,
    )


def read_event(raw: JsonObject, header: EnvelopeHeader) -> Event:
    """Read what an event is part of: whose it is, when it was, which trace and replay it is in.

    Args:
        raw: As decoded; of its members, those of `EVENT_MEMBERS` do if it names its id, or the
            header does.
        header: Of its envelope; on Android the only place that names the replay.
    """
    trace = jsonish.mapping(jsonish.mapping(raw, "contexts"), "trace")
    return Event(
        event_id=read_event_id(raw, header),
        at=timestamps.read_at(raw.get("timestamp")),
        platform=_text(raw, "platform"),
        release=_text(raw, "release"),
        environment=_text(raw, "environment") or DEFAULT_ENVIRONMENT,
        trace_id=read_trace_id(trace, header),
        span_id=read_span_id(trace.get("span_id")),
        parent_span_id=read_span_id(trace.get("parent_span_id")),
        replay_id=read_replay_id(raw, header),
        user=read_user(raw),
        sdk_name=read_sdk(raw, header)[0],
    )


# What transactions have as well


def decode_event(data: bytes | memoryview, what: str) -> JsonObject:
    """Decode an event or a transaction, both of which have the same limit."""
    check_size(data, what)
    return jsonish.decode_object(data, what)


def check_size(data: bytes | memoryview, what: str) -> None:
    """Refuse an event or a transaction over the limit.

    Raises:
        OversizedInput: It is over `LIMITS.event_bytes`.
    """
    if len(data) > LIMITS.event_bytes:
        raise OversizedInput(f"{what} has {len(data)} bytes, {LIMITS.event_bytes} are allowed")


def read_event_id(raw: JsonObject, header: EnvelopeHeader) -> EventId:
    """Read the id: its own, else the envelope's, else one made of what it says.

    So the same event without an id, read or sent twice, is one.
    """
    return EventId(ids.read_hex32(raw.get("event_id")) or header.event_id or _made_id(raw))


def _made_id(raw: JsonObject) -> str:
    return hashlib.sha256(msgspec.json.encode(raw, order="sorted")).hexdigest()[:32]


def read_trace_id(trace: JsonObject, header: EnvelopeHeader) -> TraceId | None:
    """Read the id of the trace from the trace context, else from the envelope."""
    found = ids.read_hex32(trace.get("trace_id")) or header.trace.trace_id
    return TraceId(found) if found else None


def read_span_id(value: object) -> SpanId | None:
    """Read the id of a span; None for what is none."""
    found = ids.read_hex16(value)
    return SpanId(found) if found else None


def read_replay_id(raw: JsonObject, header: EnvelopeHeader) -> ReplayId | None:
    """Find the replay an event belongs to: its contexts, then its tag, then the envelope."""
    contexts = jsonish.mapping(raw, "contexts")
    found = (
        ids.read_hex32(jsonish.mapping(contexts, "replay").get("replay_id"))
        or ids.read_hex32(jsonish.mapping(contexts, "feedback").get("replay_id"))
        or ids.read_hex32(jsonish.pairs(raw, "tags").get("replayId"))
        or header.trace.replay_id
    )
    return ReplayId(found) if found else None


def read_sdk(raw: JsonObject, header: EnvelopeHeader) -> tuple[str | None, str | None]:
    """Read name and version of the SDK: its own words, else the envelope's."""
    sdk = jsonish.mapping(raw, "sdk")
    name = _text(sdk, "name")
    return (name, _text(sdk, "version")) if name else (header.sdk_name, header.sdk_version)


# What only errors and messages have


def _text(obj: JsonObject, key: str) -> str | None:
    return jsonish.text(obj, key, limit=_NAME_CHARS)


def _level(raw: JsonObject) -> str:
    """Read the level; an event without one is an error."""
    return _LEVELS.get((_text(raw, "level") or "").strip().lower(), "error")


def _main_exception(chain: Sequence[JsonObject]) -> JsonObject:
    """Find the exception that names the event: the last with content; `{}` if there is none."""
    for value in reversed(chain):
        if _text(value, "type") or _text(value, "value"):
            return value
    return {}


def _handled(chain: Sequence[JsonObject]) -> bool | None:
    """Say whether somebody caught it.

    False if any exception says so, or was caught by what only sees the end of an app and says
    nothing, as iOS does in rare cases.
    """
    marks: set[bool | None] = set()
    for value in chain:
        mechanism = exceptions.get_mechanism(value)
        handled = jsonish.flag(mechanism, "handled")
        if handled is None and _KINDS.get(_text(mechanism, "type") or "") in CRASHES:
            handled = False
        marks.add(handled)
    if False in marks:
        return False
    return True if True in marks else None


def _kind(
    chain: Sequence[JsonObject], *, level: str, handled: bool | None, message: str | None
) -> ProblemKind:
    """Tell what kind of problem it is, by the mechanism first."""
    for value in reversed(chain):
        kind = _KINDS.get(_text(exceptions.get_mechanism(value), "type") or "")
        if kind and not (kind in CRASHES and handled):
            return kind
        name = _text(value, "type") or ""
        if name == _ANR_TYPE:
            return "anr"
        if name.startswith(_APP_HANG_TYPE):
            return "app_hang"
    if chain:
        return "crash" if level == "fatal" and handled is False else "error"
    return "message" if message else "error"


def _title(main: JsonObject, frame: exceptions.Frame | None, message: str | None) -> str:
    """Write the one line that names an event."""
    name = _text(main, "type")
    if name and jsonish.flag(exceptions.get_mechanism(main), "synthetic"):
        name = _function(frame) or name
    parts = [part for part in (name, _first_line(jsonish.text(main, "value"))) if part]
    return _cut(": ".join(parts) or _first_line(message) or _UNLABELED)


def _first_line(text: str | None) -> str:
    """Return the first line that is not blank."""
    return next((line.strip() for line in (text or "").splitlines() if line.strip()), "")


def _cut(line: str) -> str:
    return line if len(line) <= _LINE_CHARS else f"{line[: _LINE_CHARS - 1]}…"


def _place(frame: exceptions.Frame | None) -> str | None:
    """Write where a frame is: `com.example.Cart in checkout`."""
    if frame is None:
        return None
    where = frame.module or frame.filename or frame.package
    place = " in ".join(part for part in (where, _function(frame)) if part)
    return _cut(place) or None


def _function(frame: exceptions.Frame | None) -> str | None:
    """Name the function of a frame; SDKs write `?` where they do not know it."""
    return frame.function if frame and frame.function != _UNKNOWN_FUNCTION else None
