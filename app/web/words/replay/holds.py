"""Words for legal holds, and the fields of a new one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Final

from app.core import clock
from app.replays.keeping.model import ReplayHold

_SHOWN_CHARS: Final = 1_000


@dataclass(frozen=True, slots=True)
class HoldForm:
    """The fields of a new hold, as they were typed last."""

    name: str = ""
    reason: str = ""
    until: str = ""
    first_day: str = ""
    """The first day that may be chosen: `2026-11-30`."""
    problem: str | None = None


def read_hold_form(fields: Mapping[str, str]) -> HoldForm:
    """Read the fields of a new hold; what is too long to be right is cut."""
    return HoldForm(
        name=fields.get("name", "")[:_SHOWN_CHARS],
        reason=fields.get("reason", "")[:_SHOWN_CHARS],
        until=fields.get("until", "")[:_SHOWN_CHARS],
        first_day=clock.now().astimezone(UTC).date().isoformat(),
    )


def describe_hold_shortly(hold: ReplayHold) -> str:
    """Name a hold and its last day: `Case 4, until 30 Jun 2027`."""
    last_day = hold.expires_at - timedelta(microseconds=1)
    return f"{hold.name}, until {last_day.day} {last_day:%b %Y}"
