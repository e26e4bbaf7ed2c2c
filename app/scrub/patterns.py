"""The linear-time matcher: every pattern of this room is compiled here, by RE2.

RE2 reads a text once, whatever the pattern; a backtracking matcher can be made to take minutes.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import re2  # type: ignore[import-untyped]  # the wheel ships no stubs

_MEMORY_BYTES: Final = 32 * 1024 * 1024
"""For the automaton of one pattern; with too little it falls back to a slower one."""


class Match(Protocol):
    """One place where a pattern fits."""

    def start(self, group: int = 0) -> int: ...
    def end(self, group: int = 0) -> int: ...
    def group(self, group: int = 0) -> str: ...


class Pattern(Protocol):
    """A compiled pattern over text."""

    def search(self, text: str) -> Match | None: ...
    def match(self, text: str, pos: int = 0) -> Match | None: ...
    def fullmatch(self, text: str) -> Match | None: ...
    def finditer(self, text: str) -> Iterator[Match]: ...
    def split(self, text: str) -> list[str]: ...
    def sub(self, replacement: str, text: str) -> str: ...


def compile_text(pattern: str, *, any_case: bool = False) -> Pattern:
    """Compile a pattern over text."""
    options = _options()
    options.case_sensitive = not any_case
    compiled: Pattern = re2.compile(pattern, options=options)
    return compiled


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
