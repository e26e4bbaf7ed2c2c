"""The replay page: the stage, the panels beside it and the timeline below."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, get_args

from app.core.ids import ProjectId, ReplayId
from app.playback.recording.conditions import DeviceCondition
from app.playback.recording.contents import ScreenSpan
from app.playback.recording.outline import ReplayState
from app.playback.video.start import PlaybackStart
from app.web.replay.panels.rows import GapRow, LogRow, PanelFilter, SegmentRow, ViewerRow
from app.web.words.panels.activity import ActivityRow, NetworkRow
from app.web.words.panels.problems import ErrorRow
from app.web.words.parts import ListPart, RecordingPart
from app.web.words.privacy.removals import RemovalChip
from app.web.words.replay.facts import Fact, FactGroup
from app.web.words.request.exchanges import ExchangeBlock
from app.web.words.trace.trace_rows import TraceBlock

Tab = Literal["activity", "network", "errors", "trace", "logs", "segments", "details"]
TABS: Final[tuple[Tab, ...]] = get_args(Tab)
ListName = Tab | Literal["viewers", "feedback"]
"""The lists that can be cut into parts: those of the panels, and two that stand elsewhere."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """The things that deleting a replay takes away, counted."""

    href: str
    """The address that asks by GET and deletes by POST."""
    video_bytes: int
    segments: int
    breadcrumbs: int
    requests: int
    linked_errors: int
    """The number of errors that stay, without their link."""


@dataclass(frozen=True, slots=True)
class ReplayHeader:
    """The facts of the line at the top of the page."""

    project_id: ProjectId
    project_name: str
    project_href: str
    replay_id: ReplayId
    href: str
    back_href: str
    """The address of the list, with the filters it was left with."""
    user: str | None
    started_at: datetime
    duration_ms: int
    chips: tuple[Fact, ...]
    """Device, system and version of the app."""
    app_errors: int
    backend_errors: int
    has_more_errors: bool
    """True if the replay may have more errors than were counted."""
    end: Fact | None
    """How the replay ended, with a note on what that was inferred from."""
    has_crashed: bool
    is_late: bool
    """True if the segments that arrive now were recorded a while ago."""
    seen_by: tuple[ViewerRow, ...] = ()
    """The people who watched it last; whoever opens the page is among them."""
    seen_by_total: int = 0
    seen_by_part: ListPart | None = None
    """The part of the viewers that is named; None if all are."""
    log_href: str | None = None
    """The log of all views and downloads, for those who may read it."""
    is_pinned: bool = False
    held_by: str | None = None
    """The legal hold that lasts longest: `Case 4, until 30 Jun 2027`; None if there is none."""
    pin_href: str = ""
    holds_href: str = ""
    hand_on_href: str = ""
    """The page Share of the replay; empty for people without an account."""


@dataclass(frozen=True, slots=True)
class ReplayOpening:
    """The head of the page, from which the browser can fetch the picture before the rest."""

    title: str
    index_href: str
    stream_href: str
    start_at_ms: int
    """The moment that the address asks for; it may lie after the end."""
    has_pictures: bool
    """True if some segment has a video. Whether one can be played is found out later."""
    is_awaited: bool
    """True if the first video may be on its way, so that there is nothing to play yet."""
    is_bare: bool = False
    """True if a script asks, which has style sheets and a player already."""


@dataclass(frozen=True, slots=True)
class ReplayTop:
    """The page down to its picture: what is shown before the recordings are read."""

    header: ReplayHeader
    state: ReplayState
    gestures_href: str
    pictures_href: str
    start_at_ms: int
    """The moment at which the player opens."""
    size_px: tuple[int, int] | None
    """Width and height of the picture due then, so that the stage has its shape before it."""
    deletion: Deletion | None
    """None if the person may not delete."""
    may_pin: bool = False
    has_segments: bool = True
    """True if the page lists segments; pages of shares do not."""


@dataclass(frozen=True, slots=True)
class UnfinishedPage:
    """The parts of the page that are read already, for its first pieces."""

    opening: ReplayOpening
    start: PlaybackStart | None = None
    """The data that the player begins with; None lets it ask."""
    top: ReplayTop | None = None


@dataclass(frozen=True, slots=True)
class ShareNote:
    """The facts about its link that the page of a share shows."""

    expires_at: datetime
    is_part: bool
    """True if it shows a part of the replay only."""
    has_facts: bool
    """True if user, device and app are shared."""


@dataclass(frozen=True, slots=True)
class ReplayPage:
    """Everything the replay page shows, complete without JavaScript."""

    opening: ReplayOpening
    top: ReplayTop
    tab: Tab
    gaps: tuple[GapRow, ...]
    screens: tuple[ScreenSpan, ...]
    conditions: tuple[DeviceCondition, ...]
    activity: tuple[ActivityRow, ...]
    network: tuple[NetworkRow, ...]
    errors: tuple[ErrorRow, ...]
    traces: tuple[TraceBlock, ...]
    logs: tuple[LogRow, ...]
    segments: tuple[SegmentRow, ...]
    details: tuple[FactGroup, ...]
    removals: tuple[RemovalChip, ...]
    """The values that were removed from its segments before they were stored."""
    status_text: str | None = None
    """One sentence about a replay that cannot be played."""
    from_segment: int = 0
    """The first segment whose recording is read."""
    recording_part: RecordingPart | None = None
    """The part of the recordings that is read, if they are too large to be read at once."""
    most_traces: int | None = None
    """The limit of traces for one replay, if the replay has reached it."""
    totals: Mapping[str, str] = field(default_factory=dict)
    """The number of rows that the list of each panel has, whether they are shown or not."""
    hidden_segments: int = 0
    """The number of segments that simply play, which are listed only when asked for."""
    missing_note: str | None = None
    """A sentence about the segments that never arrived and have no row of their own."""
    parts: Mapping[str, ListPart] = field(default_factory=dict)
    """The part that is shown of each panel's list; panels whose list is whole are absent."""
    feedback_part: ListPart | None = None
    """The part of the feedback that is among the activity; None if all of it is."""
    filters: Mapping[str, tuple[PanelFilter, ...]] = field(default_factory=dict)
    """The filters of each panel."""
    har_href: str = ""
    is_part: bool = False
    """The page has all panels, so a row of one leads to a row of another."""
    start: PlaybackStart | None = None
    """The data that the player begins with, where the page is rendered as a whole."""
    tabs: tuple[Tab, ...] = TABS
    """The panels that the page has."""
    share: ShareNote | None = None
    """What people without an account read about their link; None for the people of the project."""

    @property
    def header(self) -> ReplayHeader:
        """The header, where the pages of parts have theirs."""
        return self.top.header


@dataclass(frozen=True, slots=True)
class PartHeader:
    """The replay that a further part of a list belongs to."""

    href: str
    back_href: str
    """The address of the replay with the panel open."""
    user: str | None
    started_at: datetime
    duration_ms: int
    hand_on_href: str = ""
    """The page Share of the replay; empty for people without an account."""


@dataclass(frozen=True, slots=True)
class ReplayPartPage:
    """A further part of the list of one panel, as a page of its own."""

    header: PartHeader
    panel: ListName
    part: ListPart | None
    """The part that is shown; None if the whole list is."""
    activity: tuple[ActivityRow, ...] = ()
    network: tuple[NetworkRow, ...] = ()
    errors: tuple[ErrorRow, ...] = ()
    traces: tuple[TraceBlock, ...] = ()
    logs: tuple[LogRow, ...] = ()
    viewers: tuple[ViewerRow, ...] = ()
    feedback_part: ListPart | None = None
    """The part of the feedback that is among the activity; None if all of it is."""
    most_traces: int | None = None
    """The limit of traces for one replay, if the replay has reached it."""
    har_href: str = ""
    recording_part: RecordingPart | None = None
    from_segment: int = 0
    """The first segment whose recording is read."""
    is_part: bool = True
    """The page has no other panel, so a row leads to a page of its own."""


@dataclass(frozen=True, slots=True)
class DeleteReplayPage:
    """The question before a replay is deleted, as a page of its own."""

    header: ReplayHeader
    deletion: Deletion


@dataclass(frozen=True, slots=True)
class RequestPage:
    """One request with everything that was recorded of it."""

    user: str | None
    row: NetworkRow
    details: ExchangeBlock
    back_href: str
    """The address of the replay at the request, with the Network panel open."""
