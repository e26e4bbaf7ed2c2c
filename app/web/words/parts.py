"""Lists that are too long for one page: which part is shown, and where the next one is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from app.db.list_slices import ListSlice
from app.web.words import phrases

_RELATION: Final = {
    (False, False): "",
    (True, False): "more than ",
    (False, True): "about ",
    (True, True): "more than ",
}
"""The word before a number, by whether it is a lower bound and whether it is inexact."""


@dataclass(frozen=True, slots=True)
class ListPart:
    """A part of a long list, in words, and the way to the next part."""

    text: str
    """`Showing the first 1,000 of 4,213 errors.`"""
    next_text: str | None
    """The text of the link: `Next 1,000 errors`."""
    next_href: str | None
    """The address of the next part; None on the last one."""


@dataclass(frozen=True, slots=True)
class RecordingPart:
    """The part of the recordings that is read, if all are too large to be read at once."""

    text: str
    start_href: str | None
    """Leads to the first part; None if this is it."""
    next_text: str | None
    """The text of the link: `Recordings from 12:34 on`."""
    next_href: str | None
    """Leads to the part that follows; None if this is the last."""


def describe_part(
    noun: str,
    *,
    first: int,
    shown: int,
    total: int,
    size: int,
    next_href: str | None,
    is_at_least: bool = False,
    is_about: bool = False,
    order: str = "",
) -> ListPart | None:
    """Say which part of a list is shown; None if it is the whole list.

    Args:
        noun: The noun of the list, in the singular.
        first: The number of the first row that is shown, counted from 1.
        shown: The number of rows that are shown.
        total: The number of rows in the list.
        size: The most rows of a part.
        next_href: Leads to the next part; None if this is the last.
        is_at_least: True if there may be more rows than were counted.
        is_about: True if rows were counted that are not shown, such as those that came twice.
        order: What comes first, if that is not the time; a sentence.
    """
    last = first + shown - 1
    if first <= 1 and next_href is None:
        return None
    nouns = phrases.inflect(total, noun)
    counted = f"{_RELATION[is_at_least, is_about]}{total:,}"
    text = (
        f"Showing the first {shown:,} of {counted} {nouns}"
        if first <= 1
        else f"Showing {nouns} {first:,} to {last:,} of {counted}"
    )
    following = size if is_at_least or is_about else min(size, max(0, total - last))
    return ListPart(
        text=f"{text}. {order}".strip(),
        next_text=_next_text(noun, following, is_about=is_about) if next_href else None,
        next_href=next_href,
    )


def describe_rows(
    noun: str, *, first: int, total: int, size: int, href: Callable[[int], str]
) -> ListPart | None:
    """Say which part of a list that is read by number is shown; None if it is the whole list.

    Args:
        noun: The noun of the list, in the singular.
        first: Number of rows to skip.
        total: The number of rows in the list.
        size: The most rows of a part.
        href: Returns the address of the part with so many rows before it.
    """
    following = first + size
    return describe_part(
        noun,
        first=first + 1,
        shown=max(0, min(size, total - first)),
        total=total,
        size=size,
        next_href=href(following) if following < total else None,
    )


def describe_slice(
    noun: str, rows: ListSlice[Any], *, href: Callable[[int], str]
) -> ListPart | None:
    """Say which slice of a list is shown; None if it is the whole list.

    Args:
        noun: The noun of the list, in the singular.
        rows: The slice.
        href: Returns the address of the slice with so many rows before it.
    """
    return describe_rows(noun, first=rows.first, total=rows.total, size=rows.size, href=href)


def _next_text(noun: str, quantity: int, *, is_about: bool) -> str:
    """Promise a number only if it is known."""
    nouns = phrases.inflect(2, noun)
    return f"Next part of the {nouns}" if is_about else f"Next {phrases.count(quantity, noun)}"


ERROR_ORDER: Final = (
    "Crashes and hangs are taken first, then backend errors, then the others; each part is in the "
    "order of time."
)
