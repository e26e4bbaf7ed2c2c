"""The frozen values that this package takes in and hands upward."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.core.ids import EventId, IssueId, PersonId, ProjectId, ReplayId


class SignalKind(StrEnum):
    """Something that happened, and that a rule of its project may ask for."""

    NEW_ISSUE = "new_issue"
    RETURNED_ISSUE = "returned_issue"
    """A resolved issue came back in a later release."""
    CRASH = "crash"
    """The app crashed or hung in a release."""
    REPLAY = "replay"
    """A replay has closed, or a fatal error was linked to one that had."""


@dataclass(frozen=True, slots=True)
class Signal:
    """Something that happened; `id` is 0 until it is stored."""

    project_id: ProjectId
    kind: SignalKind
    issue_id: IssueId | None = None
    event_id: EventId | None = None
    replay_id: ReplayId | None = None
    release: str | None = None
    noted_at: datetime | None = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a rule found worth a message; `id` is 0 until it is stored."""

    rule_id: int
    subject: str
    """The name of what was found, for which the rule finds it once."""
    project_id: ProjectId | None
    found_at: datetime
    due_at: datetime
    """When it may become part of a message: others may join it until then."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    issue_id: IssueId | None = None
    event_id: EventId | None = None
    replay_project_id: ProjectId | None = None
    replay_id: ReplayId | None = None
    id: int = 0


class MessageState(StrEnum):
    """How far a message is."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    """It was given up, after a last try or a refusal for good."""
    CANCELLED = "cancelled"
    """Its target or what it was about is gone."""


class MessageKind(StrEnum):
    """What a message is."""

    ALERT = "alert"
    TEST = "test"
    INVITATION = "invitation"
    """It lets somebody in who has never signed in."""
    PROJECT_INVITATION = "project_invitation"
    """Somebody is invited to a project, and may have an account or not."""
    PASSWORD = "password"  # noqa: S105 - a kind of message
    """It lets somebody choose a new password."""


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
    """What is not sent yet."""

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
    """Whether something in it was erased, so that its content is gone."""
