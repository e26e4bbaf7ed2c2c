"""Finds the values of sensitive names in text, so that all other text stays readable.

`login?user=jo&password=x`, `Authorization: Basic x`, `{"pin": 12`, `<token>x</token>`: the value
goes and the name stays. A whole JSON text is walked instead; this is for all other text.
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
"""Characters of names."""
_QUOTE_ENTITY: Final = r"&(?:quot|apos|#34|#39|#x22|#x27);"
_SIGN: Final = (
    rf"(?:\\{{0,8}}[\"'`]|{_QUOTE_ENTITY}){{0,2}}"
    r"[ \t]{0,3}(?:=>|={1,3}|:=?)\s{0,3}| (?:is|was|ist|lautet) "
)
"""Signs between a name and its value, with a quote that may close the name."""
_FIRST_WORDS: Final = (
    r"api|private|access|secret|security|social security|seed|recovery|card|credit|two"
    r"|client|verification|sms|encryption|signing"
)
"""Words that form one name with the next word."""
_QUERY_MARKS: Final = ("?", "&", "#")
_NO_NAME_AFTER: Final = ("//", "@", "nexpected ")
"""Text in front of a name and a colon that introduce no value: `//auth.example:443`,
`jo@auth.example: x`, `Unexpected token: x`."""
_SIGN_AT_END: Final = patterns.compile_text(rf"(?i)(?:{_SIGN})$")
_QUOTING: Final = ('"', "'", "`", "\\")
_OPENING: Final = patterns.compile_forward(r"\\{0,8}[\"'`]")
_OPENING_ENTITY: Final = patterns.compile_forward(_QUOTE_ENTITY)
_WORD: Final = patterns.compile_forward(
    r"[^ \t\n\r\f&;\"'<>`\\]*+(?:\\[^\"'nrt\\][^ \t\n\r\f&;\"'<>`\\]*+)*+"
)
_SHORT: Final = patterns.compile_forward(
    r"(?=[^&]{0,6}[A-Za-z])[^ \t\n\r\f&;\"'<>`\\\[{]{1,7}(?:&|\Z)"
)
"""A parameter that is too short to be a key and is not a number, as most are."""
_BLANKS: Final = patterns.compile_forward(r"[ \t\n\r\f]{1,3}")
_LISTED: Final = "digest"
_SCHEMES: Final = frozenset({"bearer", "basic", "negotiate", "apikey", "token", _LISTED})
"""Schemes, after which comes a value, or a list to the end of the line."""
_END_OF_LINE: Final = patterns.compile_forward(r"[\r\n]")
_ENDS_OF_QUOTED: Final = {
    quote: patterns.compile_forward(rf"(?s)\\.|[{quote}\\]") for quote in ('"', "'", "`")
}
"""The quoted text ends at a match of one character; longer matches are escapes."""
_ELEMENT_CHARS: Final = r"[\pL0-9_.:\-]"
_PART: Final = patterns.compile_text(
    r"name=\\{0,8}\"([^\"\\]+)\\{0,8}\"(?:(?:\r?\n|(?:\\{1,8}r)?\\{1,8}n)[A-Za-z\-]+:[^\r\n\\]*){0,5}"
    r"(?:[\r\n]|\\[rn]){2,8}([^\r\n\\]+)"
)
"""A part of a multipart form: its name, more headers, and the first line of its value."""
_CLOSING: Final = {"[": "]", "{": "}"}
_AFTER_VALUE: Final = ",.)]}!?:"
_INNOCENT_VALUES: Final = frozenset(
    {"true", "false", "null", "none", "nil", "undefined", "nan", "yes", "no", "ok", "empty"}
    | {"required", "missing", "invalid", "incorrect", "wrong", "expired", "failed", "denied"}
    | {"must", "should", "cannot", "can't", "can", "may", "this", "that", "the", "is", "has", "was"}
    | {"not", "too", "field", "value", "please", "enter", "does", "doesn't", "didn't", "changed"}
    | {"hidden", "masked", "redacted", "removed", "revoked", "rejected", "accepted", "malformed"}
    | {
        "on",
        "off",
        "enabled",
        "disabled",
        "available",
        "unavailable",
        "set",
        "unset",
        "sent",
        "refreshed",
    }
    | {
        "eof",
        "granted",
        "success",
        "unknown",
        "optional",
        "string",
        "str",
        "bool",
        "boolean",
        "int",
    }
)
_VARIABLE: Final = patterns.compile_forward(r"\$([A-Za-z_][A-Za-z0-9_]*+)")
_DECLARED: Final = patterns.compile_forward(r"\$([A-Za-z_][A-Za-z0-9_]*+)\s{0,4}:")
_WRAPPER: Final = patterns.compile_forward(
    r"(?:[A-Za-z_][A-Za-z0-9_.:]{0,31}[(\[](?=\\{0,8}[\"'`])|(?:Optional|Option|Some|Just|Present)[(\[])"
)
"""Text that programs print around a value: `Optional("x1")`, `Some(x1)`, a call around a quote."""
_MOST_WRAPPERS: Final = 4
_WRAPPED: Final = patterns.compile_forward(r"[^)\]\r\n]*+")
_PLACEHOLDER: Final = patterns.compile_forward(
    r"(?:%s|%\([a-z_]{1,30}\)s|\$[0-9]{1,3}|:[0-9]{1,3}|@[pP]?[0-9]{1,3}|\*{3,32})\Z"
)
"""A placeholder of a query, or asterisks that hide a value."""
_MARKS: Final = frozenset(MARKS)
_PLAIN_COLUMN: Final = patterns.compile_forward(
    r"(?:[a-z0-9]{1,30}_){0,4}auth(?:_[a-z0-9]{1,30}){0,4}\."
    r"(?:id|[a-z]{1,30}_id|name|[a-z]{1,30}_at|is_[a-z]{1,30}|status)\Z"
)
"""Column of a table with `auth` in its name that holds no secret: `auth_user.id`."""
_CACHE_KEY: Final = patterns.compile_forward(r"[a-z]{2,20}+:[0-9a-z:\-]{1,60}+\Z")
"""Key of a cache after `auth:`, as in `auth:session:1`."""
_FEWEST_VAGUE_CHARS: Final = 4
"""A shorter value after a vague sign is taken for prose."""
_FEWEST_QUERY_CHARS: Final = 8
"""A shorter value is not secret if only its place in a URL makes it so."""
_FEWEST_DIGITS: Final = 3
"""A shorter number is not secret unless the prefix takes short ones."""


@dataclass(frozen=True, slots=True)
class _NamedPrefix:
    """A name with the sign after it, and what they tell about the value."""

    name_chars: int
    verdict: NameVerdict
    is_secret: bool
    is_query: bool
    """True if the name is secret only as a parameter of a URL."""
    is_prose: bool
    """True if the sign is a bare colon or a word."""
    is_vague: bool
    """True if a word follows more often than a value: the sign is a word, or the name is `auth` in
    prose."""
    takes_short: bool
    """True if a number of one or two digits is a secret, too."""
    is_cache_key: bool
    """True if a word with a colon after it is the key of a cache, as in `auth:session:1`."""
    is_guess: bool
    """True if the name is a parameter of a URL whose value must look like a token."""


class _Variables:
    """The variables that a GraphQL text declares, as in `query($p: String!)`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._names: frozenset[str] | None = None

    def is_at(self, position: int) -> bool:
        """Tell whether a declared variable stands here, as in `login(password: $p)`."""
        variable = _VARIABLE.match(self._text, position)
        if variable is None:
            return False
        if self._names is None:
            self._names = frozenset(_DECLARED.findall(self._text))
        return variable[1] in self._names


class NamedValueFinder:
    """Finds the values of sensitive names, and caches what it read of names."""

    def __init__(self, judge: NameJudge) -> None:
        self._judge = judge
        self._prefixes: AnswerCache[_NamedPrefix] = AnswerCache()
        sensitive_name = rf"{_CHARS}*(?:{judge.words}){_CHARS}*"
        self._prefix_pattern = patterns.compile_text(
            rf"(?i)(?:\b(?:{_FIRST_WORDS}) {_CHARS}+|{sensitive_name})(?:{_SIGN})"
            rf"|[?&#](?:{sensitive_names.QUERY_NAMES})(?:{_SIGN})"
        )

    def find(self, text: str, *, only_quoted: bool = False) -> Iterator[Redaction]:
        """Find the values of sensitive names.

        Args:
            text: Folded text.
            only_quoted: True if only quoted values count. In source code `password = ask()` holds
                no secret, and `password = "x"` does.
        """
        done, prefixes, variables = 0, self._prefixes, _Variables(text)
        for begin, after in self._prefix_pattern.find_ranges(text):
            is_parameter = text[begin] in _QUERY_MARKS
            words = text[begin + is_parameter : after]
            prefix = prefixes.get(words) or prefixes.remember(words, self._read_prefix(words))
            if begin < done and begin + is_parameter + prefix.name_chars <= done:
                continue
            is_innocent = text.endswith(_NO_NAME_AFTER, done, begin) or variables.is_at(after)
            if prefix.is_prose and is_innocent:
                continue
            if not prefix.is_secret and not (prefix.is_query and is_parameter):
                continue
            if prefix.is_query and _SHORT.match(text, after):
                continue
            start, end = _find_value(text, after, prefix.verdict, only_quoted=only_quoted)
            if start < end and _may_be_secret(text[start:end], prefix):
                yield start, end, FILTERED
                done = end

    def _read_prefix(self, words: str) -> _NamedPrefix:
        sign_match = _SIGN_AT_END.search(words)
        name = words[: sign_match.start()] if sign_match else words
        sign = words[len(name) :]
        judge, is_prose = self._judge, "=" not in sign and not sign.startswith((*_QUOTING, "&"))
        last_part = name.rpartition(".")[2]
        is_secret = judge.ends_in_secret_word(last_part) if is_prose else judge.is_secret(name)
        is_secret = is_secret and not _PLAIN_COLUMN.match(name.lower())
        is_query = not is_secret and "=" in sign and sensitive_names.is_query_secret(name)
        return _NamedPrefix(
            len(name),
            judge.judge_name(name),
            is_secret=is_secret,
            is_query=is_query,
            is_prose=is_prose,
            is_vague=sign.strip().isalpha() or (is_prose and last_part.lower().endswith("auth")),
            takes_short=":" not in sign or '"' in sign,
            is_cache_key=sign == ":" and last_part.lower() == "auth",
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
        """Find the values in folded text; without a tag after it, a value is not an element's."""
        for begin, end in self._elements.find_ranges(text):
            start = text.index(">", begin) + 1
            name = text[begin + 1 : start - 1].split(maxsplit=1)[0]
            if text.startswith("<", end) and self._judge.is_secret(name):
                yield from _redact_unless_mark(text, start, end)


class CommandOptionFinder:
    """Finds the value of a sensitive option of a command: `--password x1`."""

    def __init__(self, judge: NameJudge) -> None:
        self._judge = judge
        self._options = patterns.compile_text(
            rf"(?i)(?:^|\s)--?([\w.\-]*(?:{judge.words})[\w.\-]*) {{1,3}}([^\s\-][^\s]*)"
        )

    def find(self, text: str) -> Iterator[Redaction]:
        """Find the values in folded text; a plain word is taken for prose."""
        for option in self._options.finditer(text):
            if self._judge.is_secret(option.group(1)) and not option.group(2).isalpha():
                yield from _redact_unless_mark(text, option.start(2), option.end())


class FormPartFinder:
    """Finds the values of sensitive parts of multipart forms."""

    def __init__(self, judge: NameJudge) -> None:
        self._judge = judge

    def find(self, text: str) -> Iterator[Redaction]:
        """Find the values in folded text."""
        for part in _PART.finditer(text):
            if self._judge.is_secret(part.group(1)):
                yield from _redact_unless_mark(text, part.start(2), part.end())


def _redact_unless_mark(text: str, start: int, end: int) -> Iterator[Redaction]:
    value = text[start:end].strip()
    if value and not value.startswith(MARKS):
        yield start, end, FILTERED


def _find_value(text: str, start: int, verdict: NameVerdict, *, only_quoted: bool) -> TextRange:
    """Return the range of the value that begins here; an empty range if it is a mark."""
    begin = start if only_quoted else _skip_wrappers(text, start)
    is_wrapped, start = begin > start, begin
    first = text[start : start + 1]
    if first == "&" and (entity := _OPENING_ENTITY.match(text, start)):
        end = text.find(entity.group(), entity.end())
        return entity.end(), len(text) if end < 0 else end
    if first in _QUOTING and (opening := _OPENING.match(text, start)):
        start = opening.end()
        inner = _OPENING.match(text, _skip_wrappers(text, start))
        if inner and inner.start() > start:
            opening, start = inner, inner.end()
        return start, _end_of_quoted(text, opening.group(), start)
    if only_quoted or (first == "[" and text.startswith(MARKS, start)):
        return start, start
    if is_wrapped:
        return start, _end_of(_WRAPPED, text, start)
    return start, _end_of_bare(text, start, verdict)


def _end_of_bare(text: str, start: int, verdict: NameVerdict) -> int:
    """Return the end of a value that no quote and no call encloses."""
    if text[start : start + 1] in _CLOSING:
        return _end_of_brackets(text, start)
    if verdict is NameVerdict.COOKIE:
        return _end_of_line(text, start)
    return _end_of_word(text, start)


def _skip_wrappers(text: str, start: int) -> int:
    """Return the start of a value inside the calls that are printed around it."""
    for _ in range(_MOST_WRAPPERS):
        start = _end_of(_WRAPPER, text, start)
    return start


def _end_of_word(text: str, start: int) -> int:
    """Return the end of an unquoted value, which may have its scheme in front."""
    end = _end_of(_WORD, text, start)
    word = text[start:end]
    if (scheme := word.lower()) in _SCHEMES and (blanks := _end_of(_BLANKS, text, end)) > end:
        if scheme == _LISTED:
            return _end_of_line(text, start)
        word = text[start : _end_of(_WORD, text, blanks)]
    return start + len(word.rstrip(_AFTER_VALUE))


def _end_of(pattern: re.Pattern[str], text: str, start: int) -> int:
    """Return the end of a match that begins here, or the start if nothing matches."""
    match = pattern.match(text, start)
    return match.end() if match else start


def _end_of_line(text: str, start: int) -> int:
    line_end = _END_OF_LINE.search(text, start)
    return line_end.start() if line_end else len(text)


def _end_of_quoted(text: str, quote: str, start: int) -> int:
    """Return the position of the closing quote, or the end of the text."""
    if len(quote) > 1:
        end = text.find(quote, start)
        return len(text) if end < 0 else end
    for match in _ENDS_OF_QUOTED[quote].finditer(text, start):
        if match.end() - match.start() == 1:
            return match.start()
    return len(text)


def _end_of_brackets(text: str, start: int) -> int:
    """Return the end of the brackets that open at `start`, or the end of the text."""
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


def _may_be_secret(value: str, prefix: _NamedPrefix) -> bool:
    """Tell whether a value can be a secret: it is not a mark, a plain word or a small number."""
    bare = value.strip("[]{} \t\r\n\\")
    if not bare or value in _MARKS or bare.lower() in _INNOCENT_VALUES:
        return False
    if _PLACEHOLDER.match(bare) or (prefix.is_guess and not url_paths.looks_like_token(bare)):
        return False
    if prefix.is_cache_key and _CACHE_KEY.match(bare):
        return False
    if prefix.is_vague:
        return len(bare) >= _FEWEST_VAGUE_CHARS and any(c.isdigit() or c == " " for c in bare)
    if bare.isdigit():
        is_kept = len(bare) < _FEWEST_DIGITS and not prefix.takes_short
        return prefix.verdict is not NameVerdict.COUNT and not is_kept
    return prefix.verdict is not NameVerdict.PLAIN or len(bare) >= _FEWEST_QUERY_CHARS
