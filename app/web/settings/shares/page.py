"""Values that the template of a project's open share links reads."""

from dataclasses import dataclass
from datetime import datetime

from app.core.ids import ProjectId


@dataclass(frozen=True, slots=True)
class OpenShareRow:
    """A share link that is open."""

    user: str
    """The user whose replay it shows."""
    replay_href: str
    started_at: datetime | None
    """The time at which the replay begins; None if it is being deleted just now."""
    shows: str
    """The part and the panels that it shows: `0:58 to 1:12, with Activity and Errors`."""
    frames: str
    """The sites that may show it in a frame; empty for none."""
    note: str
    maker: str
    made_at: datetime
    expires_at: datetime
    views: int
    viewed_at: datetime | None
    revoke_href: str


@dataclass(frozen=True, slots=True)
class OpenSharesPage:
    """The share links of a project that are open, the newest first."""

    project_id: ProjectId
    name: str
    is_switched_off: bool
    """True if the project lets none of them answer at the moment."""
    rows: tuple[OpenShareRow, ...]
    total: int
    """The number of open links on all pages."""
    pictures: int
    """The number of pictures in messages that still open."""
    back_href: str | None
    next_href: str | None
