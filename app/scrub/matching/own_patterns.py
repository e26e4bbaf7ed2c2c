"""The patterns that a project adds to the built-in rules: checks, hints and matches.

    pattern ─ check ─► compiled for texts
            └ without its assertions ─► hint: matches wherever the pattern could

An admin types these patterns, so they are bounded: RE2 reads a text once, but a pattern with large
repeats costs it as much for each character as hundreds of small ones.

Source: https://github.com/google/re2/wiki/Syntax
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import re2  # type: ignore[import-untyped]  # the wheel ships no stubs

from app.scrub.matching import folding, patterns
from app.scrub.matching.redactions import Redaction
from app.scrub.rules import FILTERED, MARKS, OwnPattern

MOST_PATTERN_CHARS: Final = 500
_MEMORY_BYTES: Final = 8 * 1024 * 1024
_SET_MEMORY_BYTES: Final = 32 * 1024 * 1024
_ANYTHING: Final = b"(?:)"
_MOST_STEPS: Final = 200
"""Instructions of a pattern over single bytes. The worst pattern with so many takes 0.6 s for a
megabyte of the worst text, and usual ones take 5 ms."""
_MOST_UNICODE_STEPS: Final = 10_000
"""Instructions of a pattern over UTF-8: `\\pL` alone has 600 of them."""
_ASSERTIONS: Final = frozenset("AzbB")
_REFUSED_ESCAPES: Final = {
    "Q": "\\Q…\\E is not allowed: write a backslash before each special character",
    "C": "\\C is not allowed: it could cut a character into two",
}
_MARK: Final = patterns.compile_text("|".join(map(patterns.escape_text, MARKS)))


class PatternRefused(ValueError):
    """A pattern cannot be used; the message says why, for the person who typed it."""


class OwnPatternFinder:
    """Finds what one pattern of a project matches."""

    def __init__(self, own_pattern: OwnPattern) -> None:
        self._error: PatternRefused | None = None
        try:
            self._compiled = compile_own_pattern(own_pattern.pattern)
        except PatternRefused as error:
            self._error = error

    def find(self, text: str) -> Iterator[Redaction]:
        """Find the matches in folded text; a mark inside one goes with it, and none is cut.

        Raises:
            PatternRefused: The pattern cannot be used. It was saved when it could, so nothing that
                it may have been meant for is let through.
        """
        if self._error is not None:
            raise self._error
        marks = list(_MARK.find_ranges(text))
        done = 0
        for start, end in self._compiled.find_ranges(text):
            start, end = _widen_to_marks(start, end, marks)  # noqa: PLW2901 - the same range
            if start >= done and text[start:end] not in MARKS:
                yield start, end, FILTERED
                done = end


class OwnPatternHints:
    """Tells which patterns of a project may match, in one pass over a text or over JSON."""

    def __init__(self, own_patterns: Sequence[OwnPattern]) -> None:
        self._every = range(len(own_patterns))
        self._set: Any = None
        """None if a pattern cannot be used; then each of them may always match."""
        options = _make_options()
        options.max_mem = _SET_MEMORY_BYTES
        hints = re2.Set.SearchSet(options)
        try:
            for own_pattern in own_patterns:
                hints.Add(relax_pattern(own_pattern.pattern).encode())
            hints.Add(_ANYTHING)
            hints.Compile()
        except (re2.error, PatternRefused, UnicodeEncodeError):
            return
        self._set = hints

    def find_candidates(self, folded: str) -> Sequence[int]:
        """Return the numbers of the patterns that may match a folded text."""
        return self._match(folded.encode())

    def may_match_json(self, data: bytes) -> bool:
        """Tell whether a pattern may match a text inside this JSON, or this text in UTF-8."""
        # iOS writes each slash with a backslash, which would send all it sends the slow way.
        text = data.replace(b"\\/", b"/")
        if b"\\" in text:
            return True
        if not text.isascii():
            text = folding.fold_text(text.decode(errors="replace")).encode()
        return bool(self._match(text))

    def _match(self, data: bytes) -> Sequence[int]:
        """Return the numbers of the patterns that may match; all of them if the matcher fails.

        A set that lacks memory matches nothing, without an error. The last pattern tells: it
        matches anything.
        """
        numbers = sorted(self._set.Match(data) or ()) if self._set is not None else []
        return numbers[:-1] if numbers and numbers[-1] == len(self._every) else self._every


def compile_own_pattern(pattern: str) -> patterns.TextPattern:
    """Compile a pattern of a project within its limits.

    Raises:
        PatternRefused: It is no pattern, too long or too costly, or may match the empty text.
    """
    if len(pattern) > MOST_PATTERN_CHARS:
        raise PatternRefused(f"a pattern has at most {MOST_PATTERN_CHARS} characters")
    relaxed = _compile(relax_pattern(pattern))
    compiled = _compile(pattern)
    if relaxed.search("") is not None:
        raise PatternRefused("the pattern may match the empty text: let it match one character")
    single_bytes = _compile(pattern, is_latin=True)
    if (
        single_bytes.programsize > _MOST_STEPS
        or max(compiled.programsize, compiled.reverseprogramsize) > _MOST_UNICODE_STEPS
    ):
        raise PatternRefused("the pattern is too costly: use smaller repeats such as {1,20}")
    return patterns.TextPattern(compiled)


def relax_pattern(pattern: str) -> str:
    r"""Return a pattern without `^`, `$` and `\b`, which matches wherever the original does.

    What stands at the edge of a text stands beside a quote in JSON, so the assertions would fail
    there.

    Raises:
        PatternRefused: It uses an escape that is not allowed.
    """
    return "".join(_relax_tokens(_split_pattern(pattern)))


def _relax_tokens(tokens: Iterable[str]) -> Iterator[str]:
    for token in tokens:
        is_escape = token[0] == "\\" and len(token) > 1
        if is_escape and token[1] in _REFUSED_ESCAPES:
            raise PatternRefused(_REFUSED_ESCAPES[token[1]])
        is_assertion = token in {"^", "$"} or (is_escape and token[1] in _ASSERTIONS)
        yield "(?:)" if is_assertion else token


def _split_pattern(pattern: str) -> Iterator[str]:
    """Split a pattern into classes, escapes, and single characters."""
    at = 0
    while at < len(pattern):
        end = at + 1
        if pattern[at] == "\\":
            end = at + 2
        elif pattern[at] == "[":
            end = _end_of_class(pattern, at)
        yield pattern[at:end]
        at = end


def _end_of_class(pattern: str, start: int) -> int:
    """Return the end of a class such as `[^]a-z[:digit:]]`, or of the text if it is cut."""
    at = start + 1
    at += pattern.startswith("^", at)
    at += pattern.startswith("]", at)
    while at < len(pattern) and pattern[at] != "]":
        if pattern.startswith("[:", at) and (inner := pattern.find(":]", at)) > 0:
            at = inner + 2
        else:
            at += 2 if pattern[at] == "\\" else 1
    return at + 1


def _compile(pattern: str, *, is_latin: bool = False) -> Any:
    options = _make_options()
    if is_latin:
        options.encoding = re2.Options.Encoding.LATIN1
    try:
        return re2.compile(pattern.encode() if is_latin else pattern, options=options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        said = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise PatternRefused(f"this is not a pattern: {said}") from error
    except UnicodeEncodeError as error:
        raise PatternRefused("this is not a pattern: it is not Unicode") from error


def _make_options() -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY_BYTES
    return options


def _widen_to_marks(start: int, end: int, marks: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return a range that contains every mark that it touches."""
    for begin, after in marks:
        if begin < end and start < after:
            start, end = min(start, begin), max(end, after)
    return start, end
