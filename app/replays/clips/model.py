"""The values of clips: the request, the clip that results, and the task to render it."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final

from app.core.ids import PersonId
from app.core.replay.clip_format import ClipFormat
from app.core.replay.replay_range import ReplayRange
from app.replays.model import ReplayKey

MOST_CLIPS: Final = 50
"""The most clips of one replay."""
MOST_WAITING: Final = 20
"""The most clips of one project that wait to be rendered."""
_RENDERING: Final = "1"
"""The version of the rendering; change it when clips of the same request look different."""


class ClipState(StrEnum):
    """The state of a clip."""

    WAITING = "waiting"
    RENDERING = "rendering"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ClipRequest:
    """A request for a clip: the range, and what is drawn."""

    format: ClipFormat
    range: ReplayRange | None
    """The part of the replay; None for all of it."""
    has_taps: bool = True
    """True to draw taps and swipes."""
    has_caption: bool = False
    """True to draw a caption below, with the screen, the time, and the latest tap, failed request
    or error.
    """
    has_body: bool = False
    """True to draw a device around the picture."""

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
    """32 random hex digits."""
    key: ReplayKey
    day: date
    """The day of the replay, under which its bytes are counted."""
    request: ClipRequest
    state: ClipState
    percent: int
    """The share that is rendered, from 0 to 100."""
    fault: str | None
    """The reason why it could not be rendered, or why it waits; None otherwise."""
    made_by: PersonId | None
    made_at: datetime
    ended_at: datetime | None
    """The time at which it was ready or had failed; None until then."""
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
