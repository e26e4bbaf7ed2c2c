"""The frame around every page: who is signed in, the theme, a notice, alerts."""

from dataclasses import dataclass
from typing import Literal

from app.web.frame.alerts.alert import Alert

Theme = Literal["auto", "light", "dark"]


def read_theme(cookie: str | None) -> Theme:
    """Read the `theme` cookie; anything unknown is `auto`, the system's choice."""
    match cookie:
        case "light" | "dark":
            return cookie
        case _:
            return "auto"


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence above the page: what was done, or what went wrong."""

    text: str
    kind: Literal["done", "problem"] = "done"


@dataclass(frozen=True, slots=True)
class Chrome:
    """The frame around a page; `person_name` is None for somebody who is not signed in."""

    person_name: str | None
    path: str
    """The path and query of this page, to which the form for the theme returns."""
    theme: Theme = "auto"
    notice: Notice | None = None
    alerts: tuple[Alert, ...] = ()
    """Sentences about what is wrong with the server."""
    is_admin: bool = False
    """True if the person is an admin of the server, for whom the header has a link more."""
