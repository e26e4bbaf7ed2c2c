"""The values that the pages of a replay are built from.

ReplayContext ─► ReplayHead ──────────────────────────────► ReplayPageData
│                └ events, counts, ending, viewers          └ activity, traces, logs, outcomes
└► parts of long lists: ReplayErrors, ReplayLogs, ReplayTraces, ReplayFeedback, ReplayViewers
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from app.audit.model import ReplayViewer
from app.core import units
from app.core.ids import PersonId, ProjectId
from app.core.replay.replay_window import ReplayWindow
from app.feedback.model import FeedbackRecord
from app.issues.events.replay_events import LinkedEvents
from app.playback.ending import ReplayEnding
from app.playback.links.linked_errors import ErrorCounts
from app.playback.links.linked_logs import LogCount, PlacedLogs
from app.playback.links.linked_traces import Trace
from app.playback.recording.contents import ReplayContents
from app.playback.recording.outline import ReplayOutline, ReplayState
from app.projects.model import OutcomeCount, Project
from app.replays.keeping.model import NOT_KEPT, ReplayKeeping
from app.replays.model import ReplayKey, Tombstone
from app.traces.queries import LinkedSpans


@dataclass(frozen=True, slots=True)
class ReplayContext:
    """A replay, and what is needed to place other things on its clock."""

    project: Project
    outline: ReplayOutline
    window: ReplayWindow
    project_names: Mapping[ProjectId, str]
    """Names of the projects that the reader may see."""
    without_bodies: frozenset[ProjectId] = frozenset()
    """The projects among them in which the reader does not see the bodies of requests."""

    @property
    def key(self) -> ReplayKey:
        """The key of the replay."""
        return self.outline.replay.key

    @property
    def zero_ms(self) -> int:
        """The time from the start of the replay to the player's zero, its first picture."""
        return self.outline.zero_ms - units.ms_from_at(self.window.started_at)

    @property
    def project_ids(self) -> list[ProjectId]:
        """The projects that the reader may see."""
        return list(self.project_names)


@dataclass(frozen=True, slots=True)
class ReplayErrors:
    """The errors of a replay that matter most, or a further part of them, on its clock."""

    context: ReplayContext
    events: LinkedEvents
    offsets: tuple[timedelta, ...]
    """The place of each event on the clock of the replay, counted from its start."""


@dataclass(frozen=True, slots=True)
class ReplayLogs:
    """The log records of a replay, or a part of them, and how many there are in all."""

    context: ReplayContext
    records: PlacedLogs
    count: LogCount


@dataclass(frozen=True, slots=True)
class ReplayTraces:
    """The traces of a replay on its clock, or those made of a part of its spans."""

    context: ReplayContext
    spans: LinkedSpans
    traces: tuple[Trace, ...]
    events: LinkedEvents
    """The errors that are marked on the spans."""


@dataclass(frozen=True, slots=True)
class ReplayViewers:
    """The people who have opened a replay, or a part of them, and how many there are in all."""

    context: ReplayContext
    viewers: tuple[ReplayViewer, ...]
    names: Mapping[PersonId, str]
    total: int


@dataclass(frozen=True, slots=True)
class ReplayFeedback:
    """The feedback on a replay, or a part of it, and how much there is in all."""

    context: ReplayContext
    feedback: tuple[FeedbackRecord, ...]
    total: int


@dataclass(frozen=True, slots=True)
class ReplayActivity:
    """The contents of the recordings, with the errors and the feedback that stand among them."""

    errors: ReplayErrors
    contents: ReplayContents
    feedback: ReplayFeedback


@dataclass(frozen=True, slots=True)
class ReplayHead:
    """A replay before its recordings are read, and the signs of how it went."""

    context: ReplayContext
    events: LinkedEvents
    """The errors that matter most, before they are placed on the clock of the replay."""
    counts: ErrorCounts
    """Counts of all errors, whether they are read or not."""
    ending: ReplayEnding | None
    """The ending of the replay; None while it may go on."""
    viewers: ReplayViewers
    """The people who watched it last."""
    keeping: ReplayKeeping = NOT_KEPT
    """The pin and the legal holds that keep it from deletion."""

    @property
    def state(self) -> ReplayState:
        """The state that a viewer sees. After a crash nothing more is sent, so nothing is live.

        The outline alone cannot know of a crash.
        """
        state = self.context.outline.state
        return "playing" if state == "live" and self.has_crashed else state

    @property
    def has_crashed(self) -> bool:
        """True if the replay ended with a crash of its app."""
        return self.ending is ReplayEnding.CRASHED


@dataclass(frozen=True, slots=True)
class ReplayPageData:
    """A replay and everything linked to it that the reader may see."""

    head: ReplayHead
    activity: ReplayActivity
    traces: ReplayTraces
    logs: ReplayLogs
    outcomes: tuple[OutcomeCount, ...]
    """Outcomes of the project's items since the replay began; empty if no segment is missing."""

    @property
    def context(self) -> ReplayContext:
        """The replay."""
        return self.head.context

    @property
    def contents(self) -> ReplayContents:
        """The contents of the replay's recordings."""
        return self.activity.contents


@dataclass(frozen=True, slots=True)
class ReplayAbsence:
    """Why there is no replay at an address: it was deleted, or it never arrived."""

    key: ReplayKey
    tombstone: Tombstone | None
    """The mark of its deletion; None if the replay never arrived."""
    deleted_by: str | None
    """The name of the person who deleted it; None if a rule did, or the person has left."""
    outcomes: tuple[OutcomeCount, ...]
    """Outcomes of the project's items in the last days, for a replay that never arrived."""
