"""Values that the template of the set-up page reads: texts to paste, and whether they work."""

from dataclasses import dataclass
from typing import Literal

from app.core.ids import ProjectId
from app.web.words.phrases import Said
from app.web.words.snippets import Snippet

CheckState = Literal["done", "waiting", "problem", "note"]


@dataclass(frozen=True, slots=True)
class SetUpCheck:
    """One line of the list that says what works."""

    state: CheckState
    title: str
    text: Said = ""
    href: str | None = None
    link: str = ""


@dataclass(frozen=True, slots=True)
class SetUpPage:
    """How to point apps and services at a project, and what has come of it so far."""

    project_id: ProjectId
    name: str
    dsn: str | None
    """The DSN of the oldest key that is on; None if all keys are off."""
    apps: tuple[Snippet, ...]
    services: tuple[Snippet, ...]
    builds: tuple[Snippet, ...]
    """How builds upload debug files and source maps."""
    may_make_tokens: bool
    checks: tuple[SetUpCheck, ...]
