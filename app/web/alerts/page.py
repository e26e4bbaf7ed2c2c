"""Values that the templates of alerts read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.core.ids import ProjectId


@dataclass(frozen=True, slots=True)
class TargetRow:
    """A target in a list."""

    name: str
    kind: str
    address: str
    """Its host, or the mail address: the rest of an address is a secret."""
    is_on: bool
    state: str
    tone: str
    fault: str | None
    sent_at: datetime | None
    failing_since: datetime | None
    href: str
    test_href: str


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule in a list."""

    name: str
    condition: str
    timing: str
    targets: str
    is_on: bool
    has_targets: bool
    href: str
    switch_href: str


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message in the log."""

    title: str
    kind: str
    target: str
    state: str
    tone: str
    fault: str | None
    tries: int
    made_at: datetime
    ended_at: datetime | None
    next_at: datetime | None
    """The time at which it is sent again, if it waits after a fault."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice in a form."""

    value: str
    name: str
    hint: str = ""
    is_selected: bool = False
    href: str = ""


@dataclass(frozen=True, slots=True)
class PictureChoice:
    """Whether messages show pictures of replays."""

    is_on: bool
    is_allowed: bool
    """False if the project hands out nothing."""
    open_pictures: int
    days: int
    """The time for which a picture can be opened."""
    href: str


@dataclass(frozen=True, slots=True)
class AlertsPage:
    """The alerts of a project or of the server."""

    project_id: ProjectId | None
    name: str
    targets: tuple[TargetRow, ...]
    rules: tuple[RuleRow, ...]
    messages: tuple[MessageRow, ...]
    kinds: tuple[Choice, ...]
    """The kinds of alert, each with the address of its form."""
    target_kinds: tuple[Choice, ...]
    usual: tuple[Choice, ...]
    """The rules that the first target gets, as ticked."""
    has_mail: bool
    pictures: PictureChoice | None
    """True if messages show pictures; None for the server."""
    begin_href: str
    log_href: str
    form: Mapping[str, str]
    """The typed values, shown again after a mistake."""
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class RulePage:
    """The form of a rule."""

    project_id: ProjectId | None
    name: str
    title: str
    hint: str
    kind: str
    form: Mapping[str, str]
    targets: tuple[Choice, ...]
    action_href: str
    back_href: str
    delete_href: str
    """Empty for a new rule."""
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class TargetPage:
    """The form of a target."""

    project_id: ProjectId | None
    name: str
    target: TargetRow
    kind: str
    address_hint: str
    secret: str | None
    has_old_secret: bool
    used_by: str
    back_href: str
    secret_href: str
    delete_href: str
    form: Mapping[str, str]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class AlertLogPage:
    """The log of messages."""

    project_id: ProjectId | None
    name: str
    messages: tuple[MessageRow, ...]
    back_href: str
    next_href: str
    is_first: bool
