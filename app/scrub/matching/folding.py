"""Folds look-alike characters, so that rules need to know ASCII only.

Arabic or full-width digits become 0-9, typographic spaces and dashes become plain ones, a
full-width colon becomes a colon. Each character becomes one character, so that a range of the
folded text is the same range of the original.
"""

import sys
import unicodedata
from typing import Final

_PLAIN_CHARS: Final = 128
_SPACES: Final = "\u00a0\u1680\u180e\u2028\u2029\u202f\u205f\u3000\u200b\u2060\ufeff" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_DASHES: Final = "\u00ad\u2212\ufe58\ufe63" + "".join(map(chr, range(0x2010, 0x2016)))
_FULL_WIDTH: Final = range(0xFF01, 0xFF5F)
_FULL_WIDTH_OFFSET: Final = 0xFEE0
_SURROGATES: Final = range(0xD800, 0xE000)
_CJK_PUNCTUATION: Final = frozenset({0xFF01, 0xFF08, 0xFF09, 0xFF0C, 0xFF1A, 0xFF1B, 0xFF1F})
"""Full-width !(),:;? as they stand in clean Chinese text; only the colon matters to a rule."""


def _map_digits() -> dict[int, str]:
    """Map every decimal digit of every script to 0-9."""
    digits = {}
    for code in range(_PLAIN_CHARS, sys.maxunicode + 1):
        value = unicodedata.decimal(chr(code), None)
        if value is not None:
            digits[code] = str(value)
    return digits


_DIGITS: Final = _map_digits()
_LETTERS: Final = {0x017F: "s", 0x212A: "k"}
"""The long s and the Kelvin sign, which a matcher that ignores case takes for s and k."""
_TABLE: Final[dict[int, str]] = {
    **dict.fromkeys(_SURROGATES, "\ufffd"),
    **dict.fromkeys(map(ord, _SPACES), " "),
    **dict.fromkeys(map(ord, _DASHES), "-"),
    **{code: chr(code - _FULL_WIDTH_OFFSET) for code in _FULL_WIDTH},
    **_DIGITS,
    **_LETTERS,
}


def fold_text(text: str) -> str:
    """Replace look-alike characters one by one; ASCII text is returned as the same object."""
    return text if text.isascii() else text.translate(_TABLE)


def make_exotic_pattern() -> bytes:
    """Return a pattern over UTF-8 bytes for characters that fold to a digit, letter or sign.

    Spaces and dashes are left out: they are frequent in clean text, and the hints allow for them.
    """
    codes = set(_DIGITS) | set(_LETTERS) | (set(_FULL_WIDTH) - _CJK_PUNCTUATION)
    lasts: dict[bytes, list[int]] = {}
    for code in sorted(codes):
        *head, last = chr(code).encode()
        lasts.setdefault(bytes(head), []).append(last)
    return b"|".join(
        b"".join(b"\\x%02x" % byte for byte in head)
        + b"["
        + b"".join(b"\\x%02x" % byte for byte in last)
        + b"]"
        for head, last in lasts.items()
    )
