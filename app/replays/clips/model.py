"""The values of clips: what somebody asks for, and what has become of it."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final

from app.core.clip_format import ClipFormat
from app.core.ids import PersonId
from app.core.replay_range import ReplayRange
from app.replays.model import ReplayKey

MOST_CLIPS: Final = 50
"""The most clips of one replay."""
MOST_WAITING: Final = 20
"""The most clips of one project that wait to be rendered."""
_RENDERING: Final = "1"
"""Changes when clips of the same request begin to look different."""


class ClipState(StrEnum):
    """How far a clip is."""

    WAITING = "waiting"
    RENDERING = "rendering"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ClipRequest:
    """What somebody asks for."""

    format: ClipFormat
    range: ReplayRange | None
    """The part of the replay; None for all of it."""
    has_taps: bool = True
    """Whether taps and swipes are drawn."""
    has_caption: bool = False
    """Whether a caption below tells the screen, the time, and the latest tap, failed request or
    error.
    """
    has_body: bool = False
    """Whether a device is drawn around the picture."""

    def name_result(self, replay_version: str) -> str:
        """Name the clip that this request leads to: 32 hex digits.

        Args:
            replay_version: The state of the replay; a late segment may change a clip.
        """
        wanted = self.range
        facts = (
            _RENDERING,
            replay_version,
            self.format.value,
            None if wanted is None else (wanted.from_ms, wanted.to_ms),
            self.has_taps,
            self.has_caption,
            self.has_body,
        )
        return sha256(repr(facts).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class ClipFile:
    """The file of a clip that is ready."""

    object_key: str
    size_bytes: int
    width: int
    height: int
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip that somebody asked for."""

    id: str
    """32 hex digits, which mean nothing."""
    key: ReplayKey
    day: date
    """The day of the replay, under which its bytes are counted."""
    request: ClipRequest
    state: ClipState
    percent: int
    """How far it is rendered, from 0 to 100."""
    fault: str | None
    """Why it could not be rendered, or why it waits; None otherwise."""
    made_by: PersonId | None
    made_at: datetime
    ended_at: datetime | None
    """When it was ready or had failed."""
    file: ClipFile | None
    """The file; None until it is ready."""


@dataclass(frozen=True, slots=True)
class ClipTask:
    """A clip to render, leased to this process."""

    clip: Clip
    lease: str
    """Tells this lease from later ones of the same clip."""
    tries: int
    """The number of tries, this one included."""
