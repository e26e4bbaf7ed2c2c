"""Values that the template of a project's privacy rules reads."""

from dataclasses import dataclass
from datetime import datetime

from app.core.ids import ProjectId


@dataclass(frozen=True, slots=True)
class SwitchField:
    """A kind of personal data that can be removed or kept."""

    name: str
    label: str
    hint: str
    is_on: bool


@dataclass(frozen=True, slots=True)
class PatternField:
    """A row of the table of patterns; the last rows are empty."""

    number: int
    name: str
    pattern: str


@dataclass(frozen=True, slots=True)
class TextPart:
    """A piece of a text before or after the rules."""

    text: str
    is_changed: bool = False


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A field that the rules would change."""

    path: str
    before: tuple[TextPart, ...]
    after: tuple[TextPart, ...]


@dataclass(frozen=True, slots=True)
class TrialEvent:
    """An event or a recording that the rules would change."""

    title: str
    href: str
    hidden_taps: int
    changes: tuple[ChangeRow, ...]
    more_changes: int


@dataclass(frozen=True, slots=True)
class RemovalRow:
    """The kind of value that a rule removed, with its count."""

    words: str
    quantity: int


@dataclass(frozen=True, slots=True)
class TrialPart:
    """The result of a trial."""

    summary: str
    removals: tuple[RemovalRow, ...]
    events: tuple[TrialEvent, ...]
    """The events and recordings that would change."""
    text: tuple[ChangeRow, ...]
    has_text: bool


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version of the rules: who saved it, when, and what it changed."""

    version: int
    at: datetime | None
    person: str
    changes: str


@dataclass(frozen=True, slots=True)
class PrivacyPage:
    """The privacy rules of a project in a form, what they removed, and their versions."""

    project_id: ProjectId
    name: str
    version: int
    switches: tuple[SwitchField, ...]
    sensitive_keys: str
    safe_keys: str
    patterns: tuple[PatternField, ...]
    hides_keypads: bool
    screens: str
    views: str
    regions: str
    text: str
    trial: TrialPart | None
    removal_days: int
    removals: tuple[RemovalRow, ...]
    versions: tuple[VersionRow, ...]
    problem: str | None = None
    """The mistake to correct in the form."""
