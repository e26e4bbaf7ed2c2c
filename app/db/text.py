"""Cleans every text before it goes into a text or jsonb column of Postgres.

Postgres refuses NUL and lone surrogates; one such character would make an envelope fail for ever.
"""

import math
from typing import Any, Final, NewType

import msgspec

from app.core.limits import LIMITS

JsonText = NewType("JsonText", str)
"""JSON whose strings have been cleaned."""

_CUT_MARK: Final = "…"
_CUT_MARK_BYTES: Final = len(_CUT_MARK.encode())


def clean(text: str, *, limit_bytes: int = LIMITS.text_bytes) -> str:
    """Return a text that Postgres can store.

    NUL is dropped, a lone surrogate becomes U+FFFD, and a text over the limit is cut on a character
    boundary and ends in `…`.
    """
    if text.isascii() and "\0" not in text and len(text) <= limit_bytes:
        return text
    # UTF-16 joins surrogate pairs that arrived as two escapes, and replaces only the lone ones.
    fit = text.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if len(fit.encode()) <= limit_bytes:
        return fit
    return fit.encode()[: limit_bytes - _CUT_MARK_BYTES].decode("utf-8", "ignore") + _CUT_MARK


def clean_or_none(text: str | None, *, limit_bytes: int = LIMITS.text_bytes) -> str | None:
    """Clean a text that may be absent; an empty one counts as absent."""
    return clean(text, limit_bytes=limit_bytes) or None if text else None


def clean_json(value: Any) -> Any:
    """Clean every string and key inside a JSON value, for a jsonb column."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(key)): clean_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def json_text(value: Any) -> JsonText:
    """Clean a JSON value and encode it, for a statement that takes JSON as text."""
    return JsonText(msgspec.json.encode(clean_json(value)).decode())
