"""Values that the page of a replay's legal holds reads."""

from dataclasses import dataclass
from datetime import datetime

from app.web.words.replay.holds import HoldForm


@dataclass(frozen=True, slots=True)
class HoldRow:
    """A hold that counts now."""

    name: str
    reason: str
    expires_at: datetime
    held_at: datetime
    held_by: str
    """The name of the person who set it."""


@dataclass(frozen=True, slots=True)
class HoldsPage:
    """The legal holds of a replay, and the form for one more."""

    replay_href: str
    replay_id: str
    user: str | None
    started_at: datetime
    action_href: str
    release_href: str
    holds: tuple[HoldRow, ...]
    may_change: bool
    """True if the visitor is an admin of the project."""
    form: HoldForm
