"""Writes recorded texts as literals of the languages of test flows.

Anybody who knows a DSN chooses the texts, and somebody runs the flow: no text may end its literal,
begin an expression in it, or leave the line of a comment.
"""

import json
import re
from typing import Final

from app.reports.plain_text import clean_text

_LITERAL_CHARS: Final = 200
_REGEX_MARKS: Final = re.compile(r"[\\.\[\]{}()<>*+\-=!?^$|]")
_APP_ID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,199}", re.ASCII)


def write_yaml_regex(text: str) -> str:
    """Write a text as a quoted YAML scalar that holds a regular expression for exactly this text.

    Maestro reads texts and ids as regular expressions, and runs `${…}` in them as JavaScript. The
    backslash before each mark keeps `$` and `{` apart.
    """
    cleaned = clean_text(text, limit=_LITERAL_CHARS)
    if cleaned.endswith("…"):
        # The text was cut, or ends so: whatever follows is as good.
        return json.dumps(_REGEX_MARKS.sub(r"\\\g<0>", cleaned[:-1]) + ".*", ensure_ascii=False)
    return json.dumps(_REGEX_MARKS.sub(r"\\\g<0>", cleaned), ensure_ascii=False)


def write_kotlin_string(text: str) -> str:
    """Write a text as a string of Kotlin, in which `$` would begin an expression."""
    return _quote_string(text).replace("$", "\\$")


def write_swift_string(text: str) -> str:
    r"""Write a text as a string of Swift, in which `\(` would begin an expression."""
    return _quote_string(text)


def write_comment(mark: str, text: str) -> str:
    """Write a line of comment; `mark` is `#` or `//`."""
    return f"{mark} {clean_text(text, limit=300)}"


def read_app_id(value: object) -> str | None:
    """Return the identifier of an app if it is one: `com.example.shop`."""
    return value if isinstance(value, str) and _APP_ID.fullmatch(value) else None


def _quote_string(text: str) -> str:
    cleaned = clean_text(text, limit=_LITERAL_CHARS)
    escaped = cleaned.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
