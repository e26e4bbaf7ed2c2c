"""Frozen values that this domain takes in and hands upward; no table objects."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Final, Literal, NamedTuple

from app.core.ids import EventId, IssueId, ProjectId, ReplayId, SpanId, TraceId
from app.formats import timestamps


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """An error or message; `at` is the sender's clock, `at` plus drift the server's."""

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
    span_id: SpanId | None = None
    parent_span_id: SpanId | None = None
    """Span that caused `span_id`; None for events that an older release stored."""
    replay_id: ReplayId | None
    payload: bytes
    """The event as it was sent, scrubbed: JSON, compressed with zstd."""
    removals: bytes | None = None
    """The remarks on what scrubbing removed (`packed_remarks`); None if it removed nothing."""
    symbolicated: bytes | None = None
    """Its clear stack (`symbolication.model`); None if it was not symbolicated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent(EventRecord):
    """An event on its way into the table."""

    sdk_name: str | None
    user: Mapping[str, str]
    issue_ids: tuple[IssueId, ...]
    """Issue of the event by each version of the grouping rules, the newest first."""


class EventRowKey(NamedTuple):
    """The id and the day by which the row of an event of a project is found."""

    event_id: EventId
    day: date
    """The day on which it was stored."""


@dataclass(frozen=True, slots=True)
class EventPayload:
    """An event as it was sent, and what symbolication has made of it so far."""

    key: EventRowKey
    payload: bytes
    """As in `EventRecord`."""
    symbolicated: bytes | None
    """As in `EventRecord`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearedEvent:
    """The columns of a stored event that its clear stack decides."""

    project_id: ProjectId
    event_id: EventId
    day: date
    """The day of its row."""
    title: str
    culprit: str | None
    exception_type: str | None
    exception_value: str | None
    issue_ids: tuple[IssueId, ...]
    """As in `NewEvent`."""
    symbolicated: bytes | None
    """As in `EventRecord`."""


@dataclass(frozen=True, slots=True)
class RecentEvent:
    """The last event of an issue, as far as rules are tried on it."""

    event_id: EventId
    title: str
    payload: bytes
    """As in `EventRecord`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent(EventRecord):
    """An event that is stored."""

    issue_id: IssueId | None
    """None while an event that an older release stored is not grouped yet."""

    @property
    def happened_at(self) -> datetime:
        """The time of the event by the sender's clock, or the server's if that is wrong."""
        if timestamps.is_set(self.at):
            return self.at
        return self.at + timedelta(milliseconds=self.drift_ms)


IssueKey = tuple[ProjectId, IssueId]
Status = Literal["open", "resolved", "ignored"]


@dataclass(frozen=True, slots=True)
class Issue:
    """A group of events with one problem; level, kind and title are those of its last event."""

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
    """Replays in which one of its events happened, of projects that the reader may see."""
    named_replays: int
    """Replays that its events name, whether the replays came or not."""
    status: Status
    status_at: datetime | None
    resolved_release: str | None
    is_regressed: bool
    """True if it was resolved and came back in a later release."""


@dataclass(frozen=True, slots=True)
class IssueChanges:
    """The issues that some new events have begun, and those that they have brought back."""

    begun: tuple[tuple[IssueKey, EventId], ...] = ()
    """Each new issue with its first event."""
    returned: tuple[tuple[IssueKey, EventId], ...] = ()
    """Each issue that was resolved and is open again, with its last event."""


NO_CHANGES: Final = IssueChanges()


@dataclass(frozen=True, slots=True)
class AddedEvents:
    """The events that were stored, and what they changed in their issues."""

    keys: set[tuple[ProjectId, EventId]]
    changes: IssueChanges = NO_CHANGES


AttachmentKey = tuple[ProjectId, EventId, str, str]
"""Project, event, file name, SHA-256 in hex."""


@dataclass(frozen=True, slots=True)
class NewAttachment:
    """A file that came with an event, before its bytes have an object."""

    project_id: ProjectId
    event_id: EventId
    sha256: str
    filename: str
    content_type: str | None
    attachment_type: str
    received_at: datetime
    size_bytes: int
    day: date
    """The day of its row. The key of its object begins with it, unless it is older than days."""

    def with_object(self, object_key: str) -> "Attachment":
        """Return the file as its row has it, with the object that holds its bytes."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return Attachment(**values, object_key=object_key)


@dataclass(frozen=True, slots=True)
class Attachment(NewAttachment):
    """A file that came with an event; its bytes are the object with this key."""

    object_key: str
