"""The values of pins and holds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.core.ids import PersonId
from app.replays.model import ReplayKey


@dataclass(frozen=True, slots=True)
class ReplayPin:
    """A mark that keeps a replay from retention, until somebody takes it off."""

    key: ReplayKey
    pinned_at: datetime
    pinned_by: PersonId | None
    """The person who pinned it; None for the command line."""


@dataclass(frozen=True, slots=True)
class ReplayHold:
    """A legal hold: it refuses every deletion of a replay, by people and by rules."""

    key: ReplayKey
    name: str
    """The name of the matter, such as a case number."""
    reason: str
    expires_at: datetime
    held_at: datetime
    held_by: PersonId | None
    """The person who set it; None for the command line."""


@dataclass(frozen=True, slots=True)
class ReplayKeeping:
    """The pin and the holds that keep a replay from deletion; either or both may be absent."""

    pin: ReplayPin | None = None
    holds: tuple[ReplayHold, ...] = ()
    """The holds that count now, the one that lasts longest first."""


NOT_KEPT: Final = ReplayKeeping()


def describe_hold(hold: ReplayHold) -> str:
    """Return the sentence that says why a replay cannot be deleted."""
    return (
        f"replay {hold.key.replay_id} is under the legal hold “{hold.name}” until "
        f"{hold.expires_at:%Y-%m-%d %H:%M} UTC and cannot be deleted before: {hold.reason}"
    )
