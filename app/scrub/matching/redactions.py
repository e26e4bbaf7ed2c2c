"""Places in a text, and putting marks there."""

from collections.abc import Iterable

Redaction = tuple[int, int, str]
"""Start, end, and the mark to put there."""


def apply_redactions(text: str, spans: Iterable[Redaction]) -> tuple[str, int]:
    """Replace places by their marks.

    Args:
        text: The original text; the places may have been found in its folded form.
        spans: Ascending and apart.

    Returns:
        The new text, and how many places were replaced.
    """
    pieces: list[str] = []
    done = count = 0
    for start, end, mark in spans:
        pieces += (text[done:start], mark)
        done = end
        count += 1
    return "".join((*pieces, text[done:])) if count else text, count
