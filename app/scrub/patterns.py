"""The linear-time matcher: every pattern of this room is compiled here, by RE2.

RE2 reads a text once, whatever the pattern; a backtracking matcher can be made to take minutes.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import re2  # type: ignore[import-untyped]  # the wheel ships no stubs

_MEMORY_BYTES: Final = 32 * 1024 * 1024
"""For the automaton of one pattern; with too little it falls back to a slower one."""
_DIGITS_APART: Final = re.compile(r"[0-9]+|[^0-9]+")
_ANYWHERE: Final = re2._Anchor.UNANCHORED  # noqa: SLF001 - what the methods of the wheel pass on
_AT_START: Final = re2._Anchor.ANCHOR_START  # noqa: SLF001 - as above
_WHOLE: Final = re2._Anchor.ANCHOR_BOTH  # noqa: SLF001 - as above


class Match:
    """One place where a pattern fits."""

    __slots__ = ("_spans", "_text")

    def __init__(self, text: str, spans: Sequence[tuple[int, int]]) -> None:
        self._text, self._spans = text, spans

    def start(self, group: int = 0) -> int:
        """Return where a group begins; negative if it is no part of the match."""
        return self._spans[group][0]

    def end(self, group: int = 0) -> int:
        """Return where a group ends."""
        return self._spans[group][1]

    def group(self, group: int = 0) -> str:
        """Return what a group fits; empty if it is no part of the match."""
        start, end = self._spans[group]
        return self._text[start:end] if start >= 0 else ""


class Pattern:
    """A compiled pattern over text.

    The wheel's own methods take 3 us a match to turn places in bytes into places in text. In ASCII
    they are the same, so there the matcher is asked without them.
    """

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._match = compiled._regexp.Match  # noqa: SLF001 - there is no public way around

    def search(self, text: str) -> Match | None:
        """Find the first place."""
        return self._first(_ANYWHERE, text)

    def match(self, text: str) -> Match | None:
        """Fit the beginning of the text."""
        return self._first(_AT_START, text)

    def fullmatch(self, text: str) -> Match | None:
        """Fit all of the text."""
        return self._first(_WHOLE, text)

    def finditer(self, text: str) -> Iterator[Match]:
        """Find every place, one behind the other."""
        return (Match(text, spans) for spans in self._every(text))

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """Find where every place begins and ends; a pattern without groups takes a third."""
        return (spans[0] for spans in self._every(text))

    def split(self, text: str) -> list[str]:
        """Cut the text where the pattern fits; what its groups fit stands between the pieces."""
        pieces: list[str] = self._compiled.split(text)
        return pieces

    def sub(self, replacement: str, text: str) -> str:
        """Replace every place."""
        replaced: str = self._compiled.sub(replacement, text)
        return replaced

    def _first(self, anchor: Any, text: str) -> Match | None:
        if text.isascii():
            spans = self._match(anchor, text.encode(), 0, len(text))
            return None if spans[0][0] < 0 else Match(text, spans)
        found = next(self._compiled._match(anchor, text), None)  # noqa: SLF001 - as above
        return None if found is None else Match(text, self._spans_of(found))

    def _every(self, text: str) -> Iterator[Sequence[tuple[int, int]]]:
        if not text.isascii():
            yield from map(self._spans_of, self._compiled.finditer(text))
            return
        data, at, end = text.encode(), 0, len(text)
        while at <= end:
            spans = self._match(_ANYWHERE, data, at, end)
            start, stop = spans[0]
            if start < 0:
                return
            yield spans
            # Behind a match of nothing the next character follows, or it would be found for ever.
            at = stop if stop > at else at + 1

    def _spans_of(self, found: Any) -> list[tuple[int, int]]:
        return [found.span(group) for group in range(self._compiled.groups + 1)]


def compile_text(pattern: str, *, any_case: bool = False) -> Pattern:
    """Compile a pattern over text."""
    options = _options()
    options.case_sensitive = not any_case
    return Pattern(re2.compile(pattern, options=options))


def compile_short(pattern: str) -> re.Pattern[str]:
    """Compile a pattern that fits a few characters, since all its repeats have a bound.

    So the standard matcher has next to nothing to go back to. It can begin anywhere in a text, for
    which RE2 would need a copy.
    """
    return re.compile(pattern)


def digits_apart(text: str) -> list[str]:
    """Cut a text that begins with a digit: digits, what is between, digits, and so on.

    A single class of characters gives a matcher nothing to go back to, so the standard one is
    linear here, and ten times as fast.
    """
    return _DIGITS_APART.findall(text)


def escape(text: str) -> str:
    """Return a pattern that fits exactly this text."""
    escaped: str = re2.escape(text)
    return escaped


class ByteSet:
    """Many byte patterns tried in one pass over a text."""

    def __init__(self, patterns: Sequence[bytes]) -> None:
        options = _options()
        # One byte is one character, so that bytes which are no UTF-8 cannot hide anything.
        options.encoding = re2.Options.Encoding.LATIN1
        self._set = re2.Set.SearchSet(options)
        for pattern in patterns:
            self._set.Add(pattern)
        self._set.Compile()

    def which(self, data: bytes) -> Sequence[int]:
        """Return the numbers of the patterns that fit somewhere, ascending; empty for none."""
        found: Sequence[int] | None = self._set.Match(data)
        return sorted(found) if found else ()


def _options() -> "re2.Options":
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY_BYTES
    return options
