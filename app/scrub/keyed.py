"""Finds the values of sensitive names inside text, and leaves the rest readable.

`login?user=jo&password=x`, `Authorization: Basic x`, `{"pin": 12`, `<token>x</token>`: the value
goes, the name stays. JSON text that is whole is walked instead; this is for everything else.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from app.scrub import keys, patterns
from app.scrub.keys import Judge, Verdict
from app.scrub.memory import Memory
from app.scrub.rules import FILTERED, MARKS
from app.scrub.spans import Span

_NAME: Final = (
    r"(?:\b(?:api|private|access|secret|security|social security|seed|recovery|card|credit|two"
    r"|client|verification|sms|encryption|signing) )?[\pL0-9_.\-\[\]]+"
)
_SIGN: Final = r"(?:\\{0,8}[\"'`]){0,2}[ \t]{0,3}(?:=>|={1,3}|:=?)\s{0,3}| (?:is|was|ist|lautet) "
_HEADS: Final = patterns.compile_text(rf"(?i){_NAME}(?:{_SIGN})")
_HEAD: Final = patterns.compile_text(rf"(?i)({_NAME})({_SIGN})")
_START: Final = patterns.compile_short(
    r"(?i)(\\{0,8}[\"'`])|([\[{])"
    r"|(?:(digest)|bearer|basic|negotiate|apikey|token)[ \t\n\r\f]{1,3}"
)
"""What a value may begin with: quotes, a bracket, a word about what follows."""
_QUOTE, _BRACKET, _DIGEST = 1, 2, 3
_END_OF_LINE: Final = patterns.compile_short(r"[\r\n]")
_END_OF_TOKEN: Final = patterns.compile_short(r"(?<!\\)[ \t\n\r\f&;\"'<>`]|\\(?:[\"'nrt\\]|\Z)")
_ENDS_OF_QUOTED: Final = {
    quote: patterns.compile_short(rf"(?s)\\.|[{quote}\\]") for quote in ('"', "'", "`")
}
"""What is of one character ends it: not one behind a backslash, but a backslash before the end."""
_MARKUP: Final = patterns.compile_text(
    r"<([\pL0-9_.:\-]+)(?:\s[^<>]*)?>([^<]+)<"
    r"|name=\\{0,8}\"([^\"\\]+)\\{0,8}\"(?:[\r\n]|\\[rn]){2,8}([^\r\n\\]+)"
)
_CLOSING: Final = {"[": "]", "{": "}"}
_AFTER_VALUE: Final = ",.)]}!?:"
_INNOCENT_VALUES: Final = frozenset(
    {"true", "false", "null", "none", "nil", "undefined", "nan", "yes", "no", "ok", "empty"}
    | {"required", "missing", "invalid", "incorrect", "wrong", "expired", "failed", "denied"}
    | {"granted", "success", "unknown", "optional", "string", "str", "bool", "boolean", "int"}
)
_MARKS: Final = frozenset(MARKS)
_SAID_CHARS: Final = 4
_QUERY_CHARS: Final = 8
_QUERY_MARKS: Final = ("?", "&")
_PLACE_MARKS: Final = ("//", "@")
_SHORT_DIGITS: Final = 3


class _Head(NamedTuple):
    """A name and the sign behind it, judged."""

    name: str
    sign: str
    verdict: Verdict
    is_secret: bool
    is_query: bool
    """Secret as a parameter of a URL."""
    is_prose: bool
    """The sign is a bare colon or a word."""


class NamedValues:
    """Finds the values of sensitive names, and remembers which those are."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._heads: Memory[_Head] = Memory()

    def find(self, text: str, *, only_quoted: bool = False) -> Iterator[Span]:
        """Find the values.

        Args:
            text: Folded text.
            only_quoted: In source code `password = ask()` is no secret, `password = "x"` is.
        """
        done, heads = 0, self._heads
        for begin, behind in _HEADS.places(text):
            words = text[begin:behind]
            head = heads.get(words) or heads.keep(words, self._read(words))
            if not (head.is_secret or head.is_query) or begin + len(head.name) <= done:
                continue
            if not _may_be_secret(head, text, begin):
                continue
            if text.startswith("[", behind) and text.startswith(MARKS, behind):
                continue
            start, end = _value(text, behind, head.verdict, only_quoted=only_quoted)
            if _is_worth_it(text[start:end], head):
                yield start, end, FILTERED
                done = end

    def _read(self, words: str) -> _Head:
        found = _HEAD.fullmatch(words)
        name, sign = (found.group(1), found.group(2)) if found else (words, "=")
        judge, is_prose = self._judge, "=" not in sign and _START.match(sign) is None
        last = name.rpartition(".")[2]
        return _Head(
            name,
            sign,
            judge.verdict(name),
            is_secret=judge.ends_secret(last) if is_prose else judge.is_secret(name),
            is_query="=" in sign and keys.is_query_secret(name),
            is_prose=is_prose,
        )


def markup_values(text: str, judge: Judge) -> Iterator[Span]:
    """Find the text of sensitive XML elements and of sensitive parts of multipart forms."""
    for found in _MARKUP.finditer(text):
        group = 1 if found.group(1) else 3
        value = found.group(group + 1).strip()
        if judge.is_secret(found.group(group)) and value and not value.startswith(MARKS):
            yield found.start(group + 1), found.end(group + 1), FILTERED


def _may_be_secret(head: _Head, text: str, begin: int) -> bool:
    """Tell whether the value behind this name may be a secret where it stands."""
    if not head.is_secret:
        return text.endswith(_QUERY_MARKS, 0, begin)
    # `auth.example:443` and `com.example.auth.Login: started` are places, not names of values.
    return not (head.is_prose and text.endswith(_PLACE_MARKS, 0, begin))


def _value(text: str, start: int, verdict: Verdict, *, only_quoted: bool) -> tuple[int, int]:
    """Return where the value that begins here starts and ends."""
    opening = _START.match(text, start)
    kind = opening.lastindex if opening else None
    if opening and kind == _QUOTE:
        return opening.end(), _end_of_quoted(text, opening)
    if only_quoted:
        return start, start
    if kind == _BRACKET:
        return start, _closing(text, start)
    if kind == _DIGEST or verdict is Verdict.COOKIE:
        return start, _end(_END_OF_LINE, text, start)
    end = _end(_END_OF_TOKEN, text, opening.end() if opening else start)
    return start, start + len(text[start:end].rstrip(_AFTER_VALUE))


def _end_of_quoted(text: str, opening: re.Match[str]) -> int:
    quote, start = opening.group(), opening.end()
    if len(quote) > 1:
        end = text.find(quote, start)
        return len(text) if end < 0 else end
    for found in _ENDS_OF_QUOTED[quote].finditer(text, start):
        if found.end() - found.start() == 1:
            return found.start()
    return len(text)


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    """Return where what ends a value is found, or the end of the text."""
    found = pattern.search(text, start)
    return found.start() if found else len(text)


def _closing(text: str, start: int) -> int:
    """Return the place behind the bracket that closes the one at `start`, or the text's end."""
    opened, closed = text[start], _CLOSING[text[start]]
    depth = 0
    for index in range(start, len(text)):
        if text[index] == opened:
            depth += 1
        elif text[index] == closed:
            depth -= 1
            if depth == 0:
                return index + 1
    return len(text)


def _is_worth_it(value: str, head: _Head) -> bool:
    """Tell whether this can be a secret: not empty, a mark, a plain word, or a small number."""
    bare = value.strip("[]{} \t\r\n\\")
    if not bare or value in _MARKS or bare.lower() in _INNOCENT_VALUES:
        return False
    if head.sign[0] == " " and head.sign.strip().isalpha():
        return len(bare) >= _SAID_CHARS and not bare.isalpha() and any(c.isdigit() for c in bare)
    if bare.isdigit():
        is_short = len(bare) < _SHORT_DIGITS and ":" in head.sign and '"' not in head.sign
        return head.verdict is not Verdict.COUNT and not is_short
    return len(bare) >= _QUERY_CHARS or head.verdict is not Verdict.PLAIN
