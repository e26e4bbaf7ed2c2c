"""A condition that a rule watches, and what a message says of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.core.ids import EventId, IssueId


@dataclass(frozen=True, slots=True)
class WatchedCondition:
    """Something that holds now."""

    subject: str
    """The name of what it holds for: a release, a process. It is told once while it holds."""
    title: str
    """Empty if it is about an issue, whose title it has when it is told."""
    why: str
    path: str
    """The page that says more, without the name of the server."""
    over: str = ""
    """The title of the message when it has ended; empty for no message."""
    facts: tuple[tuple[str, str], ...] = ()
    tone: str = "bad"
    is_over: bool = False
    """Whether it held before, and holds no longer."""
    ids: Mapping[str, str] = field(default_factory=dict)
    issue_id: IssueId | None = None
    event_id: EventId | None = None
    """An event of the issue, whose replay is watched."""

    def to_facts(self) -> dict[str, Any]:
        """Return what a finding keeps of it."""
        return {
            "title": self.title,
            "why": self.why,
            "path": self.path,
            "facts": [list(fact) for fact in self.facts],
            "tone": self.tone,
            "is_over": self.is_over,
            **self.ids,
        }
