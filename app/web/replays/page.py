"""Values that the templates of the list of replays read."""

from dataclasses import dataclass, field
from datetime import datetime

from app.web.replays.search_bar import SearchBar
from app.web.urls import list_urls
from app.web.words.lists import ColumnHead, ListState, ProjectOption
from app.web.words.replay.holds import HoldForm
from app.web.words.replay.replay_rows import ReplayRow


@dataclass(frozen=True, slots=True)
class SearchReach:
    """The place at which a search stopped, after it had examined enough replays for one page.

    Exactly one of `at`, `length_ms` and `number` is set: the value that the list is ordered by.
    """

    before: str
    after: str
    """Words around the value: `of` 0:10 `or longer`."""
    unread: str
    """Name of the replays that were not examined: `Older ones`."""
    at: datetime | None = None
    length_ms: int | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class NewReplays:
    """The addresses by which an open list learns of replays that arrive while it is read."""

    href: str
    """Answers with the matching replays that came since shortly before the list was read."""
    show_href: str
    """The list that has these replays on top."""
    are_on_top: bool
    """True if the list is that one already, so that every recent replay is among its rows."""


@dataclass(frozen=True, slots=True)
class AwaitedReplay:
    """A replay that the reader was promised, such as the demo's."""

    value: str
    """The project and the id, as the rows of the list name a replay: `318/0af7…`."""
    href: str
    has_arrived: bool


@dataclass(frozen=True, slots=True)
class ReplayListPage:
    """The list with its filters."""

    state: ListState
    rows: tuple[ReplayRow, ...]
    projects: tuple[ProjectOption, ...]
    selected: ProjectOption | None = None
    """The project to filter by; None for all."""
    heads: tuple[ColumnHead, ...] = ()
    total: int | None = None
    """The number of replays that match; None when counting them would cost too much."""
    search: SearchBar = field(default_factory=SearchBar)
    back_href: str | None = None
    next_href: str | None = None
    further_href: str | None = None
    """Address that continues a search which stopped after enough for one page."""
    reach: SearchReach | None = None
    """The place at which the search stopped; None when it examined everything."""
    selected_href: str = list_urls.SELECTED
    """POST here marks the rows that are selected as seen."""
    may_delete: bool = False
    matching_href: str | None = None
    """Address that asks before all matching replays are deleted, on this page or not; None where
    the page has them all, or the person may not delete."""
    news: NewReplays | None = None
    """Addresses for replays that arrive; None on a later page, and with a query that is wrong."""
    awaited: AwaitedReplay | None = None
    demo_href: str | None = None
    """POST here plays the demo app into the server; None when the person may not."""
    dsn: str | None = None
    """DSN of the project to set up, for the hint of the empty state."""
    dsn_project: str | None = None
    """Name of that project where there are several; None where there is one."""
    setup_href: str | None = None
    """The project page that shows how to set an app up."""


@dataclass(frozen=True, slots=True)
class DeleteReplaysPage:
    """The question before several replays are deleted."""

    rows: tuple[ReplayRow, ...]
    action_href: str
    back_href: str
    video_bytes: int
    segments: int


@dataclass(frozen=True, slots=True)
class HoldReplaysPage:
    """The form of a legal hold on several replays."""

    rows: tuple[ReplayRow, ...]
    form: HoldForm
    back_href: str
