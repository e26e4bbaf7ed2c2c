"""What an alert says, whatever its target makes of it; it is stored in the outbox as JSON."""

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
    """Where to look further: an issue, a replay, a page of the server."""
    watch_url: str = ""
    """A replay 15 s before the moment; empty if there is none."""
    moment_at_ms: int | None = None
    """When it happened, in milliseconds since 1970 on the clock of the replay: what the picture
    shows. None if there is no replay, or if it happened at no one moment of it."""
    picture_url: str = ""
    """A picture of the replay, which opens without an account; empty in what is stored."""
    facts: tuple[tuple[str, str], ...] = ()
    """Names and values: release, events, users."""
    tone: str = "bad"
    """`bad`, `warn` or `good`: a colour, never the only sign."""
    is_over: bool = False
    """Whether something that was told before has ended."""
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
    """Where rules are changed."""
    more_url: str
    """Where all of it is listed."""
    found_at: str
    """When the first of it was found, as RFC 3339."""
    project_id: str = ""
    """The id of the project; empty for the server."""
    is_summary: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as the outbox keeps it."""
        return asdict(self)

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """Read what `to_json` has returned."""
        return msgspec.convert(stored, cls)
