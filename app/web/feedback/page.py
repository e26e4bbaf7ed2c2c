"""What the list of feedback shows."""

from dataclasses import dataclass

from app.web.words.feedback import NoteCard
from app.web.words.lists import ListState, ProjectOption


@dataclass(frozen=True, slots=True)
class FeedbackPage:
    """The list of feedback."""

    state: ListState
    cards: tuple[NoteCard, ...]
    projects: tuple[ProjectOption, ...]
    project: str
    """As the form holds it; empty for all."""
    older_href: str | None
