"""Defines the content of an alert, from which each target makes its own form; stored as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import msgspec


@dataclass(frozen=True, slots=True)
class AlertItem:
    """One thing that a rule found."""

    title: str
    why: str
    """A sentence that says why the rule found it."""
    url: str
    """The page that says more: an issue, a replay, or a page of the server."""
    watch_url: str = ""
    """A replay 15 s before the moment; empty if there is none."""
    moment_at_ms: int | None = None
    """The time that the picture shows, in milliseconds since 1970 on the clock of the replay. None
    without a replay, or if it did not happen at one moment of it."""
    picture_url: str = ""
    """A picture of the replay, which opens without an account; always empty in the outbox."""
    facts: tuple[tuple[str, str], ...] = ()
    """Names and values: release, events, users."""
    tone: str = "bad"
    """`bad`, `warn` or `good`: a colour, never the only sign."""
    is_over: bool = False
    """True if a condition that an earlier message told of has ended."""
    ids: Mapping[str, str] = field(default_factory=dict)
    """Ids for programs: `issue_id`, `event_id`, `replay_id`, and `release`."""


@dataclass(frozen=True, slots=True)
class AlertContent:
    """A message about what one rule found."""

    kind: str
    """The kind of the rule."""
    headline: str
    """The subject of a mail."""
    source: str
    """The name of the project, or of the server."""
    items: tuple[AlertItem, ...]
    more: int
    """Findings beyond the items."""
    rules_url: str
    """The page on which the rules are changed."""
    more_url: str
    """The page that lists all findings."""
    found_at: str
    """The time of the first finding, as in RFC 3339."""
    project_id: str = ""
    """The id of the project; empty for the server."""
    is_summary: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the content as the outbox stores it."""
        return asdict(self)

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """Read a content that `to_json` wrote."""
        return msgspec.convert(stored, cls)
