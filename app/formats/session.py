"""Reads release-health sessions, both forms, as counts: how many began, and how they ended.

    session    {"sid", "init", "started", "status", "errors", "attrs": {"release", "environment"}}
    sessions   {"aggregates": [{"started", "exited", "errored", "abnormal", "crashed"}], "attrs"}

One session comes as several updates: `init` says that it began, a later one how it ended; Android
tells an abnormal end twice.

Source: docs/protocol.md, section 9.8; relay `relay-event-schema/src/protocol/session.rs`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from app.core import ids
from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS
from app.core.log import shown
from app.formats import jsonish, timestamps
from app.formats.events.event import DEFAULT_ENVIRONMENT
from app.formats.jsonish import JsonObject

SessionStatus = Literal["started", "exited", "errored", "unhandled", "crashed", "abnormal"]
"""`started` counts them all; each of the others is one way to end, `exited` the healthy one."""

_ENDS: Final[tuple[SessionStatus, ...]] = ("exited", "errored", "unhandled", "crashed", "abnormal")
_MOST: Final = 1_000_000_000
_NAME_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class SessionCount:
    """So many sessions that began at this time have this status."""

    started_at: datetime
    status: SessionStatus
    quantity: int


@dataclass(frozen=True, slots=True)
class SessionCounts:
    """What one item adds to the counts of a release; an update in between adds nothing."""

    sid: str | None
    """Which session it is; None for those that were counted by their sender."""
    release: str
    environment: str
    counts: tuple[SessionCount, ...]


def read_session(data: bytes | memoryview) -> SessionCounts:
    """Read one update of one session.

    Raises:
        MalformedInput: It is no JSON object, or has no id, no release, no start or no known status.
        OversizedInput: It is over `LIMITS.sessions_bytes`.
    """
    raw = _decode(data)
    started_at = timestamps.read_at(raw.get("started"))
    sid = ids.read_hex32(raw.get("sid"))
    status = jsonish.text(raw, "status") or "ok"
    if sid is None or started_at is None or not (status == "ok" or status in _ENDS):
        raise MalformedInput(
            f"session lacks an id, a start or a known status: sid {shown(raw.get('sid'))}, "
            f"started {shown(raw.get('started'))}, status {shown(status)}"
        )
    found: list[SessionCount] = []
    if jsonish.flag(raw, "init"):
        found.append(SessionCount(started_at, "started", 1))
    end = _end(status, errors=jsonish.integer(raw, "errors") or 0)
    if end is not None:
        found.append(SessionCount(started_at, end, 1))
    return _sessions(raw, found, sid=sid)


def read_session_aggregates(data: bytes | memoryview) -> SessionCounts:
    """Read counts that a server kept itself, each for one minute.

    Raises:
        MalformedInput: It is no JSON object, or has no release or no list of counts with their
            start.
        OversizedInput: It is over `LIMITS.sessions_bytes`, or has more counts than
            `LIMITS.session_counts`.
    """
    raw = _decode(data)
    buckets = raw.get("aggregates")
    if not isinstance(buckets, list):
        raise MalformedInput(f"sessions have no list of aggregates: {shown(buckets)}")
    if len(buckets) > LIMITS.session_counts:
        raise OversizedInput(f"{len(buckets)} aggregates, {LIMITS.session_counts} are allowed")
    return _sessions(raw, [count for bucket in buckets for count in _counts(bucket)], sid=None)


def _decode(data: bytes | memoryview) -> JsonObject:
    if len(data) > LIMITS.sessions_bytes:
        raise OversizedInput(f"session has {len(data)} bytes, {LIMITS.sessions_bytes} are allowed")
    return jsonish.decode_object(data, "session")


def _end(status: str, *, errors: int) -> SessionStatus | None:
    """Say how a session ended; one with handled errors is `errored`, as in the aggregates."""
    if status == "exited" and errors > 0:
        return "errored"
    return next((end for end in _ENDS if end == status), None)


def _counts(bucket: object) -> list[SessionCount]:
    if not isinstance(bucket, dict):
        raise MalformedInput(f"aggregate of sessions is no object: {shown(bucket)}")
    started_at = timestamps.read_at(bucket.get("started"))
    if started_at is None:
        raise MalformedInput(f"aggregate of sessions has no start: {shown(bucket.get('started'))}")
    ends = {end: jsonish.integer(bucket, end, lowest=1, highest=_MOST) or 0 for end in _ENDS}
    all_of_them: dict[SessionStatus, int] = {"started": sum(ends.values()), **ends}
    return [
        SessionCount(started_at, status, number) for status, number in all_of_them.items() if number
    ]


def _sessions(raw: JsonObject, counts: list[SessionCount], *, sid: str | None) -> SessionCounts:
    attributes = jsonish.mapping(raw, "attrs")
    release = jsonish.text(attributes, "release", limit=_NAME_CHARS)
    if release is None:
        raise MalformedInput("session names no release")
    environment = jsonish.text(attributes, "environment", limit=_NAME_CHARS)
    return SessionCounts(sid, release, environment or DEFAULT_ENVIRONMENT, tuple(counts))
