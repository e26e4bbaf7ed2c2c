"""What the page of a replay is built from: the replay, what is linked to it, who looks at it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from app.audit.model import Viewer
from app.core import units
from app.core.ids import PersonId, ProjectId
from app.core.windows import ReplayWindow
from app.errors.model import StoredFeedback
from app.errors.queries import LinkedEvents
from app.playback.linked_errors import ErrorCounts
from app.playback.linked_logs import PlacedLog
from app.playback.page import Contents, Outline
from app.playback.trace import Trace
from app.projects.model import Project
from app.web.view.replay import Tab


@dataclass(frozen=True, slots=True)
class Known:
    """A replay before its recordings are read, and what tells how it went."""

    project: Project
    outline: Outline
    window: ReplayWindow
    errors: LinkedEvents
    """The errors that matter most, or a further part of them."""
    error_offsets: tuple[timedelta, ...]
    """Where each of these errors lies, counted from the start of the replay."""
    counts: ErrorCounts
    """Of all errors, whether they are read or not."""
    project_names: Mapping[ProjectId, str]
    last_ms: int | None
    """How long its last segment lasts; None where nobody knows."""
    viewers: tuple[Viewer, ...]
    people: Mapping[PersonId, str]
    """Names of the viewers."""

    @property
    def zero_ms(self) -> int:
        """How far the player's zero is behind the start of the replay."""
        return self.outline.zero_ms - units.ms_from_at(self.window.started_at)


@dataclass(frozen=True, slots=True)
class Found:
    """A replay and everything linked to it that the viewer may see."""

    known: Known
    contents: Contents
    traces: tuple[Trace, ...]
    logs: tuple[PlacedLog, ...]
    feedback: tuple[StoredFeedback, ...]
    losses: str | None
    """What the project lost of its replays while this one came."""


@dataclass(frozen=True, slots=True)
class Visit:
    """How somebody opens the page of a replay."""

    back_href: str
    """The list as it was left."""
    start_at_ms: int
    """Where to open; past the end means the end."""
    tab: Tab
    """The panel to open with."""
    may_delete: bool
    """Whether the viewer may erase the replay."""
