"""Lists that are too long for one page: which part is shown, and where the next one is."""

from dataclasses import dataclass

from app.web.view import words


@dataclass(frozen=True, slots=True)
class ListPart:
    """A part of a long list, in words, and the way to the next part."""

    text: str
    """`Showing the first 1,000 of 4,213 errors.`"""
    next_text: str | None
    """What the link says: `Next 1,000 errors`."""
    next_href: str | None
    """None on the last part."""


def describe_part(
    noun: str,
    *,
    first: int,
    shown: int,
    total: int,
    size: int,
    next_href: str | None,
    is_at_least: bool = False,
    order: str = "",
) -> ListPart | None:
    """Say which part of a list is shown; None if it is the whole list.

    Args:
        noun: What the list holds, in the singular.
        first: The number of the first row that is shown, counted from 1.
        shown: How many rows are shown.
        total: How many rows the list has.
        size: How many rows a part has at most.
        next_href: Leads to the next part; None if this is the last.
        is_at_least: Whether there may be more rows than were counted.
        order: What comes first, if that is not the time; a clause.
    """
    last = first + shown - 1
    if first <= 1 and next_href is None:
        return None
    nouns = words.count(total, noun).partition(" ")[2]
    counted = f"more than {total:,}" if is_at_least else f"{total:,}"
    text = (
        f"Showing the first {shown:,} of {counted} {nouns}"
        if first <= 1
        else f"Showing {nouns} {first:,} to {last:,} of {counted}"
    )
    following = size if is_at_least else min(size, max(0, total - last))
    return ListPart(
        text=f"{text}{f': {order}' if order else ''}.",
        next_text=f"Next {words.count(following, noun)}" if next_href else None,
        next_href=next_href,
    )
