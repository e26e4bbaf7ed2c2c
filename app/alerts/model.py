"""The frozen values of alerts: rules with their settings, targets, and where both belong."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from app.core.ids import PersonId, ProjectId
from app.messages.model import SignalKind


class RuleKind(StrEnum):
    """The kind of a rule, by the event or condition that it looks for."""

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
    """No envelope was accepted for a while."""
    # Of the server:
    DISK = "disk"
    """The disk is full within some days."""
    LIMITED = "limited"
    """A project exceeds its limits, so that items are dropped."""
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
"""The signal of each kind of rule that is judged by signals; the other kinds watch conditions."""


class TargetKind(StrEnum):
    """The kind of a target, by the way in which messages are sent to it."""

    SLACK = "slack"
    """An incoming webhook of Slack, or of Mattermost, Rocket.Chat, Discord (`…/slack`), Zulip."""
    WEBHOOK = "webhook"
    """JSON, signed as in Standard Webhooks."""
    MAIL = "mail"


class TellWhen(StrEnum):
    """The time at which a rule tells its findings."""

    SOON = "soon"
    """After `collect_min`, which gathers several findings into one message."""
    DAILY = "daily"
    """Once a day, all findings together."""


@dataclass(frozen=True, slots=True)
class AlertRuleSettings:
    """The settings of a rule. Each kind uses some of the first ones, and all kinds use the last."""

    only_crashes: bool = False
    """True to skip issues that are neither crashes nor hangs."""
    environment: str = ""
    """The environment of events; empty for all."""
    query: str = ""
    factor: float = 3.0
    """The multiple of the usual rate from which an hour is a spike."""
    least_events: int = 20
    """The fewest events in an hour that can be a spike."""
    share_percent: float = 99.0
    least_sessions: int = 100
    """The fewest sessions by which a release is judged."""
    silent_min: int = 60
    disk_days: int = 7
    # Which messages, of every kind:
    collect_min: int = 1
    """The minutes for which findings are collected into one message."""
    hourly: int = 10
    """The most messages in an hour; further findings are collected into the next one."""
    tell: TellWhen = TellWhen.SOON
    tell_at: str = "08:00"
    quiet_from: str = ""
    """Begin of the time of day in which nothing is sent; empty for none."""
    quiet_until: str = ""
    time_zone: str = "UTC"

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """Read stored settings; settings that a later release added are ignored."""
        names = {each.name for each in fields(cls)}
        settings = cls(**{name: value for name, value in stored.items() if name in names})
        return replace(settings, tell=TellWhen(settings.tell))

    def to_json(self) -> dict[str, Any]:
        """Return the settings that differ from the defaults, as they are stored."""
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
    """The person who limits which other projects the rule may tell of: the one who made it, or who
    last changed what it tells or where its messages go."""


@dataclass(frozen=True, slots=True)
class AlertTarget:
    """A channel, an address or a program to which messages go."""

    id: int
    project_id: ProjectId | None
    kind: TargetKind
    name: str
    address: str
    secret: str | None
    """The secret that signs messages to a webhook (`whsec_…`); None for other kinds."""
    old_secret: str | None
    """The former secret, while messages are signed with both; otherwise None."""
    is_on: bool
    made_at: datetime
    sent_at: datetime | None
    failing_since: datetime | None
    fault: str | None
