r"""Reads stack traces that are text, as OpenTelemetry records them, into frames.

    Python    File "app/cart.py", line 12, in charge           newest last
    Java      at net.shop.Cart.charge(Cart.java:12)            newest first, as all below
    .NET      at Shop.Cart.Charge(Order order) in /src/Cart.cs:line 12
    Node      at charge (/srv/app/cart.js:12:9)
    Go        shop.charge(0xc000…)⏎⇥/srv/cart.go:12 +0x1d
    Ruby      /srv/app/cart.rb:12:in 'charge'
    PHP       #0 /srv/app/Cart.php(12): Cart->charge()

A text in another form has no frames; pages show it as it is. Frames come out oldest call first, as
events have them. re2 matches the patterns in linear time, whatever the text is.
"""

import itertools
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import re2  # type: ignore[import-untyped]  # the wheel ships no stubs

from app.formats.jsonish import JsonObject

_MOST_CHARS: Final = 64 * 1024
_MOST_LINE_CHARS: Final = 1_000
_MOST_FRAMES: Final = 250

_PYTHON: Final = re2.compile(r'\s*File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<function>.+)')
_JAVA: Final = re2.compile(
    r"\s*at (?:[\w.@-]+/)*(?P<module>[\w.$]+)\.(?P<function>[\w$<>]+)"
    r"\((?P<file>[\w$.-]+)(?::(?P<line>\d+))?\)"
)
_DOTNET: Final = re2.compile(
    r"\s*at (?P<module>[\w.`+<>\[\]]+)\.(?P<function>[\w`<>|]+)\([^)]*\)"
    r"(?: in (?P<file>[^\n]+):line (?P<line>\d+))?\s*\z"
)
_NODE: Final = re2.compile(
    r"\s*at (?:(?P<function>[^()\s][^()]*) )?\(?(?P<file>[^()\s]+):(?P<line>\d+):(?P<column>\d+)\)?"
)
_GO_PLACE: Final = re2.compile(r"\t(?P<file>[^\s]+\.(?:go|s)):(?P<line>\d+)")
_RUBY: Final = re2.compile(
    r"\s*(?:from )?(?P<file>[^\s:]+\.rb):(?P<line>\d+):in [`'](?P<function>[^']+)'"
)
_PHP: Final = re2.compile(r"#\d+ (?P<file>[^(]+\.php)\((?P<line>\d+)\): (?P<function>[^(]+)")

_LIBRARY_CODE: Final = re2.compile(
    r"site-packages|dist-packages|/lib/python\d|<frozen|node_modules|node:|/gems/|/ruby/\d"
    r"|/vendor/|/usr/local/go/|/go/pkg/mod/"
    r"|^(?:java|javax|jakarta|jdk|sun|com\.sun|kotlin|kotlinx|scala|io\.netty|reactor"
    r"|org\.(?:springframework|apache|eclipse|hibernate)|io\.opentelemetry|System|Microsoft)\."
)
_NEWEST_LAST: Final = "Traceback (most recent call last)"
_CAUSED_BY: Final = "Caused by:"


def read_stack_text(text: str) -> list[JsonObject]:
    """Read the frames of a stack trace, oldest call first, up to a number of the newest ones.

    In a chain of exceptions only the one that was thrown last is read: Python writes it at the
    end, the other languages at the beginning.
    """
    text = text[-_MOST_CHARS:] if _NEWEST_LAST in text else text[:_MOST_CHARS]
    if _NEWEST_LAST in text:
        last = text.rpartition(_NEWEST_LAST)[2]
        return [*_match_lines(_PYTHON, last.splitlines())][-_MOST_FRAMES:]
    lines = text.partition(f"\n{_CAUSED_BY}")[0].splitlines()
    for match_frames in _NEWEST_FIRST_FORMS:
        frames = list(match_frames(lines))
        if frames:
            return frames[:_MOST_FRAMES][::-1]
    return []


def _match_lines(pattern: Any, lines: list[str]) -> Iterator[JsonObject]:
    for line in lines:
        match = pattern.match(line[:_MOST_LINE_CHARS])
        if match:
            yield _build_frame(match.groupdict())


def _match_go(lines: list[str]) -> Iterator[JsonObject]:
    """Match Go's pairs of lines: the function, then its place after a tab."""
    for above, line in itertools.pairwise(lines):
        match = _GO_PLACE.match(line[:_MOST_LINE_CHARS])
        if match:
            function = above[:_MOST_LINE_CHARS].partition("(0x")[0].removeprefix("created by ")
            yield _build_frame({**match.groupdict(), "function": function.removesuffix("(...)")})


def _build_frame(parts: dict[str, str | None]) -> JsonObject:
    file, module = parts.get("file"), parts.get("module")
    frame: JsonObject = {
        "function": (parts.get("function") or "?").strip(),
        "in_app": not (_LIBRARY_CODE.search(module or "") or _LIBRARY_CODE.search(file or "")),
    }
    if module:
        frame["module"] = module
    if file:
        frame["filename"] = file
    for name, key in (("line", "lineno"), ("column", "colno")):
        number = parts.get(name)
        if number:
            frame[key] = int(number[:9])
    return frame


_NEWEST_FIRST_FORMS: Final = (
    partial(_match_lines, _JAVA),
    partial(_match_lines, _NODE),
    partial(_match_lines, _DOTNET),
    _match_go,
    partial(_match_lines, _RUBY),
    partial(_match_lines, _PHP),
)
