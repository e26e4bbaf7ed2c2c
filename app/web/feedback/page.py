"""Values that the template of the list of feedback reads."""

from dataclasses import dataclass

from app.web.words.feedback_cards import FeedbackCard
from app.web.words.lists import ListState, ProjectOption


@dataclass(frozen=True, slots=True)
class FeedbackPage:
    """The list of feedback."""

    state: ListState
    cards: tuple[FeedbackCard, ...]
    projects: tuple[ProjectOption, ...]
    project: str
    """The project as the form holds it; empty for all."""
    back_href: str | None
    next_href: str | None
