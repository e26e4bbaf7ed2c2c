"""Reads a container of log records.

    {"items": [{"timestamp", "level", "body", "trace_id", "span_id", "severity_number",
                "attributes": {"sentry.replay_id": {"type": "string", "value": …}, …}}]}

A record has no id on the wire. Its id is a hash of its content, time and trace included, so that a
record that is delivered twice is stored once.

Source: docs/protocol.md, section 9.7; OpenTelemetry logs data model (severity numbers).
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from app.core import ids
from app.core.errors import MalformedInput, OversizedInput
from app.core.ids import ReplayId, SpanId, TraceId
from app.core.limits import LIMITS
from app.core.log import shown
from app.formats import jsonish, timestamps
from app.formats.events.event import read_span_id
from app.formats.jsonish import JsonObject
from app.formats.wire.envelope import EnvelopeHeader

_NAME_CHARS: Final = 200
_LEVELS: Final = {
    "trace": "trace", "debug": "debug", "info": "info", "warn": "warn", "warning": "warn",
    "error": "error", "fatal": "fatal", "critical": "fatal",
}  # fmt: skip
_BY_SEVERITY: Final = ("trace", "debug", "info", "warn", "error", "fatal")
"""Levels by severity number: four numbers each, from 1."""
_HIGHEST_SEVERITY: Final = 4 * len(_BY_SEVERITY)


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One log record; ids are lower-case hex."""

    log_id: str
    """Hash of the content: 32 hex digits."""
    at: datetime
    level: str
    """One of trace, debug, info, warn, error and fatal."""
    body: str
    trace_id: TraceId | None
    span_id: SpanId | None
    replay_id: ReplayId | None
    release: str | None
    environment: str | None
    attributes: JsonObject
    """Values by name, without their types."""


@dataclass(frozen=True, slots=True)
class LogContainer:
    """The records of one item; `skipped` counts those that could not be read."""

    logs: tuple[LogRecord, ...]
    skipped: int


def read_log_container(
    raw: JsonObject, header: EnvelopeHeader, *, sent_at: datetime | None = None
) -> LogContainer:
    """Read a decoded container; a record that cannot be read is skipped and counted.

    Args:
        raw: The container.
        header: Header of its envelope, which names the replay of the records of its own trace.
        sent_at: Time for records whose own time cannot be read.

    Raises:
        MalformedInput: It has no list of items.
        OversizedInput: It has more records than `LIMITS.logs`.
    """
    items = raw.get("items")
    if not isinstance(items, list):
        raise MalformedInput(f"log container has no list of items: {shown(items)}")
    if len(items) > LIMITS.logs:
        raise OversizedInput(f"log container has {len(items)} records, {LIMITS.logs} are allowed")
    records = [_read_record(item, header, sent_at) for item in items]
    logs = tuple(record for record in records if record is not None)
    return LogContainer(logs, len(items) - len(logs))


def _read_record(
    item: object, header: EnvelopeHeader, sent_at: datetime | None
) -> LogRecord | None:
    """Read one record; None if it has no time or no text."""
    if not isinstance(item, dict):
        return None
    at = timestamps.read_at(item.get("timestamp")) or sent_at
    body = jsonish.text(item, "body", limit=LIMITS.text_bytes)
    if at is None or body is None:
        return None
    trace_id = ids.read_hex32(item.get("trace_id"))
    attributes = _read_attributes(item)
    return LogRecord(
        log_id=hashlib.sha256(msgspec.json.encode(item, order="sorted")).hexdigest()[:32],
        at=at,
        level=_read_level(item),
        body=body,
        trace_id=TraceId(trace_id) if trace_id else None,
        span_id=read_span_id(item.get("span_id")),
        replay_id=_find_replay_id(attributes, trace_id, header),
        release=jsonish.text(attributes, "sentry.release", limit=_NAME_CHARS),
        environment=jsonish.text(attributes, "sentry.environment", limit=_NAME_CHARS),
        attributes=attributes,
    )


def _read_level(item: JsonObject) -> str:
    """Read the level by its word, or else by its number; without both it is `info`."""
    word = (jsonish.text(item, "level", limit=_NAME_CHARS) or "").strip().lower()
    if word in _LEVELS:
        return _LEVELS[word]
    number = jsonish.integer(item, "severity_number", lowest=1, highest=_HIGHEST_SEVERITY)
    return _BY_SEVERITY[(number - 1) // 4] if number else "info"


def _read_attributes(item: JsonObject) -> JsonObject:
    """Return the values of typed attributes by name."""
    return {
        name: attribute.get("value") if isinstance(attribute, dict) else attribute
        for name, attribute in jsonish.mapping(item, "attributes").items()
    }


def _find_replay_id(
    attributes: JsonObject, trace_id: str | None, header: EnvelopeHeader
) -> ReplayId | None:
    """Return the replay of a record; the envelope's replay belongs to the envelope's trace only."""
    replay_id = ids.read_hex32(attributes.get("sentry.replay_id"))
    if replay_id is None and trace_id is not None and trace_id == header.trace.trace_id:
        replay_id = header.trace.replay_id
    return ReplayId(replay_id) if replay_id else None
