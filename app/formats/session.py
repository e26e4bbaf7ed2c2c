"""Reads release-health sessions in both forms as counts: how many began, and how they ended.

    session    {"sid", "init", "started", "status", "errors", "attrs": {"release", "environment"}}
    sessions   {"aggregates": [{"started", "exited", "errored", "abnormal", "crashed"}], "attrs"}

A session comes as several updates: `init` marks its beginning, and a later one tells how it ended.
Android reports an abnormal end twice.

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
"""`started` counts every session; each of the others is a way to end, and `exited` is healthy."""

_ENDS: Final[tuple[SessionStatus, ...]] = ("exited", "errored", "unhandled", "crashed", "abnormal")
_HIGHEST_COUNT: Final = 1_000_000_000
_NAME_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class SessionStatusCount:
    """The number of sessions that began at a time and have a status."""

    started_at: datetime
    status: SessionStatus
    quantity: int


@dataclass(frozen=True, slots=True)
class SessionCounts:
    """Counts that one item adds to a release; an update without a beginning or an end adds none."""

    sid: str | None
    """Id of the session, or None for sessions that their sender counted."""
    release: str
    environment: str
    counts: tuple[SessionStatusCount, ...]


def read_session(data: bytes | memoryview) -> SessionCounts:
    """Read one update of one session.

    Raises:
        MalformedInput: It is not a JSON object, or lacks an id, a release, a start or a status.
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
    counts: list[SessionStatusCount] = []
    if jsonish.flag(raw, "init"):
        counts.append(SessionStatusCount(started_at, "started", 1))
    end = _find_end(status, errors=jsonish.integer(raw, "errors") or 0)
    if end is not None:
        counts.append(SessionStatusCount(started_at, end, 1))
    return _make_counts(raw, counts, sid=sid)


def read_session_aggregates(data: bytes | memoryview) -> SessionCounts:
    """Read counts that their sender kept, each for one minute.

    Raises:
        MalformedInput: It is not a JSON object, or has no release or no list of counts with their
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
    return _make_counts(
        raw, [count for bucket in buckets for count in _read_bucket(bucket)], sid=None
    )


def _decode(data: bytes | memoryview) -> JsonObject:
    if len(data) > LIMITS.sessions_bytes:
        raise OversizedInput(f"session has {len(data)} bytes, {LIMITS.sessions_bytes} are allowed")
    return jsonish.decode_object(data, "session")


def _find_end(status: str, *, errors: int) -> SessionStatus | None:
    """Return how a session ended; with handled errors it is `errored`, as in the aggregates."""
    if status == "exited" and errors > 0:
        return "errored"
    return next((end for end in _ENDS if end == status), None)


def _read_bucket(bucket: object) -> list[SessionStatusCount]:
    """Read the counts of one minute."""
    if not isinstance(bucket, dict):
        raise MalformedInput(f"aggregate of sessions is not an object: {shown(bucket)}")
    started_at = timestamps.read_at(bucket.get("started"))
    if started_at is None:
        raise MalformedInput(f"aggregate of sessions has no start: {shown(bucket.get('started'))}")
    ends = {
        end: jsonish.integer(bucket, end, lowest=1, highest=_HIGHEST_COUNT) or 0 for end in _ENDS
    }
    quantities: dict[SessionStatus, int] = {"started": sum(ends.values()), **ends}
    return [
        SessionStatusCount(started_at, status, quantity)
        for status, quantity in quantities.items()
        if quantity
    ]


def _make_counts(
    raw: JsonObject, counts: list[SessionStatusCount], *, sid: str | None
) -> SessionCounts:
    attributes = jsonish.mapping(raw, "attrs")
    release = jsonish.text(attributes, "release", limit=_NAME_CHARS)
    if release is None:
        raise MalformedInput("session names no release")
    environment = jsonish.text(attributes, "environment", limit=_NAME_CHARS)
    return SessionCounts(sid, release, environment or DEFAULT_ENVIRONMENT, tuple(counts))
