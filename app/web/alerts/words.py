"""Words for alerts: what a rule watches, when it sends, and the state of a message."""

from dataclasses import dataclass
from typing import Final, Literal

from app.alerts.model import AlertRuleSettings, RuleKind, TargetKind, TellWhen
from app.messages.model import MessageKind, MessageState


@dataclass(frozen=True, slots=True)
class KindWords:
    """The words for a kind of rule."""

    name: str
    hint: str
    """The time at which a rule of this kind sends a message."""


KINDS: Final[dict[RuleKind, KindWords]] = {
    RuleKind.NEW_ISSUE: KindWords("New issue", "A crash or an error happens for the first time."),
    RuleKind.RETURNED_ISSUE: KindWords(
        "Issue is back", "A resolved issue happened again in a later release."
    ),
    RuleKind.FIRST_CRASH: KindWords(
        "First crash in a release", "A release crashes or hangs for the first time."
    ),
    RuleKind.SPIKE: KindWords(
        "Spike of errors", "Many more errors in an hour than are usual at this time."
    ),
    RuleKind.ISSUE_SPIKE: KindWords(
        "Spike of an issue", "One issue happens much more often in an hour than it usually does."
    ),
    RuleKind.CRASH_FREE: KindWords("Crash-free sessions", "Too many sessions of a release crash."),
    RuleKind.QUERY: KindWords(
        "Replay matches a search", "A recording has ended and matches a search of yours."
    ),
    RuleKind.SILENCE: KindWords("Nothing received", "No data has arrived for some time."),
    RuleKind.DISK: KindWords("Disk is filling up", "The disk is full within some days."),
    RuleKind.LIMITED: KindWords("Limits", "A project exceeds a limit, and data is not stored."),
    RuleKind.QUARANTINE: KindWords(
        "Quarantine", "An envelope cannot be read, so its data is not stored."
    ),
    RuleKind.BACKLOG: KindWords(
        "Backlog", "Envelopes wait longer than usual, or are no longer accepted."
    ),
    RuleKind.PROCESS: KindWords(
        "Processes", "A process is gone, or cannot use the database or the storage."
    ),
}
TARGET_KINDS: Final[dict[TargetKind, KindWords]] = {
    TargetKind.SLACK: KindWords(
        "Slack",
        "The address of an incoming webhook: of Slack, Mattermost, Discord, Rocket.Chat or Zulip.",
    ),
    TargetKind.WEBHOOK: KindWords(
        "Webhook", "A program of your own gets JSON, signed as Standard Webhooks defines."
    ),
    TargetKind.MAIL: KindWords("E-mail", "The address of a person or a list."),
}
_STATES: Final[dict[MessageState, tuple[str, Literal["good", "bad", "warn", ""]]]] = {
    MessageState.WAITING: ("waiting", "warn"),
    MessageState.SENT: ("sent", "good"),
    MessageState.FAILED: ("failed", "bad"),
    MessageState.CANCELLED: ("cancelled", ""),
}
_MESSAGE_KINDS: Final = {
    MessageKind.ALERT: "Alert",
    MessageKind.TEST: "Test",
    MessageKind.INVITATION: "Invitation",
    MessageKind.PROJECT_INVITATION: "Invitation to a project",
    MessageKind.PASSWORD: "New password",
}


def describe_state(state: MessageState) -> tuple[str, str]:
    """Return the word for a state, and its tone."""
    return _STATES[state]


def name_message(kind: MessageKind) -> str:
    """Return what a message is."""
    return _MESSAGE_KINDS[kind]


def describe_condition(kind: RuleKind, settings: AlertRuleSettings) -> str:
    """Say what a rule asks for beyond its kind; empty if nothing."""
    parts: list[str] = []
    if settings.only_crashes:
        parts.append("crashes and hangs only")
    if settings.environment:
        parts.append(f"environment {settings.environment}")
    match kind:
        case RuleKind.SPIKE | RuleKind.ISSUE_SPIKE:
            parts.append(
                f"{settings.factor:g} times as many as usual, at least {settings.least_events:,}"
            )
        case RuleKind.CRASH_FREE:
            parts.append(
                f"below {settings.share_percent:g} % of at least {settings.least_sessions:,}"
                " sessions"
            )
        case RuleKind.QUERY:
            parts.append(settings.query)
        case RuleKind.SILENCE:
            parts.append(f"for {settings.silent_min:,} minutes")
        case RuleKind.DISK:
            parts.append(f"within {settings.disk_days:,} days")
        case _:
            pass
    return ", ".join(parts)


def describe_timing(settings: AlertRuleSettings) -> str:
    """Say when a rule sends what it has found."""
    zone = "" if settings.time_zone == "UTC" else f" ({settings.time_zone})"
    if settings.tell is TellWhen.DAILY:
        return f"once a day at {settings.tell_at}{zone}"
    collect = settings.collect_min
    timing = "at once" if not collect else f"after {collect} min"
    if settings.quiet_from:
        timing += f", not from {settings.quiet_from} to {settings.quiet_until}{zone}"
    return timing
