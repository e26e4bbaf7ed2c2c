"""What leads from a replay to the rows of other domains: its id, its traces, its time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from app.core import units
from app.core.ids import ReplayId, TraceId

SLACK: Final = timedelta(minutes=1)
"""Room before and after a replay: an error comes late, a request begins early."""
SMALL_DRIFT: Final = timedelta(minutes=1)
"""A clock that is no further off is looked up by its own time, with this room."""
LONGEST_LINKED: Final = timedelta(minutes=15)
"""What lasts longer and began before a replay is linked by naming it, or not at all."""
BLOCK_START_SPREAD: Final = timedelta(minutes=5)
"""How much sooner or later than its first span another of the same block may begin: a look at a
trace is bounded by the starts of blocks, and late spans must not hide behind an early one."""
LONGEST_DELAY_MS: Final = 120_000
"""A drift beyond this is a wrong clock or a queue: no envelope is so long on its way by itself."""


def are_both_delayed(one_ms: int, other_ms: int) -> bool:
    """Tell envelopes that were long on their way from clocks that differ, by their drifts.

    What held both up, such as a queue that was replayed a day later, makes both drifts large and
    alike; of two clocks one is right, or they are wrong in different ways. Then the server's time
    says when the queue was replayed, and only their own when they were.
    """
    largest_ms = max(abs(one_ms), abs(other_ms))
    return largest_ms > LONGEST_DELAY_MS and abs(one_ms - other_ms) < largest_ms // 2


class ClockStep(NamedTuple):
    """Segments of a replay between two moments at which somebody set the clock of the phone."""

    segment_id: int
    """Id of the first of them."""
    shift_ms: int
    """Leads from the phone's clock, as it was then, to the clock of the replay."""
    drift_ms: int
    """How far the phone's clock was behind the server's; 0 if nobody knows."""
    started_ms: int
    ended_ms: int
    """When they begin and end, by the phone's clock."""

    def is_touched(self, started_at: datetime, ended_at: datetime) -> bool:
        """Tell whether something lies in the time of these segments, by the phone's clock."""
        slack_ms = round(SLACK.total_seconds() * 1000)
        return (
            units.ms_from_at(started_at) <= self.ended_ms + slack_ms
            and units.ms_from_at(ended_at) >= self.started_ms - slack_ms
        )


@dataclass(frozen=True, slots=True)
class ReplayWindow:
    """The reach of one replay.

    `started_at` and `ended_at` are on the phone's clock, which was `drift_ms` behind the server's
    when its first segment was sent. If somebody set that clock, `steps` says when and how far.
    An item belongs to the replay if it names its id; or if it names no replay, has one of these
    trace ids, and lies in this time (with `SLACK`) on the phone's clock or, unless both were held
    up (`are_held_up`), on the server's.

    Source: docs/protocol.md, section 7.3.
    """

    replay_id: ReplayId
    trace_ids: frozenset[TraceId]
    started_at: datetime
    ended_at: datetime
    drift_ms: int
    drift_range_ms: tuple[int, int] | None = None
    """The lowest and the highest drift among its segments; None if only the first is known."""
    steps: tuple[ClockStep, ...] = ()

    def is_touched(self, started_at: datetime, ended_at: datetime | None, drift_ms: int) -> bool:
        """Tell whether something lies in this time.

        Args:
            started_at: By its sender's clock.
            ended_at: None if it did not end, or lasts no time.
            drift_ms: How far that clock was behind the server's.
        """
        ended_at = ended_at or started_at
        if any(step.is_touched(started_at, ended_at) for step in self.steps):
            return True
        drift, own_drift = timedelta(milliseconds=drift_ms), timedelta(milliseconds=self.drift_ms)
        if abs(drift) <= SMALL_DRIFT and started_at < self._first_at() - LONGEST_LINKED:
            return False
        first, last = self.started_at - SLACK, self.ended_at + SLACK
        return (started_at <= last and ended_at >= first) or (
            not are_both_delayed(drift_ms, self.drift_ms)
            and started_at + drift <= last + own_drift
            and ended_at + drift >= first + own_drift
        )

    def _first_at(self) -> datetime:
        """Return the earliest moment of this time, whichever clock is right."""
        return self.started_at - SLACK + min(timedelta(), timedelta(milliseconds=self.drift_ms))
