"""The frozen values that this package takes in and hands upward."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.core.ids import EventId, IssueId, PersonId, ProjectId, ReplayId


class SignalKind(StrEnum):
    """The kind of a signal: something that happened, and that rules may ask for."""

    NEW_ISSUE = "new_issue"
    RETURNED_ISSUE = "returned_issue"
    """A resolved issue came back in a later release."""
    CRASH = "crash"
    """The app crashed or hung in a release."""
    REPLAY = "replay"
    """A replay has closed, or a fatal error was linked to one that had."""


@dataclass(frozen=True, slots=True)
class AlertSignal:
    """A note that something happened; `id` is 0 until it is stored."""

    project_id: ProjectId
    kind: SignalKind
    issue_id: IssueId | None = None
    event_id: EventId | None = None
    replay_id: ReplayId | None = None
    release: str | None = None
    noted_at: datetime | None = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class AlertFinding:
    """Something that a rule found worth a message; `id` is 0 until it is stored."""

    rule_id: int
    subject: str
    """The name of what was found; a rule finds each subject once."""
    project_id: ProjectId | None
    found_at: datetime
    due_at: datetime
    """The time from which it may become part of a message; others join it until then."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    issue_id: IssueId | None = None
    event_id: EventId | None = None
    replay_project_id: ProjectId | None = None
    replay_id: ReplayId | None = None
    id: int = 0


class MessageState(StrEnum):
    """The state of a message in the outbox."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    """It was given up after the last try, or after a final refusal."""
    CANCELLED = "cancelled"
    """Its target or its subject no longer exists."""


class MessageKind(StrEnum):
    """The kind of a message."""

    ALERT = "alert"
    TEST = "test"
    INVITATION = "invitation"
    """A link with which a new person signs in for the first time."""
    PROJECT_INVITATION = "project_invitation"
    """An invitation to a project, to an address with or without an account."""
    PASSWORD = "password"  # noqa: S105 - a kind of message
    """A link with which a person chooses a new password."""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to put into the outbox."""

    kind: MessageKind
    title: str
    content: Mapping[str, Any]
    batch: str
    project_id: ProjectId | None = None
    rule_id: int | None = None
    target_id: int | None = None
    person_id: PersonId | None = None
    address: str | None = None
    subjects: tuple[tuple[ProjectId, str], ...] = ()
    """The projects and ids of the replays, issues and events that it names."""


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message that this process has claimed to send."""

    id: int
    key: str
    kind: MessageKind
    title: str
    content: Mapping[str, Any]
    tries: int
    """The number of this try, from 1."""
    made_at: datetime
    project_id: ProjectId | None
    target_id: int | None
    person_id: PersonId | None
    address: str | None


@dataclass(frozen=True, slots=True)
class WaitingMessages:
    """The number and the delay of messages that are not sent yet."""

    messages: int
    late_s: float
    """Seconds for which the first message that is due has waited; 0 if none is due."""


@dataclass(frozen=True, slots=True)
class LoggedMessage:
    """A message as the log shows it."""

    id: int
    kind: MessageKind
    title: str
    state: MessageState
    rule_id: int | None
    target_id: int | None
    tries: int
    fault: str | None
    made_at: datetime
    due_at: datetime
    ended_at: datetime | None
    is_erased: bool
    """True if its content was deleted, because something in it was erased."""
