"""The values that reports are written from; texts are as recorded, and writers clean them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from app.core.ids import EventId, IssueId, ProjectId, ReplayId
from app.core.replay.replay_range import ReplayRange
from app.playback.recording.conditions import DeviceCondition
from app.reports.flows.model import FlowFacts
from app.reports.steps.model import ProblemKind, ReproSteps, Side


@dataclass(frozen=True, slots=True)
class ReportAddresses:
    """Makes the whole addresses that reports name; the pages, which know them, hand it in."""

    base_url: str
    """The address of the server without a slash at the end."""
    moment_path: Callable[[ProjectId, ReplayId, int, ReplayRange | None], str]
    """Returns the path that opens a replay at a moment, in milliseconds, with a range marked."""
    poster_path: Callable[[ProjectId, ReplayId], str]
    picture_path: Callable[[ProjectId, ReplayId, int], str]
    """Returns the path of the picture of a moment, in milliseconds."""
    issue_path: Callable[[ProjectId, IssueId], str]
    event_path: Callable[[ProjectId, IssueId, EventId], str]

    def moment(
        self,
        project_id: ProjectId,
        replay_id: ReplayId,
        at_ms: int,
        *,
        marked: ReplayRange | None = None,
    ) -> str:
        """Return the address that opens a replay at a moment, if need be with a range marked."""
        return self.base_url + self.moment_path(project_id, replay_id, at_ms, marked)

    def poster(self, project_id: ProjectId, replay_id: ReplayId) -> str:
        """Return the address of the small picture of a replay."""
        return self.base_url + self.poster_path(project_id, replay_id)

    def picture(self, project_id: ProjectId, replay_id: ReplayId, at_ms: int) -> str:
        """Return the address of the picture that was on the screen at a moment."""
        return self.base_url + self.picture_path(project_id, replay_id, at_ms)

    def issue(self, project_id: ProjectId, issue_id: IssueId) -> str:
        """Return the address of an issue."""
        return self.base_url + self.issue_path(project_id, issue_id)

    def event(self, project_id: ProjectId, issue_id: IssueId, event_id: EventId) -> str:
        """Return the address of an event in its issue."""
        return self.base_url + self.event_path(project_id, issue_id, event_id)


@dataclass(frozen=True, slots=True)
class ReportProblem:
    """An error of the app or of a backend."""

    at_ms: int | None
    """Its time on the player's clock; None if it has none in the replay."""
    kind: ProblemKind
    side: Side
    title: str
    text: str | None
    culprit: str | None
    project_name: str
    release: str | None
    frames: tuple[str, ...]
    """The app's own calls, the innermost first: `CheckoutActivity.onPay (Checkout.kt:41)`."""
    event_id: EventId
    url: str | None
    """The address of the event in its issue; None for the moment until it is grouped."""
    times: int = 1
    """The number of times that it happened in a row; the other fields are those of the first."""


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """A request of the app."""

    at_ms: int
    method: str
    url: str
    """Without its query, which may hold anybody's data: a report is made for people elsewhere."""
    status: int | None
    took_ms: int | None
    has_failed: bool


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """Everything that a report says of a replay, or of a range of it.

    It names no user: reports are pasted into trackers that many people can read. The link leads
    to the user for those who may see them.
    """

    project_id: ProjectId
    replay_id: ReplayId
    project_name: str
    facts: tuple[tuple[str, str], ...]
    """Names and values: device, system, app, environment."""
    recorded_at: datetime
    duration_ms: int
    within: ReplayRange | None
    """The range that it is about; None for the whole replay."""
    steps: ReproSteps
    problems: tuple[ReportProblem, ...]
    more_problems: int
    """The number of further errors in the range."""
    requests: tuple[ReportRequest, ...]
    """The chosen requests in the order of time; those that failed or changed something are chosen
    first."""
    more_requests: int
    conditions: tuple[DeviceCondition, ...]
    feedback: tuple[str, ...]
    remarks: tuple[str, ...]
    """Sentences that name what is missing."""
    has_poster: bool
    """True if a small picture of the replay is drawn."""
    has_moments: bool
    """True if the picture of any moment can be drawn, also while the replay has none."""
    flow_facts: FlowFacts
    addresses: ReportAddresses

    def moment(self, at_ms: int) -> str:
        """Return the address that opens the replay at a moment."""
        return self.addresses.moment(self.project_id, self.replay_id, max(0, at_ms))

    @property
    def url(self) -> str:
        """The address that opens the replay where the report begins."""
        from_ms = self.within.from_ms if self.within else 0
        return self.addresses.moment(self.project_id, self.replay_id, from_ms, marked=self.within)

    @property
    def picture_url(self) -> str | None:
        """The address of the picture that stands for what it is about; None if there is none.

        It is the small picture of the replay, or of a range its first error, or else its beginning.
        """
        if self.within is None:
            poster_url = self.addresses.poster(self.project_id, self.replay_id)
            return poster_url if self.has_poster else None
        # A moment that cannot be drawn shows the poster.
        if not (self.has_moments or self.has_poster):
            return None
        times = (problem.at_ms for problem in self.problems if problem.at_ms is not None)
        at_ms = min(times, default=self.within.from_ms)
        return self.addresses.picture(self.project_id, self.replay_id, at_ms)


@dataclass(frozen=True, slots=True)
class IssueReport:
    """Everything that a report says of an issue, with one of its events."""

    project_id: ProjectId
    issue_id: IssueId
    project_name: str
    title: str
    kind: ProblemKind
    side: Side
    culprit: str | None
    counts: tuple[tuple[str, str], ...]
    """Names and values: events, users, first and last seen."""
    facts: tuple[tuple[str, str], ...]
    """Device, system, release and environment of the event."""
    problem: ReportProblem | None
    """The event; None if the issue has no events any more."""
    message: str | None
    steps: ReproSteps | None
    """The steps that led to the event; None if none are known."""
    steps_are_of_event: bool
    """True if the steps are the event's own breadcrumbs, without a replay."""
    replay_url: str | None
    """The address of the replay 15 s before the event; None without a replay."""
    moment: Callable[[int], str] | None
    """Returns the address of a moment of the replay; None without a replay."""
    flow_facts: FlowFacts
    remarks: tuple[str, ...]
    addresses: ReportAddresses

    @property
    def url(self) -> str:
        """The address of the issue."""
        return self.addresses.issue(self.project_id, self.issue_id)
