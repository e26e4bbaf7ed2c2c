"""The replay page: the stage, the panels beside it and the timeline below."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from app.core.ids import ProjectId, ReplayId
from app.playback.recording.conditions import Condition
from app.playback.video.start import PlaybackStart
from app.web.replay.log_rows import LogRow
from app.web.replay.panel_filters import PanelFilter
from app.web.words.activity import ActivityRow, NetworkRow, ScreenSpan
from app.web.words.exchanges import Details
from app.web.words.facts import Fact, FactGroup
from app.web.words.parts import ListPart, RecordingPart
from app.web.words.problems import ErrorRow
from app.web.words.traces import TraceBlock

ReplayState = Literal["playing", "processing", "no_video", "live"]
Tab = Literal["activity", "network", "errors", "trace", "logs", "segments", "details"]
ListName = Tab | Literal["viewers", "feedback"]
"""The lists that have parts: those of the panels, and those that stand elsewhere."""
VideoState = Literal["playable", "faulty", "none", "missing"]


@dataclass(frozen=True, slots=True)
class GapRow:
    """A gap of the replay with its cause in words."""

    start_ms: int
    end_ms: int
    reason: str
    """The cause as part of a sentence: `app in background`, `segment 7 never arrived`."""
    short_reason: str
    """The cause as a label on the timeline: `in background`, `missing`."""


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """One segment as it came, or one that never did."""

    segment_id: int
    at_ms: int | None
    at_href: str
    """Opens the replay where it begins."""
    duration_ms: int | None
    frames: int | None
    size_bytes: int | None
    """Of the video."""
    width_px: int | None
    height_px: int | None
    video: VideoState
    fault: str | None
    """Why a browser cannot play it, or why it is missing."""
    mp4_href: str | None
    received_at: datetime | None


@dataclass(frozen=True, slots=True)
class SeenBy:
    """Somebody who has opened the replay."""

    name: str
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Deletion:
    """What deleting takes away, counted; `href` asks by GET and erases by POST."""

    href: str
    video_bytes: int
    segments: int
    breadcrumbs: int
    requests: int
    linked_errors: int
    """They stay, without the link."""


@dataclass(frozen=True, slots=True)
class ReplayHeader:
    """The facts of the one line on top."""

    project_id: ProjectId
    project_name: str
    project_href: str
    replay_id: ReplayId
    href: str
    back_href: str
    """The list, with the filters it was left with."""
    user: str | None
    started_at: datetime
    duration_ms: int
    chips: tuple[Fact, ...]
    """Device, OS, app version."""
    app_errors: int
    backend_errors: int
    end: Fact | None
    """How it ended, and in its note how that was inferred."""
    has_crashed: bool
    is_late: bool
    """What comes now was recorded a while ago."""
    seen_by: tuple[SeenBy, ...] = ()
    """Whoever opens the page is among them."""
    seen_by_total: int = 0
    seen_by_part: ListPart | None = None
    """Which of them are named; None if all are."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What the head of the page says, before the rest is found: enough to fetch the picture."""

    title: str
    index_href: str
    stream_href: str
    start_at_ms: int
    """`t` of the address; it may lie behind the end."""
    has_pictures: bool
    """Some segment has a video; whether one can be played is found out later."""
    is_awaited: bool
    """The first video may be on its way: there is nothing to play yet."""
    is_bare: bool = False
    """A script asks, which has style sheets and a player already."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The page as far as its head goes."""

    opening: Opening
    start: PlaybackStart | None = None


@dataclass(frozen=True, slots=True)
class ReplayTop:
    """The page down to its picture: what is shown before the recordings are read."""

    opening: Opening
    header: ReplayHeader
    state: ReplayState
    gestures_href: str
    pictures_href: str
    start_at_ms: int
    """Where to open: `t` of the address."""
    size_px: tuple[int, int] | None
    """Width and height of the picture due then, so that the stage has its shape before it."""
    deletion: Deletion | None
    """None when the person may not delete."""


@dataclass(frozen=True, slots=True)
class ReplayPage(ReplayTop):
    """Everything the replay page shows, complete without JavaScript."""

    tab: Tab
    gaps: tuple[GapRow, ...]
    screens: tuple[ScreenSpan, ...]
    conditions: tuple[Condition, ...]
    activity: tuple[ActivityRow, ...]
    network: tuple[NetworkRow, ...]
    errors: tuple[ErrorRow, ...]
    traces: tuple[TraceBlock, ...]
    logs: tuple[LogRow, ...]
    segments: tuple[SegmentRow, ...]
    details: tuple[FactGroup, ...]
    status_text: str | None = None
    """For `processing` and `no_video`: what is known, in one sentence."""
    from_segment: int = 0
    """The first segment whose recording is read."""
    recording_part: RecordingPart | None = None
    """Which part of the recordings is read, if they are too large to be read at once."""
    most_ties: int | None = None
    """So many traces are tied to the replay, and no more will be; None: there is room."""
    totals: Mapping[str, str] = field(default_factory=dict)
    """How many rows the list of each panel has, whether they are shown or not."""
    hidden_segments: int = 0
    """Those that play and are listed when asked for."""
    missing_note: str | None = None
    """The segments that never arrived and have no row of their own."""
    parts: Mapping[str, ListPart] = field(default_factory=dict)
    """By panel: which part of its list is shown, if that is not all of it."""
    feedback_part: ListPart | None = None
    """Which part of the feedback is among the activity; None if all of it is."""
    filters: Mapping[str, tuple[PanelFilter, ...]] = field(default_factory=dict)
    """By panel: what its rows can be narrowed to."""
    har_href: str = ""
    is_part: bool = False
    """It has all panels, so a row of one leads to a row of another."""
    start: PlaybackStart | None = None
    """What the player begins with; None lets it ask."""


@dataclass(frozen=True, slots=True)
class PartHeader:
    """Which replay a further part of a list belongs to."""

    href: str
    back_href: str
    """The replay, with the panel open."""
    user: str | None
    started_at: datetime
    duration_ms: int


@dataclass(frozen=True, slots=True)
class ReplayPartPage:
    """A further part of the list of one panel, as a page of its own."""

    header: PartHeader
    panel: ListName
    part: ListPart | None
    """None if the whole list is shown."""
    activity: tuple[ActivityRow, ...] = ()
    network: tuple[NetworkRow, ...] = ()
    errors: tuple[ErrorRow, ...] = ()
    traces: tuple[TraceBlock, ...] = ()
    logs: tuple[LogRow, ...] = ()
    viewers: tuple[SeenBy, ...] = ()
    feedback_part: ListPart | None = None
    """Which part of the feedback is among the activity; None if all of it is."""
    most_ties: int | None = None
    har_href: str = ""
    recording_part: RecordingPart | None = None
    from_segment: int = 0
    """The first segment whose recording is read."""
    is_part: bool = True
    """Other panels are not on this page, so a row leads to a page of its own."""


@dataclass(frozen=True, slots=True)
class DeleteReplayPage:
    """The question before erasing, as a page of its own."""

    header: ReplayHeader
    deletion: Deletion


@dataclass(frozen=True, slots=True)
class RequestPage:
    """One request with all that was recorded of it."""

    user: str | None
    row: NetworkRow
    details: Details
    back_href: str
    """The replay, at the request, with the Network panel open."""
