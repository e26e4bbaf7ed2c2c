"""The page that says why there is no replay: the question, and what is known."""

from dataclasses import dataclass
from typing import Literal

from app.playback.why import DAYS
from app.web.words import phrases
from app.web.words.outcomes import Loss

FindingTone = Literal["good", "bad", "warn", "none"]


@dataclass(frozen=True, slots=True)
class WhyFinding:
    """One thing that is known of what was asked about."""

    tone: FindingTone
    title: str
    text: phrases.Said
    href: str | None = None
    link: str = ""
    """The text of the link."""


@dataclass(frozen=True, slots=True)
class ProjectLosses:
    """The replay data that a project lost in 30 days, with reasons in words."""

    project_name: str
    href: str
    losses: tuple[Loss, ...]


@dataclass(frozen=True, slots=True)
class WhyPage:
    """The question, and the answer as far as it is known."""

    asked: str
    """The text in the field of the question."""
    subject: str | None = None
    """The subject of the answer, such as `replay 5b1c…`; None before anything is asked."""
    findings: tuple[WhyFinding, ...] = ()
    losses: tuple[ProjectLosses, ...] = ()
    checks: tuple[str, ...] = ()
    """Things that the reader can check by themselves."""
    problem: str | None = None
    """The reason why the question cannot be answered."""
    projects: tuple[tuple[str, str], ...] = ()
    """Names and addresses of the projects that one may ask about."""
    days: int = DAYS
