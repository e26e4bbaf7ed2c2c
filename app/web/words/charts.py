"""Small bar charts of counts over time, drawn as SVG and described in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_HIGH: Final = 100
_LEAST: Final = 6
"""One event among thousands is still a bar."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One span of time."""

    label: str
    count: int
    high: int
    """0 to 100; at least a little where there was anything."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars from the oldest to now."""

    bars: tuple[Bar, ...]
    total: int
    first: str
    """The time at which it begins, in words."""

    @property
    def path(self) -> str:
        """All bars as one path of an SVG, ten units wide each and a hundred high."""
        return "".join(
            f"M{place * 10 + 1} {_HIGH - bar.high}h8v{bar.high}h-8z"
            if bar.count
            else f"M{place * 10 + 1} {_HIGH - 2}h8v2h-8z"
            for place, bar in enumerate(self.bars)
        )


def draw_hours(counts: Mapping[datetime, int], now: datetime, *, hours: int = 24) -> Chart:
    """Draw the last hours; hours are UTC, as they are counted."""
    start = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - (hours - 1) * _HOUR
    starts = [start + number * _HOUR for number in range(hours)]
    values = [counts.get(at, 0) for at in starts]
    labels = [f"{at:%-d %b, %H:%M} UTC" for at in starts]
    return _chart(labels, values, f"{hours} hours ago")


def draw_days(counts: Mapping[datetime, int], now: datetime, *, days: int = 30) -> Chart:
    """Draw the last days (UTC)."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start = today - (days - 1) * _DAY
    values = [0] * days
    for at, count in counts.items():
        place = (at - start) // _DAY
        if 0 <= place < days:
            values[place] += count
    labels = [f"{start + number * _DAY:%-d %b}" for number in range(days)]
    return _chart(labels, values, f"{days} days ago")


def _chart(labels: list[str], values: list[int], first: str) -> Chart:
    top = max([*values, 1])
    bars = [
        Bar(label, value, max(_LEAST, round(value * _HIGH / top)) if value else 0)
        for label, value in zip(labels, values, strict=True)
    ]
    return Chart(tuple(bars), sum(values), first)
