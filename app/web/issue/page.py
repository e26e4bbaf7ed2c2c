"""The page of an issue: what it is, one of its events, its replays."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.core.ids import EventId, IssueId, ProjectId, ReplayId
from app.formats.events.view_hierarchy import HierarchyView
from app.issues.model import Status
from app.triage.tag_counts import TagSpread
from app.web.issue.breadcrumbs import CrumbRow
from app.web.issue.stacks import StackBlock, ThreadBlock
from app.web.words.activity import DataRow
from app.web.words.charts import Chart
from app.web.words.facts import Fact
from app.web.words.feedback import NoteCard
from app.web.words.parts import ListPart
from app.web.words.problems import Source
from app.web.words.replay_rows import ReplayRow


@dataclass(frozen=True, slots=True)
class IssueHead:
    """What stands above every page of an issue."""

    project_id: ProjectId
    project_name: str
    project_href: str
    issue_id: IssueId
    href: str
    replays_href: str
    feedback_href: str
    status_href: str
    delete_href: str | None
    """None when the visitor may not delete it."""
    may_change: bool
    title: str
    culprit: str | None
    kind: str
    """In words."""
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
    """Whom its events name."""
    replay_users: int
    """Whom its replays name and none of its events."""
    replays: int


@dataclass(frozen=True, slots=True)
class SenderClock:
    """What the clock of an event's sender said, where that is not when it happened."""

    sender: Literal["device", "service"]
    at: datetime | None
    """None if nobody had set that clock."""
    difference: str
    """`6 d 7 h behind`."""
    is_behind: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """The stretch of a replay around an event."""

    href: str
    """The whole replay at the moment of the event."""
    replay_id: ReplayId
    user: str | None
    at_ms: int
    from_ms: int
    to_ms: int
    index_href: str
    stream_href: str
    has_video: bool
    is_apart: bool
    """The event was at another time: nothing of the replay is around it."""
    is_processing: bool
    width_px: int | None
    height_px: int | None


@dataclass(frozen=True, slots=True)
class AbsentReplay:
    """Why there is no replay for an event."""

    replay_id: ReplayId | None
    """None if the event names none, and its trace belongs to none."""
    deleted_by: str | None
    deleted_at: datetime | None
    losses: tuple[str, ...]
    """What is known of lost replays of those days, in words."""
    is_recent: bool
    """It may still come."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file that came with an event."""

    name: str
    type: str
    size_bytes: int
    href: str | None
    """None when the visitor may not download it."""
    picture_href: str | None = None
    """Where it is shown, if it is a picture and they may."""


@dataclass(frozen=True, slots=True)
class DataGroup:
    """Facts under one heading."""

    title: str
    rows: tuple[DataRow, ...]


@dataclass(frozen=True, slots=True)
class EventBlock:
    """One event of the issue."""

    event_id: EventId
    href: str
    at: datetime
    """By the server's clock, as first and last seen are."""
    sender_clock: SenderClock | None
    """None if the sender's clock was right to the minute."""
    received_at: datetime
    newest_href: str | None
    newer_href: str | None
    older_href: str | None
    oldest_href: str | None
    facts: tuple[Fact, ...]
    message: str | None
    stacks: tuple[StackBlock, ...]
    threads: tuple[ThreadBlock, ...]
    crumbs: tuple[CrumbRow, ...]
    groups: tuple[DataGroup, ...]
    files: tuple[FileRow, ...]
    file_total: int
    file_part: ListPart | None
    """Which of the files these are; None if they are all."""
    hierarchy: tuple[HierarchyView, ...]
    preview: Preview | None
    absent: AbsentReplay | None
    grouped_by: str
    """The rule, in words."""
    grouped_parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IssuePage:
    """An issue with one of its events; `event` is None when they are all gone."""

    head: IssueHead
    event: EventBlock | None
    day: Chart
    month: Chart
    releases: tuple[str, ...]
    release_part: ListPart | None
    """Which of the releases these are; None if they are all."""
    tags: tuple[TagSpread, ...]
    hidden_tags: int
    """How many further tags the events have."""
    tagged_events: int
    """How many events the tags are counted over."""


@dataclass(frozen=True, slots=True)
class IssueReplayRow:
    """A replay of an issue, and where its event lies in it."""

    replay: ReplayRow
    at_ms: int
    href: str


@dataclass(frozen=True, slots=True)
class IssueReplaysPage:
    """The replays of an issue."""

    head: IssueHead
    rows: tuple[IssueReplayRow, ...]
    older_href: str | None
    is_first: bool
    named: int
    """Replays that its events name, whether they came or not."""


@dataclass(frozen=True, slots=True)
class DeleteIssuePage:
    """The question before an issue is erased."""

    head: IssueHead
    files: int
    file_bytes: int


@dataclass(frozen=True, slots=True)
class IssueFeedbackPage:
    """The feedback that is about an issue."""

    head: IssueHead
    cards: tuple[NoteCard, ...]
