"""Defines a condition that a rule watches, with the text of its message."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.core.ids import EventId, IssueId


@dataclass(frozen=True, slots=True)
class WatchedCondition:
    """A condition that holds now, or that has just ended."""

    subject: str
    """The name of the release, process or issue for which it holds; told once while it holds."""
    title: str
    """Empty if it is about an issue, whose title the message gets when it is composed."""
    why: str
    path: str
    """The page that says more, without the name of the server."""
    over: str = ""
    """The title of the message when it has ended; empty for no message."""
    facts: tuple[tuple[str, str], ...] = ()
    tone: str = "bad"
    is_over: bool = False
    """True if it held before and holds no longer."""
    ids: Mapping[str, str] = field(default_factory=dict)
    issue_id: IssueId | None = None
    event_id: EventId | None = None
    """An event of the issue, whose replay is watched."""

    def to_facts(self) -> dict[str, Any]:
        """Return the facts that a finding stores about it."""
        return {
            "title": self.title,
            "why": self.why,
            "path": self.path,
            "facts": [list(fact) for fact in self.facts],
            "tone": self.tone,
            "is_over": self.is_over,
            **self.ids,
        }
