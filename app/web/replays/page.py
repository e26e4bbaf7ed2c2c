"""The list of replays."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, assert_never

from app.replays.list_queries import Order, Place, at_of, length_ms_of
from app.web.replays.search_bar import SearchBar
from app.web.urls import list_urls
from app.web.words.lists import ListState, ProjectOption
from app.web.words.replay_rows import ReplayRow


@dataclass(frozen=True, slots=True)
class SearchReach:
    """How far a search got that stopped because it had looked at enough for one page.

    Exactly one of `at` and `length_ms` is set: the value that the list is ordered by.
    """

    direction: Literal["back to", "up to", "at least"]
    """Which side of the value was looked at."""
    rest: str
    """Name of the replays that were not looked at: `Older ones`."""
    at: datetime | None = None
    length_ms: int | None = None


def search_reach(place: Place, order: Order) -> SearchReach:
    """Describe the place in a list at which a search stopped."""
    match order:
        case Order.NEWEST:
            return SearchReach("back to", "Older ones", at=at_of(place))
        case Order.OLDEST:
            return SearchReach("up to", "Newer ones", at=at_of(place))
        case Order.LONGEST:
            return SearchReach("at least", "Shorter ones", length_ms=length_ms_of(place))
        case _:
            assert_never(order)


@dataclass(frozen=True, slots=True)
class NewReplays:
    """How an open list learns of the replays that come while somebody reads it."""

    href: str
    """Names, as JSON, the matching replays that came since shortly before the list was read."""
    show_href: str
    """The list in which they stand on top."""
    are_on_top: bool
    """Whether the list itself is such a one: then every recent replay is among its rows."""


@dataclass(frozen=True, slots=True)
class AwaitedReplay:
    """A replay that the reader was promised, such as the demo's."""

    value: str
    """Its project and its id, as the rows of the list name it."""
    href: str
    has_arrived: bool


@dataclass(frozen=True, slots=True)
class ReplayListPage:
    """The list with its filters."""

    state: ListState
    rows: tuple[ReplayRow, ...]
    projects: tuple[ProjectOption, ...]
    selected: ProjectOption | None = None
    total: int | None = None
    """How many match in all; None when counting would cost too much."""
    search: SearchBar = field(default_factory=SearchBar)
    back_href: str | None = None
    next_href: str | None = None
    further_href: str | None = None
    """Where a search goes on that has looked at enough for one page."""
    reach: SearchReach | None = None
    """How far the search looked; None when it was not cut short."""
    selected_href: str = list_urls.SELECTED
    """POST here does something to the rows that are ticked."""
    may_delete: bool = False
    news: NewReplays | None = None
    """None where new replays would not show: on a later page, or with a wrong query."""
    awaited: AwaitedReplay | None = None
    demo_href: str | None = None
    """POST here plays the demo app into the server; None when the person may not."""
    dsn: str | None = None
    """For the set-up hint of the empty state: the DSN of the project that it is about."""
    dsn_project: str | None = None
    """Name of that project where there are several; None where there is one."""
    setup_href: str | None = None
    """The project page that shows how to set an app up."""


@dataclass(frozen=True, slots=True)
class DeleteReplaysPage:
    """The question before several replays are erased."""

    rows: tuple[ReplayRow, ...]
    action_href: str
    back_href: str
    video_bytes: int
    segments: int
