"""A range of a replay, as the addresses and forms of everything that is handed on name it.

…/report?from=61000&to=71000      milliseconds since the start of the replay, as the player counts
…/report?from=1:01&to=1:11.5      the same as a person types it: minutes, seconds, hours before them
…/report                          the whole replay
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.core.errors import InvalidInput

_MILLISECONDS: Final = re.compile(r"[0-9]{1,11}")
_CLOCK: Final = re.compile(
    r"(?:(?P<hours>[0-9]{1,4}):)?(?P<minutes>[0-9]{1,3}):(?P<seconds>[0-5][0-9])"
    r"(?:\.(?P<fraction>[0-9]{1,3}))?"
)
_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class ReplayRange:
    """A time of a replay, in milliseconds on the player's clock; `to_ms` is not part of it."""

    from_ms: int
    to_ms: int

    @property
    def length_ms(self) -> int:
        """The length of the range."""
        return self.to_ms - self.from_ms

    def cut_to(self, duration_ms: int) -> "ReplayRange":
        """Return the part of the range that lies within a replay of this length.

        Raises:
            InvalidInput: The range begins at or after the end of the replay.
        """
        if self.from_ms >= duration_ms:
            raise InvalidInput(
                f"the range begins at {write_clock(self.from_ms)}, "
                f"and the replay ends at {write_clock(duration_ms)}"
            )
        return ReplayRange(self.from_ms, min(self.to_ms, duration_ms))

    def query(self) -> dict[str, str]:
        """Return the range as the pairs of a query."""
        return {"from": str(self.from_ms), "to": str(self.to_ms)}


def read_replay_range(fields: Mapping[str, str]) -> ReplayRange | None:
    """Read the range that a query or a form names; None means the whole replay.

    Args:
        fields: The names and values of the query or form; only `from` and `to` are read.

    Raises:
        InvalidInput: Only one of the two is there, one is not a time, or the range ends where it
            begins or before.
    """
    from_text, to_text = fields.get("from", "").strip(), fields.get("to", "").strip()
    if not from_text and not to_text:
        return None
    if not from_text or not to_text:
        raise InvalidInput("a range needs both `from` and `to`")
    from_ms, to_ms = _read_time("from", from_text), _read_time("to", to_text)
    if to_ms <= from_ms:
        raise InvalidInput("the range must end after it begins")
    return ReplayRange(from_ms, to_ms)


def write_clock(at_ms: int) -> str:
    """Write a moment exactly, as `from` and `to` take it: `1:01`, `1:01.25`, `1:02:03`."""
    seconds, milliseconds = divmod(max(0, at_ms), 1_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return f"{clock}.{milliseconds:03}".rstrip("0") if milliseconds else clock


def _read_time(name: str, text: str) -> int:
    """Read one end of a range, in milliseconds or as the time on a clock."""
    if _MILLISECONDS.fullmatch(text):
        return int(text)
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise InvalidInput(
            f"`{name}` needs milliseconds since the start of the replay, such as 61000, "
            "or minutes and seconds, such as 1:01"
        )
    fraction = (match["fraction"] or "").ljust(3, "0")
    return (
        int(match["hours"] or 0) * _HOUR_MS
        + int(match["minutes"]) * _MINUTE_MS
        + int(match["seconds"]) * 1_000
        + int(fraction)
    )
