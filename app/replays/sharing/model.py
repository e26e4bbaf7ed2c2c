"""The values of share links: the right that one gives (`ShareGrant`), and its row (`Share`).

A share never shows more than its replay, its range and its panels, and nothing after its end.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from app.core.ids import PersonId
from app.core.replay.replay_range import ReplayRange
from app.replays.model import ReplayKey

SHARE_DAYS: Final = (1, 7, 30)
"""The days for which a share can be open."""
MOST_SHARES: Final = 100
"""The most links of one replay that are open at once."""
MOST_FRAME_ORIGINS: Final = 5
"""The most sites that may show one share in a frame."""
NOTE_CHARS: Final = 200

ShareState = Literal["open", "expired", "revoked"]


class ShareKind(StrEnum):
    """The kind of a share, by what its address shows."""

    LINK = "link"
    """A page with the player."""
    PICTURE = "picture"
    """A picture of a replay, as messages show it: the moment of its range, or else the poster."""


class SharePanel(StrEnum):
    """A panel that a share can show beside the picture."""

    ACTIVITY = "activity"
    NETWORK = "network"
    ERRORS = "errors"
    TRACE = "trace"
    LOGS = "logs"
    DETAILS = "details"
    """The facts of the replay: its user, device and app."""


@dataclass(frozen=True, slots=True)
class ShareTerms:
    """The terms of a share that is about to be made."""

    range: ReplayRange | None = None
    """The part of the replay; None for all of it."""
    zero_at_ms: int = 0
    """The player's zero when the range was chosen, in milliseconds since 1970."""
    panels: frozenset[SharePanel] = frozenset()
    shows_bodies: bool = False
    """True to show the bodies of requests, as long as the project lets its viewers see them."""
    frame_origins: tuple[str, ...] = ()
    """The sites that may show it in a frame, such as `https://wiki.example.com`."""
    note: str = ""
    """A note of its maker about whom or what it is for."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share as members of its project see it, without its token."""

    id: int
    key: ReplayKey
    kind: ShareKind
    terms: ShareTerms
    made_by: PersonId | None
    """None for a picture that was handed out with a message."""
    made_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    revoked_by: PersonId | None
    views: int
    """The number of views. Each opening of the page is one, and so are all other requests of one
    visitor within an hour."""
    viewed_at: datetime | None

    def find_state(self, *, now: datetime) -> ShareState:
        """Return its state: open, or the reason why it is not."""
        if self.revoked_at is not None:
            return "revoked"
        return "open" if now < self.expires_at else "expired"


@dataclass(frozen=True, slots=True)
class ShareGrant:
    """The right that a token gives, read with each request. Reading use cases obey it."""

    share_id: int
    key: ReplayKey
    range: ReplayRange | None
    """The part of the replay that was asked for; None for all of it."""
    zero_at_ms: int
    """The player's zero when the range was chosen, in milliseconds since 1970. It moves if a
    segment comes late that was recorded before all others."""
    panels: frozenset[SharePanel]
    shows_bodies: bool
    """True if the bodies of requests may be shown; False as soon as the project hides them from its
    viewers."""
    frame_origins: tuple[str, ...]
    expires_at: datetime

    def shows(self, panel: SharePanel) -> bool:
        """Tell whether a panel is part of the share."""
        return panel in self.panels
