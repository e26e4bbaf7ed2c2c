"""Pure functions that put facts into words or into the shape a page shows."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

_HIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that reorder the text after them."""
_SHORT_RUN: Final = 2
"""The most numbers in a row that are written one by one."""
_MONTHS: Final = [
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
]


def visible(text: str) -> str:
    """Show control and reordering characters as `⟨U+202E⟩`, so that none can mislead."""
    # Nearly all texts are plain, which this tells in a third of the time.
    if text.isprintable():
        return text
    return _HIDDEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)


def count(quantity: int, singular: str, plural: str | None = None) -> str:
    """Write a counted noun: `1 replay`, `1,204 replays`, `2 entries`."""
    return f"{quantity:,} {inflect(quantity, singular, plural)}"


def inflect(quantity: int, singular: str, plural: str | None = None) -> str:
    """Choose between the singular and the plural of a noun that follows a number."""
    return singular if quantity == 1 else plural or f"{singular}s"


def ranges(numbers: Sequence[int]) -> str:
    """Write numbers in order, three and more that follow one another as one: `3, 7 to 9`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(
        f"{run[0]} to {run[-1]}" if len(run) > _SHORT_RUN else ", ".join(map(str, run))
        for run in runs
    )


def day_and_time(at: datetime) -> str:
    """Write a moment for people without JavaScript: `24 Nov 2026, 14:03 UTC`."""
    utc = at.astimezone(UTC)
    month = _MONTHS[utc.month - 1]
    return f"{utc.day} {month} {utc.year:04}, {utc.hour:02}:{utc.minute:02} UTC"


Said = str | tuple[str | datetime, ...]
"""A sentence; one that tells moments is in parts, for a page writes those in the reader's zone."""


def time_of_day(at: datetime) -> str:
    """Write a moment of a day that is written beside it: `14:03:05 UTC`."""
    return f"{_to_the_second(at)[11:]} UTC"


def exact(at: datetime) -> str:
    """Write a moment to the second: `2026-11-24 14:03:05 UTC`."""
    return f"{_to_the_second(at)} UTC"


def iso(at: datetime) -> str:
    """Write a moment for the `datetime` attribute: `2026-11-24T14:03:05Z`."""
    return f"{_to_the_second(at, between='T')}Z"


def _to_the_second(at: datetime, *, between: str = " ") -> str:
    """Write a moment in UTC; five times as fast as `strftime`, and pages have thousands."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(between, "seconds")


def shortened(text: str, *, limit: int = 200) -> str:
    """Cut a text at `limit` characters and say so with an ellipsis."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def sentence(message: str) -> str:
    """Turn the message of an error, which begins small and has no full stop, into a sentence."""
    return f"{message[:1].upper()}{message[1:]}."


@dataclass(frozen=True, slots=True)
class ScreenPath:
    """The way through an app, short: the first screens, how many are left out, the last."""

    first: tuple[str, ...]
    hidden: int
    last: str | None


def screen_path(screens: Sequence[str], *, first: int = 3) -> ScreenPath:
    """Shorten a way through an app to its first screens and its last.

    Returns:
        All screens in `first` when at most one more than `first` would be shown anyway.
    """
    if len(screens) <= first + 1:
        return ScreenPath(tuple(screens), 0, None)
    return ScreenPath(tuple(screens[:first]), len(screens) - first - 1, screens[-1])
