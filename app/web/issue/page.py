"""Values that the templates of the pages of an issue read."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from app.core.ids import EventId, IssueId, ProjectId, ReplayId
from app.core.ticket_address import KeptTicket
from app.formats.events.view_hierarchy import HierarchyView
from app.issues.model import Status
from app.triage.issue.tag_counts import TagSpread
from app.web.issue.breadcrumbs import EventBreadcrumbRow
from app.web.issue.stacks import StackBlock, ThreadBlock
from app.web.words.charts import Chart
from app.web.words.debug_files.hints import DebugFileHints
from app.web.words.feedback_cards import FeedbackCard
from app.web.words.panels.activity import DataRow
from app.web.words.panels.problems import Source
from app.web.words.parts import ListPart
from app.web.words.privacy.removals import RemovalChip
from app.web.words.replay.facts import Fact
from app.web.words.replay.replay_rows import ReplayRow


@dataclass(frozen=True, slots=True)
class IssueHead:
    """The header of every page of an issue."""

    project_id: ProjectId
    project_name: str
    project_href: str
    issue_id: IssueId
    href: str
    replays_href: str
    feedback_href: str
    status_href: str
    delete_href: str | None
    """None if the visitor may not delete the issue."""
    report_href: str
    """The report with the event that is shown."""
    report_file_href: str
    """The same report as Markdown."""
    tickets: tuple[KeptTicket, ...] = field(default=(), kw_only=True)
    """The tickets that are kept with it; they stand on the page of its events only."""
    may_change: bool
    title: str
    culprit: str | None
    kind: str
    """The kind of problem in words."""
    shape: Literal["crash", "error"]
    source: Source
    level: str
    status: Status
    status_at: datetime | None
    resolved_release: str | None
    is_regressed: bool
    first_seen_at: datetime
    first_release: str | None
    last_seen_at: datetime
    last_release: str | None
    events: int
    users: int
    """The number of users that its events name."""
    replay_users: int
    """The number of users that only its replays name."""
    replays: int


@dataclass(frozen=True, slots=True)
class SenderClock:
    """The time by the clock of an event's sender, where that differs from the server's."""

    sender: Literal["device", "service"]
    at: datetime | None
    """None if the clock had not been set."""
    difference: str
    """The error of the clock: `6 d 7 h behind`."""
    is_behind: bool


@dataclass(frozen=True, slots=True)
class ReplayPreview:
    """The seconds of a replay around an event."""

    href: str
    """Leads to the whole replay at the moment of the event."""
    replay_id: ReplayId
    user: str | None
    at_ms: int
    from_ms: int
    to_ms: int
    index_href: str
    stream_href: str
    has_video: bool
    is_apart: bool
    """True if the event happened at another time than the part of the replay that is here."""
    is_processing: bool
    """True if video may still come."""
    width_px: int | None
    height_px: int | None
    hand_on_href: str
    """Leads to the ways to hand on these seconds, or the whole replay if they have no video."""


@dataclass(frozen=True, slots=True)
class MissingReplayNote:
    """Why an event has no replay, as far as that is known."""

    replay_id: ReplayId | None
    """None if the event names no replay, and no replay here has its trace."""
    deleted_by: str
    deleted_at: datetime | None
    losses: tuple[str, ...]
    """Sentences about replays lost in those days."""
    is_recent: bool
    """True if the replay may still come."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file that came with an event."""

    name: str
    type: str
    size_bytes: int
    href: str | None
    """None if the visitor may not download the file."""
    sent_href: str | None = None
    """Where the file is as it was sent, if the other has clear names in it."""
    picture_href: str | None = None
    """Where the file is shown as a picture, if it is one and the visitor may see it."""


@dataclass(frozen=True, slots=True)
class FactTable:
    """The facts of an event about one subject, under one heading."""

    title: str
    rows: tuple[DataRow, ...]


@dataclass(frozen=True, slots=True)
class StackChoice:
    """The choice between the readable stack of an event and the stack that was sent."""

    is_as_sent: bool
    """True if the stack as sent is the one that is shown."""
    readable_href: str
    sent_href: str


@dataclass(frozen=True, slots=True)
class Symbolication:
    """The result of the symbolication of an event, with the debug files that it lacks."""

    choice: StackChoice | None
    """None if the stack is shown as it was sent anyway."""
    hints: DebugFileHints
    is_pending: bool
    """True if a worker is still making the stack readable."""
    again_href: str | None
    """Where POST does it once more; None if the visitor may not, or it could change nothing."""
    set_up_href: str
    """Leads to the token that the commands need."""
    debug_files_href: str


@dataclass(frozen=True, slots=True)
class EventBlock:
    """One event of an issue."""

    event_id: EventId
    href: str
    at: datetime
    """The time by the server's clock, as the times of the first and last event are."""
    sender_clock: SenderClock | None
    """None if the sender's clock agreed with the server's to the minute."""
    received_at: datetime
    newest_href: str | None
    newer_href: str | None
    older_href: str | None
    oldest_href: str | None
    facts: tuple[Fact, ...]
    message: str | None
    symbolication: Symbolication
    stacks: tuple[StackBlock, ...]
    threads: tuple[ThreadBlock, ...]
    crumbs: tuple[EventBreadcrumbRow, ...]
    tables: tuple[FactTable, ...]
    files: tuple[FileRow, ...]
    file_total: int
    file_part: ListPart | None
    """Which of the files these are; None if they are all files."""
    hierarchy: tuple[HierarchyView, ...]
    preview: ReplayPreview | None
    missing_replay: MissingReplayNote | None
    """None if there is a replay."""
    removals: tuple[RemovalChip, ...]
    """What was removed before it was stored."""
    grouped_by: str
    """The rule that chose its issue, in words."""
    grouped_parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IssuePage:
    """An issue with one of its events."""

    head: IssueHead
    event: EventBlock | None
    """None if the issue has no events any more."""
    day: Chart
    month: Chart
    releases: tuple[str, ...]
    release_part: ListPart | None
    """Which of the releases these are; None if they are all releases."""
    tags: tuple[TagSpread, ...]
    hidden_tags: int
    """How many further tags the events have."""
    tagged_events: int
    """How many events the tags are counted over."""


@dataclass(frozen=True, slots=True)
class IssueReplayRow:
    """A replay of an issue, and when the issue happened in it."""

    replay: ReplayRow
    at_ms: int
    href: str


@dataclass(frozen=True, slots=True)
class IssueReplaysPage:
    """The replays of an issue."""

    head: IssueHead
    rows: tuple[IssueReplayRow, ...]
    back_href: str | None
    next_href: str | None
    named: int
    """How many replays its events name, whether they came or not."""


@dataclass(frozen=True, slots=True)
class IssueFeedbackPage:
    """The feedback about an issue."""

    head: IssueHead
    cards: tuple[FeedbackCard, ...]
    back_href: str | None
    next_href: str | None


@dataclass(frozen=True, slots=True)
class DeleteIssuePage:
    """The question before an issue is deleted."""

    head: IssueHead
    files: int
    file_bytes: int
