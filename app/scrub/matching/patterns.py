"""The linear-time matcher: every pattern of this room is compiled here, nearly all by RE2.

RE2 reads a text once, whatever the pattern; a backtracking matcher can be made to take minutes.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any, Final

import re2  # type: ignore[import-untyped]  # the wheel ships no stubs

_MEMORY_BYTES: Final = 32 * 1024 * 1024
"""For the automaton of one pattern; with too little it falls back to a slower one."""
_ANYWHERE: Final = re2._Anchor.UNANCHORED  # noqa: SLF001 - what the methods of the wheel pass on
_AT_START: Final = re2._Anchor.ANCHOR_START  # noqa: SLF001 - as above
_WHOLE: Final = re2._Anchor.ANCHOR_BOTH  # noqa: SLF001 - as above
_WHOLE_OF: Final = itemgetter(0)

TextRange = tuple[int, int]
"""Where something begins and ends; negative if it is nowhere."""


class PatternMatch:
    """One place where a pattern fits."""

    __slots__ = ("_spans", "_text")

    def __init__(self, text: str, spans: Sequence[TextRange]) -> None:
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


class TextPattern:
    """A compiled pattern over text; it fits one character or more.

    The wheel's own methods take 3 us a match to turn places in bytes into places in text, and more
    to put a match together. So the matcher is asked without them.
    """

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._match = compiled._regexp.Match  # noqa: SLF001 - there is no public way around

    def search(self, text: str) -> PatternMatch | None:
        """Find the first place."""
        return self._first(_ANYWHERE, text)

    def match(self, text: str) -> PatternMatch | None:
        """Fit the beginning of the text."""
        return self._first(_AT_START, text)

    def fullmatch(self, text: str) -> PatternMatch | None:
        """Fit all of the text."""
        return self._first(_WHOLE, text)

    def finditer(self, text: str) -> Iterator[PatternMatch]:
        """Find every place, one behind the other."""
        return (PatternMatch(text, spans) for spans in self._every(text))

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """Find where every place begins and ends; a pattern without groups takes a third."""
        return map(_WHOLE_OF, self._every(text))

    def sub(self, replacement: str, text: str) -> str:
        """Replace every place."""
        replaced: str = self._compiled.sub(replacement, text)
        return replaced

    def _first(self, anchor: Any, text: str) -> PatternMatch | None:
        data = text.encode()
        spans = self._match(anchor, data, 0, len(data))
        if spans[0][0] < 0:
            return None
        return PatternMatch(
            text, spans if len(data) == len(text) else next(_in_text([spans], data))
        )

    def _every(self, text: str) -> Iterator[Sequence[TextRange]]:
        data = text.encode()
        found = self._every_in(data)
        return found if len(data) == len(text) else _in_text(found, data)

    def _every_in(self, data: bytes) -> Iterator[Sequence[TextRange]]:
        match, at, end = self._match, 0, len(data)
        while (spans := match(_ANYWHERE, data, at, end))[0][0] >= 0:
            yield spans
            at = spans[0][1]


def _in_text(found: Iterable[Sequence[TextRange]], data: bytes) -> Iterator[Sequence[TextRange]]:
    """Turn places in UTF-8, which ascend, into places in the text it stands for."""
    done = chars = 0
    for spans in found:
        start = spans[0][0]
        chars += len(data[done:start].decode())
        done = start
        yield [
            (chars + len(data[start:begin].decode()), chars + len(data[start:end].decode()))
            if begin >= 0
            else (begin, end)
            for begin, end in spans
        ]


def compile_text(pattern: str, *, any_case: bool = False, is_longest: bool = False) -> TextPattern:
    """Compile a pattern over text; of alternatives the first one counts, or the longest."""
    options = _options()
    options.longest_match = is_longest
    options.case_sensitive = not any_case
    compiled = re2.compile(pattern, options=options)
    if compiled.search(""):
        raise ValueError("a pattern must not fit nothing: it would be found for ever")
    return TextPattern(compiled)


def compile_forward(pattern: str) -> re.Pattern[str]:
    """Compile a pattern for the standard matcher, whose repeats have a bound or give nothing back.

    So it cannot go back and forth. It can begin anywhere in a text, for which RE2 would need a
    copy, and it finds the next place in a third of the time. To search with, such a pattern must
    be short or fail at its first character: from there it is tried at every one.
    """
    return re.compile(pattern)


def escape_text(text: str) -> str:
    """Return a pattern that fits exactly this text."""
    escaped: str = re2.escape(text)
    return escaped


class BytePatternSet:
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
