"""The linear-time matcher: every pattern of the scrubber is compiled here, nearly all by RE2.

RE2 reads a text once, whatever the pattern. A hostile text can make a backtracking matcher take
minutes.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any, Final

import re2  # type: ignore[import-untyped]  # the wheel ships no stubs

_MEMORY_BYTES: Final = 32 * 1024 * 1024
"""Memory for the automaton of one pattern; with too little, RE2 uses a slower one."""
_ANYWHERE: Final = re2._Anchor.UNANCHORED  # noqa: SLF001 - its own methods pass these values
_AT_START: Final = re2._Anchor.ANCHOR_START  # noqa: SLF001 - as above
_WHOLE: Final = re2._Anchor.ANCHOR_BOTH  # noqa: SLF001 - as above
_WHOLE_MATCH: Final = itemgetter(0)

MATCHER_ERROR: Final[type[Exception]] = re2.error
"""Raised for a pattern that RE2 cannot compile, or cannot within its memory."""
TextRange = tuple[int, int]
"""Start and end of a part of a text; negative if the part is absent."""


class PatternMatch:
    """One range of a text that a pattern matches, with its groups."""

    __slots__ = ("_ranges", "_text")

    def __init__(self, text: str, ranges: Sequence[TextRange]) -> None:
        self._text, self._ranges = text, ranges

    def start(self, group: int = 0) -> int:
        """Return the start of a group, which is negative if the group did not take part."""
        return self._ranges[group][0]

    def end(self, group: int = 0) -> int:
        """Return the end of a group."""
        return self._ranges[group][1]

    def group(self, group: int = 0) -> str:
        """Return the text of a group, which is empty if the group did not take part."""
        start, end = self._ranges[group]
        return self._text[start:end] if start >= 0 else ""


class TextPattern:
    """A compiled pattern over text, which matches one character or more.

    The methods of the re2 package take 3 us for each match to turn ranges of bytes into ranges of
    text, and more to make a match object. So the matcher below them is called directly.
    """

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._match = compiled._regexp.Match  # noqa: SLF001 - no public name leads to it

    def search(self, text: str) -> PatternMatch | None:
        """Find the first match."""
        return self._find_first(_ANYWHERE, text)

    def match(self, text: str) -> PatternMatch | None:
        """Match the beginning of the text."""
        return self._find_first(_AT_START, text)

    def fullmatch(self, text: str) -> PatternMatch | None:
        """Match the whole text."""
        return self._find_first(_WHOLE, text)

    def finditer(self, text: str) -> Iterator[PatternMatch]:
        """Find every match, one after the other."""
        return (PatternMatch(text, ranges) for ranges in self._find_every(text))

    def find_ranges(self, text: str) -> Iterator[TextRange]:
        """Find the range of every match; a pattern without groups takes a third of the time."""
        return map(_WHOLE_MATCH, self._find_every(text))

    def sub(self, replacement: str, text: str) -> str:
        """Replace every match."""
        replaced: str = self._compiled.sub(replacement, text)
        return replaced

    def _find_first(self, anchor: Any, text: str) -> PatternMatch | None:
        data = text.encode()
        ranges = self._match(anchor, data, 0, len(data))
        if ranges[0][0] < 0:
            return None
        return PatternMatch(
            text, ranges if len(data) == len(text) else next(_in_text([ranges], data))
        )

    def _find_every(self, text: str) -> Iterator[Sequence[TextRange]]:
        data = text.encode()
        matches = self._find_every_in_bytes(data)
        return matches if len(data) == len(text) else _in_text(matches, data)

    def _find_every_in_bytes(self, data: bytes) -> Iterator[Sequence[TextRange]]:
        match, at, end = self._match, 0, len(data)
        while (ranges := match(_ANYWHERE, data, at, end))[0][0] >= 0:
            yield ranges
            at = ranges[0][1]


def _in_text(matches: Iterable[Sequence[TextRange]], data: bytes) -> Iterator[Sequence[TextRange]]:
    """Turn ascending ranges of UTF-8 bytes into ranges of the decoded text."""
    done = chars = 0
    for ranges in matches:
        start = ranges[0][0]
        chars += len(data[done:start].decode())
        done = start
        yield [
            (chars + len(data[start:begin].decode()), chars + len(data[start:end].decode()))
            if begin >= 0
            else (begin, end)
            for begin, end in ranges
        ]


def compile_text(pattern: str, *, any_case: bool = False, is_longest: bool = False) -> TextPattern:
    """Compile a pattern over text; of alternatives the first one matches, or else the longest."""
    options = _options()
    options.longest_match = is_longest
    options.case_sensitive = not any_case
    compiled = re2.compile(pattern, options=options)
    if compiled.search(""):
        raise ValueError("a pattern must not match the empty text: it would match for ever")
    return TextPattern(compiled)


def compile_forward(pattern: str) -> re.Pattern[str]:
    """Compile a pattern for the standard matcher, with bounded or possessive repeats only.

    So it cannot backtrack without bound. It can begin anywhere in a text, for which RE2 would need
    a copy, and it finds the next match in a third of the time. A pattern to search with must be
    short or fail at its first character, because it is tried at every character.
    """
    return re.compile(pattern)


def escape_text(text: str) -> str:
    """Return a pattern that matches exactly this text."""
    escaped: str = re2.escape(text)
    return escaped


class BytePatternSet:
    """Many byte patterns that are matched in one pass over a text."""

    def __init__(self, patterns: Sequence[bytes]) -> None:
        options = _options()
        # Each byte is a character, so that nothing can hide behind bytes that are not UTF-8.
        options.encoding = re2.Options.Encoding.LATIN1
        self._set = re2.Set.SearchSet(options)
        for pattern in patterns:
            self._set.Add(pattern)
        self._set.Compile()

    def find_matching(self, data: bytes) -> Sequence[int]:
        """Return the numbers of the patterns that match somewhere, in ascending order."""
        numbers: Sequence[int] | None = self._set.Match(data)
        return sorted(numbers) if numbers else ()


def _options() -> "re2.Options":
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY_BYTES
    return options
