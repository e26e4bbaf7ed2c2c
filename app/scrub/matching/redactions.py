"""Redactions: ranges of a text and the marks that replace them."""

from collections.abc import Iterable

Redaction = tuple[int, int, str]
"""Start and end of a range, and the mark that replaces it."""


def apply_redactions(text: str, redactions: Iterable[Redaction]) -> tuple[str, int]:
    """Replace ranges of a text by their marks.

    Args:
        text: Original text; the ranges may have been found in its folded form.
        redactions: Ranges in ascending order that do not overlap.

    Returns:
        The new text, and the number of ranges that were replaced.
    """
    pieces: list[str] = []
    done = count = 0
    for start, end, mark in redactions:
        pieces += (text[done:start], mark)
        done = end
        count += 1
    return "".join((*pieces, text[done:])) if count else text, count
