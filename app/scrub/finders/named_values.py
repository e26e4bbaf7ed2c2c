"""Finds the values of sensitive names inside text, and leaves the rest readable.

`login?user=jo&password=x`, `Authorization: Basic x`, `{"pin": 12`, `<token>x</token>`: the value
goes, the name stays. JSON text that is whole is walked instead; this is for everything else.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from app.scrub import sensitive_names
from app.scrub.finders import url_paths
from app.scrub.matching import patterns
from app.scrub.matching.answer_cache import AnswerCache
from app.scrub.matching.patterns import TextRange
from app.scrub.matching.redactions import Redaction
from app.scrub.rules import FILTERED, MARKS
from app.scrub.sensitive_names import NameJudge, NameVerdict

_CHARS: Final = r"[\pL0-9_.\-\[\]]"
_SIGN: Final = r"(?:\\{0,8}[\"'`]){0,2}[ \t]{0,3}(?:=>|={1,3}|:=?)\s{0,3}| (?:is|was|ist|lautet) "
_FIRST_WORDS: Final = (
    r"api|private|access|secret|security|social security|seed|recovery|card|credit|two"
    r"|client|verification|sms|encryption|signing"
)
"""Words that make one name with the word behind them."""
_QUERY_MARKS: Final = ("?", "&", "#")
_NO_NAME_BEHIND: Final = ("//", "@", "nexpected ")
"""`auth.example:443`, `com.example.auth.Login: started` and `Unexpected token: x` name no value."""
_SIGN_AT_END: Final = patterns.compile_text(rf"(?i)(?:{_SIGN})$")
_QUOTING: Final = ('"', "'", "`", "\\")
_OPENING: Final = patterns.compile_forward(r"\\{0,8}[\"'`]")
_WORD: Final = patterns.compile_forward(
    r"[^ \t\n\r\f&;\"'<>`\\]*+(?:\\[^\"'nrt\\][^ \t\n\r\f&;\"'<>`\\]*+)*+"
)
_SHORT: Final = patterns.compile_forward(
    r"(?=[^&]{0,6}[A-Za-z])[^ \t\n\r\f&;\"'<>`\\\[{]{1,7}(?:&|\Z)"
)
"""A parameter too short to be a key, and no number: most are."""
_BLANKS: Final = patterns.compile_forward(r"[ \t\n\r\f]{1,3}")
_LISTED: Final = "digest"
_SCHEMES: Final = frozenset({"bearer", "basic", "negotiate", "apikey", "token", _LISTED})
"""Words that say what follows: a value, or a list to the end of the line."""
_END_OF_LINE: Final = patterns.compile_forward(r"[\r\n]")
_ENDS_OF_QUOTED: Final = {
    quote: patterns.compile_forward(rf"(?s)\\.|[{quote}\\]") for quote in ('"', "'", "`")
}
"""What is of one character ends it: not one behind a backslash, but a backslash before the end."""
_ELEMENT_CHARS: Final = r"[\pL0-9_.:\-]"
_PART: Final = patterns.compile_text(
    r"name=\\{0,8}\"([^\"\\]+)\\{0,8}\"(?:(?:\r?\n|(?:\\{1,8}r)?\\{1,8}n)[A-Za-z\-]+:[^\r\n\\]*){0,5}"
    r"(?:[\r\n]|\\[rn]){2,8}([^\r\n\\]+)"
)
"""A part of a form: its name, more headers, and the first line of its value."""
_CLOSING: Final = {"[": "]", "{": "}"}
_AFTER_VALUE: Final = ",.)]}!?:"
_INNOCENT_VALUES: Final = frozenset(
    {"true", "false", "null", "none", "nil", "undefined", "nan", "yes", "no", "ok", "empty"}
    | {"required", "missing", "invalid", "incorrect", "wrong", "expired", "failed", "denied"}
    | {"must", "should", "cannot", "can't", "can", "may", "this", "that", "the", "is", "has", "was"}
    | {"not", "too", "field", "value", "please", "enter", "does", "doesn't", "didn't", "changed"}
    | {"hidden", "masked", "redacted", "removed", "revoked", "rejected", "accepted", "malformed"}
    | {
        "enabled",
        "disabled",
        "available",
        "unavailable",
        "set",
        "unset",
        "sent",
        "refreshed",
        "eof",
    }
    | {"granted", "success", "unknown", "optional", "string", "str", "bool", "boolean", "int"}
)
_VARIABLE: Final = patterns.compile_forward(r"\$([A-Za-z_][A-Za-z0-9_]*+)")
_DECLARED: Final = patterns.compile_forward(r"\$([A-Za-z_][A-Za-z0-9_]*+)\s{0,4}:")
_WRAPPER: Final = patterns.compile_forward(
    r"(?:[A-Za-z_][A-Za-z0-9_.:]{0,31}[(\[](?=\\{0,8}[\"'`])|(?:Optional|Option|Some|Just|Present)[(\[])"
)
"""What a program prints around a value: `Optional("x1")`, `Some(x1)`; any call around a quote."""
_MOST_WRAPPERS: Final = 4
_WRAPPED: Final = patterns.compile_forward(r"[^)\]\r\n]*+")
_PLACEHOLDER: Final = patterns.compile_forward(
    r"(?:%s|%\([a-z_]{1,30}\)s|\$[0-9]{1,3}|:[0-9]{1,3}|@[pP]?[0-9]{1,3}|\*{3,32})\Z"
)
"""What stands for a value in a query, or hides one."""
_MARKS: Final = frozenset(MARKS)
_VAGUE_CHARS: Final = 4
_QUERY_CHARS: Final = 8
_SHORT_DIGITS: Final = 3


@dataclass(frozen=True, slots=True)
class _NamedPrefix:
    """A name and the sign behind it, judged."""

    name_chars: int
    verdict: NameVerdict
    is_secret: bool
    is_query: bool
    """Secret only as a parameter of a URL."""
    is_prose: bool
    """The sign is a bare colon or a word."""
    is_vague: bool
    """The sign is a word, or the name `auth` in prose: what follows is a word more often."""
    takes_short: bool
    """A number of one or two digits is a secret, too."""
    is_guess: bool
    """A parameter of a URL whose value must look like a token."""


class _Variables:
    """The variables that a GraphQL text declares: `query($p: String!)`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._names: frozenset[str] | None = None

    def is_at(self, place: int) -> bool:
        """Tell whether one of them stands there, as in `login(password: $p)`."""
        found = _VARIABLE.match(self._text, place)
        if found is None:
            return False
        if self._names is None:
            self._names = frozenset(_DECLARED.findall(self._text))
        return found[1] in self._names


class NamedValueFinder:
    """Finds the values of sensitive names, and remembers which those are."""

    def __init__(self, judge: NameJudge) -> None:
        self._judge = judge
        self._read_before: AnswerCache[_NamedPrefix] = AnswerCache()
        some = rf"{_CHARS}*(?:{judge.words}){_CHARS}*"
        self._heads = patterns.compile_text(
            rf"(?i)(?:\b(?:{_FIRST_WORDS}) {_CHARS}+|{some})(?:{_SIGN})"
            rf"|[?&#](?:{sensitive_names.QUERY_NAMES})(?:{_SIGN})"
        )

    def find(self, text: str, *, only_quoted: bool = False) -> Iterator[Redaction]:
        """Find the values.

        Args:
            text: Folded text.
            only_quoted: In source code `password = ask()` is no secret, `password = "x"` is.
        """
        done, heads, variables = 0, self._read_before, _Variables(text)
        for begin, behind in self._heads.places(text):
            is_parameter = text[begin] in _QUERY_MARKS
            words = text[begin + is_parameter : behind]
            head = heads.get(words) or heads.keep(words, self._read(words))
            if begin < done and begin + is_parameter + head.name_chars <= done:
                continue
            is_innocent = text.endswith(_NO_NAME_BEHIND, done, begin) or variables.is_at(behind)
            if head.is_prose and is_innocent:
                continue
            if not head.is_secret and not (head.is_query and is_parameter):
                continue
            if head.is_query and _SHORT.match(text, behind):
                continue
            start, end = _value(text, behind, head.verdict, only_quoted=only_quoted)
            if start < end and _is_worth_it(text[start:end], head):
                yield start, end, FILTERED
                done = end

    def _read(self, words: str) -> _NamedPrefix:
        found = _SIGN_AT_END.search(words)
        name = words[: found.start()] if found else words
        sign = words[len(name) :]
        judge, is_prose = self._judge, "=" not in sign and not sign.startswith(_QUOTING)
        last = name.rpartition(".")[2]
        is_secret = judge.ends_secret(last) if is_prose else judge.is_secret(name)
        is_query = not is_secret and "=" in sign and sensitive_names.is_query_secret(name)
        return _NamedPrefix(
            len(name),
            judge.verdict(name),
            is_secret=is_secret,
            is_query=is_query,
            is_prose=is_prose,
            is_vague=sign.strip().isalpha() or (is_prose and last.lower().endswith("auth")),
            takes_short=":" not in sign or '"' in sign,
            is_guess=is_query and sensitive_names.is_query_guess(name),
        )


class XmlElementFinder:
    """Finds the text of sensitive XML elements."""

    def __init__(self, judge: NameJudge) -> None:
        self._judge = judge
        self._elements = patterns.compile_text(
            rf"(?i)<{_ELEMENT_CHARS}*(?:{judge.words}){_ELEMENT_CHARS}*(?:\s[^<>]*)?>[^<]+"
        )

    def find(self, text: str) -> Iterator[Redaction]:
        """Find the values in folded text; what no tag follows is no element, or cut."""
        for begin, end in self._elements.places(text):
            start = text.index(">", begin) + 1
            name = text[begin + 1 : start - 1].split(maxsplit=1)[0]
            if text.startswith("<", end) and self._judge.is_secret(name):
                yield from _open_value(text, start, end)


class CommandOptionFinder:
    """Finds what follows a sensitive option of a command: `--password x1`."""

    def __init__(self, judge: NameJudge) -> None:
        self._judge = judge
        self._options = patterns.compile_text(
            rf"(?i)(?:^|\s)--?([\w.\-]*(?:{judge.words})[\w.\-]*) {{1,3}}([^\s\-][^\s]*)"
        )

    def find(self, text: str) -> Iterator[Redaction]:
        """Find the values in folded text; a plain word is the next one of a sentence."""
        for found in self._options.finditer(text):
            if self._judge.is_secret(found.group(1)) and not found.group(2).isalpha():
                yield from _open_value(text, found.start(2), found.end())


class FormPartFinder:
    """Finds the text of sensitive parts of multipart forms."""

    def __init__(self, judge: NameJudge) -> None:
        self._judge = judge

    def find(self, text: str) -> Iterator[Redaction]:
        """Find the values in folded text."""
        for found in _PART.finditer(text):
            if self._judge.is_secret(found.group(1)):
                yield from _open_value(text, found.start(2), found.end())


def _open_value(text: str, start: int, end: int) -> Iterator[Redaction]:
    value = text[start:end].strip()
    if value and not value.startswith(MARKS):
        yield start, end, FILTERED


def _value(text: str, start: int, verdict: NameVerdict, *, only_quoted: bool) -> TextRange:
    """Return where the value that begins here starts and ends; nowhere if it is a mark."""
    begin = start if only_quoted else _unwrapped(text, start)
    is_wrapped, start = begin > start, begin
    first = text[start : start + 1]
    if first in _QUOTING and (opening := _OPENING.match(text, start)):
        start = opening.end()
        inner = _OPENING.match(text, _unwrapped(text, start))
        if inner and inner.start() > start:
            opening, start = inner, inner.end()
        return start, _end_of_quoted(text, opening.group(), start)
    if only_quoted or (first == "[" and text.startswith(MARKS, start)):
        return start, start
    if is_wrapped:
        return start, _end_of(_WRAPPED, text, start)
    if first in _CLOSING:
        return start, _closing(text, start)
    if verdict is NameVerdict.COOKIE:
        return start, _end_of_line(text, start)
    return start, _end_of_word(text, start)


def _unwrapped(text: str, start: int) -> int:
    """Return where a value begins inside of what is printed around it."""
    for _ in range(_MOST_WRAPPERS):
        start = _end_of(_WRAPPER, text, start)
    return start


def _end_of_word(text: str, start: int) -> int:
    """Return where an unquoted value ends; a word about the value and the value are one."""
    end = _end_of(_WORD, text, start)
    word = text[start:end]
    if (kind := word.lower()) in _SCHEMES and (blanks := _end_of(_BLANKS, text, end)) > end:
        if kind == _LISTED:
            return _end_of_line(text, start)
        word = text[start : _end_of(_WORD, text, blanks)]
    return start + len(word.rstrip(_AFTER_VALUE))


def _end_of(pattern: re.Pattern[str], text: str, start: int) -> int:
    """Return where what begins here ends, if only there."""
    found = pattern.match(text, start)
    return found.end() if found else start


def _end_of_line(text: str, start: int) -> int:
    found = _END_OF_LINE.search(text, start)
    return found.start() if found else len(text)


def _end_of_quoted(text: str, quote: str, start: int) -> int:
    """Return where a quote that opened before `start` closes, or the text's end."""
    if len(quote) > 1:
        end = text.find(quote, start)
        return len(text) if end < 0 else end
    for found in _ENDS_OF_QUOTED[quote].finditer(text, start):
        if found.end() - found.start() == 1:
            return found.start()
    return len(text)


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


def _is_worth_it(value: str, head: _NamedPrefix) -> bool:
    """Tell whether this can be a secret: not empty, a mark, a plain word, or a small number."""
    bare = value.strip("[]{} \t\r\n\\")
    if not bare or value in _MARKS or bare.lower() in _INNOCENT_VALUES:
        return False
    if _PLACEHOLDER.match(bare) or (head.is_guess and not url_paths.looks_like_token(bare)):
        return False
    if head.is_vague:
        return len(bare) >= _VAGUE_CHARS and any(c.isdigit() or c == " " for c in bare)
    if bare.isdigit():
        is_kept = len(bare) < _SHORT_DIGITS and not head.takes_short
        return head.verdict is not NameVerdict.COUNT and not is_kept
    return head.verdict is not NameVerdict.PLAIN or len(bare) >= _QUERY_CHARS
