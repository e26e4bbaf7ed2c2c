"""The data that links a replay with rows of other domains: its id, its traces and its time."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from app.core import units
from app.core.ids import ReplayId, TraceId

SLACK: Final = timedelta(minutes=1)
"""Time around a replay that still belongs to it: errors come late, and requests begin early."""
SMALL_DRIFT: Final = timedelta(minutes=1)
"""Items of a sender whose clock is off by no more than this are looked up by their own time, with
this much time on either side."""
LONGEST_LINKED: Final = timedelta(minutes=15)
"""An item that lasts longer and began before a replay is linked only if it names the replay."""
BLOCK_START_SPREAD: Final = timedelta(minutes=5)
"""The most by which other spans of a block begin before or after its first one. Queries of a
trace are bounded by the starts of blocks, so late spans must not hide behind an early one."""
LONGEST_DELAY_MS: Final = 120_000
"""A larger drift means a wrong clock or a queue: no envelope takes so long to arrive."""


def are_both_delayed(one_ms: int, other_ms: int) -> bool:
    """Tell from two drifts whether both envelopes were delayed, rather than their clocks wrong.

    A delay of both, such as a queue that was sent a day later, makes both drifts large and alike.
    Two wrong clocks differ from each other. After a delay the server's time only tells when the
    queue was sent, and the clocks of the senders tell when the events happened.
    """
    largest_ms = max(abs(one_ms), abs(other_ms))
    return largest_ms > LONGEST_DELAY_MS and abs(one_ms - other_ms) < largest_ms // 2


class ClockStep(NamedTuple):
    """Segments of a replay between two moments at which the clock of the phone was set."""

    segment_id: int
    """Id of the first segment."""
    shift_ms: int
    """Milliseconds to add to the phone's clock during these segments to get the replay's clock."""
    drift_ms: int
    """Milliseconds by which the phone's clock was behind the server's; 0 if unknown."""
    started_ms: int
    """Start of these segments by the phone's clock."""
    ended_ms: int
    """End of these segments by the phone's clock."""

    def overlaps(self, started_at: datetime, ended_at: datetime) -> bool:
        """Tell whether a time range by the phone's clock overlaps these segments, with `SLACK`."""
        slack_ms = round(SLACK.total_seconds() * 1000)
        return (
            units.ms_from_at(started_at) <= self.ended_ms + slack_ms
            and units.ms_from_at(ended_at) >= self.started_ms - slack_ms
        )


@dataclass(frozen=True, slots=True)
class ReplayWindow:
    """The id, traces and time of one replay, which tell whether an item belongs to it.

    `started_at` and `ended_at` are on the phone's clock, which was `drift_ms` behind the server's
    when the first segment was sent. If that clock was set, `steps` tells when and how far.

    An item belongs to the replay if it names its id; or if it names no replay, has one of these
    trace ids, and lies in this time (with `SLACK`) on the phone's clock or, unless both were
    delayed (`are_both_delayed`), on the server's.

    Source: docs/protocol.md, section 7.3.
    """

    replay_id: ReplayId
    trace_ids: frozenset[TraceId]
    started_at: datetime
    ended_at: datetime
    drift_ms: int
    drift_range_ms: tuple[int, int] | None = None
    """The lowest and the highest drift among the segments; None if only the first is known."""
    steps: tuple[ClockStep, ...] = ()
    since: date | None = None
    """The day before which nothing was stored that belongs to it; None if nobody knows."""

    def overlaps(self, started_at: datetime, ended_at: datetime | None, drift_ms: int) -> bool:
        """Tell whether an item overlaps the time of the replay.

        Args:
            started_at: Start of the item by its sender's clock.
            ended_at: End of the item; None if it has no duration or no known end.
            drift_ms: Milliseconds by which the sender's clock was behind the server's.
        """
        ended_at = ended_at or started_at
        if any(step.overlaps(started_at, ended_at) for step in self.steps):
            return True
        drift, own_drift = timedelta(milliseconds=drift_ms), timedelta(milliseconds=self.drift_ms)
        if abs(drift) <= SMALL_DRIFT and started_at < self._earliest_start() - LONGEST_LINKED:
            return False
        first, last = self.started_at - SLACK, self.ended_at + SLACK
        return (started_at <= last and ended_at >= first) or (
            not are_both_delayed(drift_ms, self.drift_ms)
            and started_at + drift <= last + own_drift
            and ended_at + drift >= first + own_drift
        )

    def _earliest_start(self) -> datetime:
        """Return the earliest start of the replay, whichever clock is right."""
        return self.started_at - SLACK + min(timedelta(), timedelta(milliseconds=self.drift_ms))
