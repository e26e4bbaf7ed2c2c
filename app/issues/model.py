"""What this domain takes in and hands upward: frozen values, no table objects."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from app.core.ids import EventId, IssueId, ProjectId, ReplayId, SpanId, TraceId
from app.formats import timestamps


@dataclass(frozen=True, slots=True)
class NewEvent:
    """One error or message on its way into the table; `payload` is zstd JSON, scrubbed."""

    project_id: ProjectId
    event_id: EventId
    received_at: datetime
    at: datetime
    drift_ms: int
    level: str
    kind: str
    title: str
    culprit: str | None
    exception_type: str | None
    exception_value: str | None
    handled: bool | None
    mechanism: str | None
    platform: str | None
    release: str | None
    environment: str | None
    sdk_name: str | None
    user: Mapping[str, str]
    trace_id: TraceId | None
    span_id: SpanId | None
    replay_id: ReplayId | None
    payload: bytes
    issue_ids: tuple[IssueId, ...]
    """By every version of grouping, the newest first (`grouping.keys`)."""
    parent_span_id: SpanId | None = None


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One stored error or message; `at` is the sender's clock, `at` plus drift the server's."""

    project_id: ProjectId
    event_id: EventId
    received_at: datetime
    at: datetime
    drift_ms: int
    level: str
    kind: str
    title: str
    culprit: str | None
    exception_type: str | None
    exception_value: str | None
    handled: bool | None
    mechanism: str | None
    platform: str | None
    release: str | None
    environment: str | None
    trace_id: TraceId | None
    replay_id: ReplayId | None
    payload: bytes
    issue_id: IssueId | None
    """None for a moment only: an event that an older release stored is not grouped yet."""
    span_id: SpanId | None = None
    parent_span_id: SpanId | None = None
    """Span that caused `span_id`; None for events that an older release stored."""

    @property
    def happened_at(self) -> datetime:
        """When it was, by the sender's clock, or by the server's if nobody had set the sender's."""
        if timestamps.is_set(self.at):
            return self.at
        return self.at + timedelta(milliseconds=self.drift_ms)


IssueKey = tuple[ProjectId, IssueId]
Status = Literal["open", "resolved", "ignored"]


@dataclass(frozen=True, slots=True)
class Issue:
    """A group of events that are one problem; level, kind, title are those of its last event."""

    project_id: ProjectId
    issue_id: IssueId
    first_seen_at: datetime
    first_release: str | None
    last_seen_at: datetime
    last_release: str | None
    level: str
    kind: str
    title: str
    culprit: str | None
    platform: str | None
    events: int
    users: int
    replays: int
    """Replays of projects that the reader sees, in whose time one of its events happened."""
    named_replays: int
    """Replays that its events name, whether they came or not."""
    status: Status
    status_at: datetime | None
    resolved_release: str | None
    is_regressed: bool
    """It was resolved, and came back in a later release."""


AttachmentKey = tuple[ProjectId, EventId, str, str]
"""Project, event, file name, SHA-256 in hex."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that belongs to an event; its bytes are the object of this key."""

    project_id: ProjectId
    event_id: EventId
    sha256: str
    filename: str
    content_type: str | None
    attachment_type: str
    received_at: datetime
    object_key: str
    size_bytes: int
