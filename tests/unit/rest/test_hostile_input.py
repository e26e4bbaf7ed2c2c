"""Any JSON in a body gives a value or a refusal, and any stored event is described."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import given, settings, strategies

from app.core.errors import InvalidInput
from app.core.ids import EventId, IssueId, ProjectId
from app.formats import jsonish
from app.issues.model import StoredEvent
from app.rest.events.shapes import describe_event
from app.rest.releases import bodies
from app.symbolication.model import SymbolicatedEvent
from app.triage.event.project_event import ProjectEvent

NOW = datetime(2026, 11, 30, tzinfo=UTC)
STORED = StoredEvent(
    project_id=ProjectId(1),
    event_id=EventId("a" * 32),
    received_at=NOW,
    at=NOW,
    drift_ms=0,
    level="error",
    kind="error",
    title="a",
    culprit=None,
    exception_type=None,
    exception_value=None,
    handled=None,
    mechanism=None,
    platform=None,
    release=None,
    environment=None,
    trace_id=None,
    replay_id=None,
    payload=b"",
    issue_id=IssueId("b" * 32),
)

_NAMES = strategies.sampled_from(
    [
        "exception", "threads", "values", "stacktrace", "frames", "type", "value", "mechanism",
        "lineno", "context_line", "pre_context", "post_context", "in_app", "vars", "lock",
        "debug_meta", "images", "debug_id", "uuid", "breadcrumbs", "timestamp", "data", "user",
        "tags", "contexts", "request", "sdk", "message", "logentry", "extra", "modules",
        "version", "projects", "commits", "id", "refs", "commit", "dateReleased", "environment",
        "status", "url", "dist", "held_locks", "registers",
    ]
)  # fmt: skip
_LEAVES = (
    strategies.none()
    | strategies.booleans()
    | strategies.integers()
    | strategies.floats(allow_nan=False, allow_infinity=False)
    | strategies.text(max_size=20)
    | strategies.sampled_from(["2026-11-30T10:00:00Z", "0x7a1c4e34c4", "open", "1.0", ".."])
)
_JSON = strategies.recursive(
    _LEAVES,
    lambda inner: (
        strategies.lists(inner, max_size=4) | strategies.dictionaries(_NAMES, inner, max_size=6)
    ),
    max_leaves=25,
)
_OBJECTS = strategies.dictionaries(_NAMES, _JSON, max_size=8)


@settings(max_examples=60)
@given(_OBJECTS)
def test_any_body_is_read_or_refused(body: dict[str, Any]):
    """Readers of bodies raise nothing but the error that becomes a 400."""
    for read in (bodies.read_new_release, bodies.read_new_deploy, bodies.read_change):
        with suppress(InvalidInput):
            assert read(body) is not None


@settings(max_examples=40)
@given(_OBJECTS, _OBJECTS)
def test_any_event_is_described(sent: dict[str, Any], members: dict[str, Any]):
    """Whatever an SDK sent and symbolication stored, the answer is JSON that clients can read."""
    clear: dict[str, Any] = {
        name: members[name] for name in ("exception", "threads") if name in members
    }
    event = ProjectEvent(STORED, sent, SymbolicatedEvent(members=clear))
    encoded = msgspec.json.encode(describe_event(event))
    read = jsonish.decode(encoded, "the answer")
    assert read["id"] == STORED.event_id
    for entry in read["entries"]:
        assert isinstance(entry["data"], dict)
        for value in entry["data"].get("values") or ():
            for frame in (value.get("stacktrace") or {}).get("frames") or ():
                assert isinstance(frame["inApp"], bool)
                assert all(len(line) == 2 for line in frame["context"])
