"""The interface of a step that follows the end of a replay.

`Closer` runs the steps that `wiring` lists, in that order, once a replay has closed. The first is
sealing. To add one, write a class with a name and `run`, and add it to that list.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from app.replays.model import ReplayKey


@dataclass(frozen=True, slots=True)
class ClosedReplay:
    """A replay that has got no segment for a while."""

    key: ReplayKey
    day: date
    """The day to which it belongs; `OLD_DAY` until a replay of an older release is sealed."""
    closed_at: datetime
    """The time at which it closed. A late segment reopens it; then it closes again later."""
    until_s: float
    """The time by `clock.monotonic_s` at which the step must have ended, or given up."""


class ReplayReopened(Exception):
    """The replay has got a segment or was deleted while a step ran; it will close again if ever."""


class ClosingStep(Protocol):
    """Work that is done once a replay has closed.

    A step is run again after a crash, and once more each time a late segment has come, so what it
    does twice must change nothing. It holds no transaction while it waits for anything else.
    """

    @property
    def name(self) -> str:
        """A name that is stored, so that it must never change, and for logs."""

    async def run(self, replay: ClosedReplay) -> None:
        """Do the work.

        Raises:
            ReplayReopened: The replay is no longer as it was when it closed.
            ServiceUnavailable: Postgres or storage does not answer; the step is tried again.
        """
