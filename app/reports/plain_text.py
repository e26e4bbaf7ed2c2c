"""Makes recorded texts safe to stand in a report, which people paste into other programs.

Anybody who knows a DSN chooses these texts. A report is pasted into trackers, chats and editors, so
a text must stay on its line, must not reorder what follows it, and must not be read as markup.
"""

import re
import unicodedata
from typing import Final

_REORDERING: Final = frozenset(
    "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
"""Characters that change the order in which the text after them is shown."""
_DROPPED: Final = frozenset({"Cc", "Cs", "Co", "Cn"})
"""Categories of characters that are not text. Format characters stay: emoji are joined by them."""
_BACKTICKS: Final = re.compile("`+")


def clean_text(text: str, *, limit: int = 120) -> str:
    """Put a text on one line, without control characters, and cut it with an ellipsis.

    Args:
        text: The recorded text.
        limit: The most characters of the result.
    """
    # A separator of lines or paragraphs, such as U+2028, is white space to `split` as well.
    one_line = " ".join(text[: limit * 8].split())
    kept = "".join(
        char
        for char in one_line
        if char == " " or (char not in _REORDERING and unicodedata.category(char) not in _DROPPED)
    ).strip()
    return kept if len(kept) <= limit else f"{kept[: limit - 1].rstrip()}…"


def quote_text(text: str, *, limit: int = 120) -> str:
    """Quote a recorded text for a sentence in plain text: `“Pay now”`."""
    return f"“{clean_text(text, limit=limit)}”"


def write_code_span(text: str, *, limit: int = 120) -> str:
    """Write a recorded text as a code span of Markdown, in which nothing is markup.

    Trackers neither follow links in a code span, nor call people or issues that it names, nor read
    HTML. The fence is longer than any run of backticks in the text.

    Source: CommonMark 0.31, section 6.1.
    """
    cleaned = clean_text(text, limit=limit) or " "
    longest = max((len(run) for run in _BACKTICKS.findall(cleaned)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if cleaned.startswith("`") or cleaned.endswith("`") else ""
    return f"{fence}{pad}{cleaned}{pad}{fence}"
