"""The frozen values of alerts: rules with their settings, targets, and where both belong."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from app.core.ids import PersonId, ProjectId
from app.messages.model import SignalKind


class RuleKind(StrEnum):
    """What a rule watches for."""

    NEW_ISSUE = "new_issue"
    RETURNED_ISSUE = "returned_issue"
    FIRST_CRASH = "first_crash"
    """The first crash or hang of a release."""
    SPIKE = "spike"
    """Many more errors in an hour than usual."""
    ISSUE_SPIKE = "issue_spike"
    """An issue happens much more often in an hour than usual."""
    CRASH_FREE = "crash_free"
    """Too small a share of a release's sessions ended without a crash."""
    QUERY = "query"
    """A closed replay matches a query."""
    SILENCE = "silence"
    """Nothing was received for a while."""
    # Of the server:
    DISK = "disk"
    """The disk is full within some days."""
    LIMITED = "limited"
    """What a project sends meets its limits."""
    QUARANTINE = "quarantine"
    BACKLOG = "backlog"
    """Envelopes wait for digest, or are refused as the disk of the journal is full."""
    PROCESS = "process"
    """A process is gone, or cannot use Postgres or the store."""


PROJECT_KINDS: Final = (
    RuleKind.NEW_ISSUE,
    RuleKind.RETURNED_ISSUE,
    RuleKind.FIRST_CRASH,
    RuleKind.SPIKE,
    RuleKind.ISSUE_SPIKE,
    RuleKind.CRASH_FREE,
    RuleKind.QUERY,
    RuleKind.SILENCE,
)
SERVER_KINDS: Final = (
    RuleKind.DISK,
    RuleKind.LIMITED,
    RuleKind.QUARANTINE,
    RuleKind.BACKLOG,
    RuleKind.PROCESS,
)
SIGNALS: Final[Mapping[RuleKind, SignalKind]] = {
    RuleKind.NEW_ISSUE: SignalKind.NEW_ISSUE,
    RuleKind.RETURNED_ISSUE: SignalKind.RETURNED_ISSUE,
    RuleKind.FIRST_CRASH: SignalKind.CRASH,
    RuleKind.QUERY: SignalKind.REPLAY,
}
"""The signals that rules are judged by; other rules look at the time."""


class TargetKind(StrEnum):
    """How a message goes out."""

    SLACK = "slack"
    """An incoming webhook of Slack, or of Mattermost, Rocket.Chat, Discord (`…/slack`), Zulip."""
    WEBHOOK = "webhook"
    """JSON, signed as Standard Webhooks has it."""
    MAIL = "mail"


class TellWhen(StrEnum):
    """When a rule tells what it found."""

    SOON = "soon"
    """After the time for which it collects."""
    DAILY = "daily"
    """Once a day, everything together."""


@dataclass(frozen=True, slots=True)
class AlertRuleSettings:
    """The choices of a rule; each kind uses some of those above the line."""

    only_crashes: bool = False
    """Leave out issues that are neither crashes nor hangs."""
    environment: str = ""
    """The environment of events; empty for all."""
    query: str = ""
    factor: float = 3.0
    """How many times the usual rate is a spike."""
    least_events: int = 20
    """Fewer events in an hour are no spike, whatever is usual."""
    share_percent: float = 99.0
    least_sessions: int = 100
    """Fewer sessions say nothing about a release."""
    silent_min: int = 60
    disk_days: int = 7
    # Which messages, of every kind:
    collect_min: int = 1
    """What is found within so many minutes is one message."""
    hourly: int = 10
    """The most messages in an hour; what is found beyond them is collected."""
    tell: TellWhen = TellWhen.SOON
    tell_at: str = "08:00"
    quiet_from: str = ""
    """Begin of the time of day in which nothing is sent; empty for none."""
    quiet_until: str = ""
    time_zone: str = "UTC"

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """Read stored settings; what a later release added is left out."""
        names = {each.name for each in fields(cls)}
        settings = cls(**{name: value for name, value in stored.items() if name in names})
        return replace(settings, tell=TellWhen(settings.tell))

    def to_json(self) -> dict[str, Any]:
        """Return them as they are stored: only what is not the default."""
        default = type(self)()
        return {
            each.name: value
            for each in fields(self)
            if (value := getattr(self, each.name)) != getattr(default, each.name)
        }


@dataclass(frozen=True, slots=True)
class AlertRule:
    """A rule of a project, or of the server if it has none."""

    id: int
    project_id: ProjectId | None
    kind: RuleKind
    is_on: bool
    settings: AlertRuleSettings
    target_ids: tuple[int, ...]
    made_at: datetime
    reach_of: PersonId | None = None
    """Whose view of other projects it has: of the person who made it, or who changed last what it
    tells or where that goes."""


@dataclass(frozen=True, slots=True)
class AlertTarget:
    """A channel, an address or a program to which messages go."""

    id: int
    project_id: ProjectId | None
    kind: TargetKind
    name: str
    address: str
    secret: str | None
    """The secret of a webhook of one's own: `whsec_…`."""
    old_secret: str | None
    """The secret before, as long as messages are signed with it, too."""
    is_on: bool
    made_at: datetime
    sent_at: datetime | None
    failing_since: datetime | None
    fault: str | None
