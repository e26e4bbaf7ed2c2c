"""Finds the values of sensitive names inside text, and leaves the rest readable.

`login?user=jo&password=x`, `Authorization: Basic x`, `{"pin": 12`, `<token>x</token>`: the value
goes, the name stays. JSON text that is whole is walked instead; this is for everything else.
"""

from collections.abc import Iterator
from typing import Final

from app.scrub import keys, patterns
from app.scrub.keys import Judge, Verdict
from app.scrub.rules import FILTERED, MARKS
from app.scrub.spans import Span

_NAME: Final = (
    r"((?:\b(?:api|private|access|secret|security|social security|seed|recovery|card|credit|two"
    r"|client|verification|sms|encryption|signing) )?[\pL0-9_.\-\[\]]+)"
)
_EQUALS: Final = r"(?:\\{0,8}[\"'`]){0,2}[ \t]{0,3}(?:=>|={1,3}|:=?)\s{0,3}"
_SAYS: Final = r" (?:is|was|ist|lautet) "
_NAMED: Final = patterns.compile_text(rf"(?i){_NAME}({_EQUALS}|{_SAYS})")
_TOKEN: Final = patterns.compile_text(r"(?:[^\s&;\"'<>`\\]|\\[^\"'nrt\\])+")
_LINE: Final = patterns.compile_text(r"[^\r\n]+")
_OPENING: Final = patterns.compile_text(r"\\{0,8}[\"'`]")
_QUOTED: Final = {
    '"': patterns.compile_text(r'(?s:[^"\\]|\\.)*'),
    "'": patterns.compile_text(r"(?s:[^'\\]|\\.)*"),
    "`": patterns.compile_text(r"(?s:[^`\\]|\\.)*"),
}
_SCHEME: Final = patterns.compile_text(r"(?i)(?:bearer|basic|negotiate|apikey|token)\s{1,3}")
_DIGEST: Final = patterns.compile_text(r"(?i)digest\s")
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
_WINDOW_CHARS: Final = 256
_WINDOW_GROWTH: Final = 8
_SAID_CHARS: Final = 4
_QUERY_CHARS: Final = 8
_SHORT_DIGITS: Final = 3


def named_values(text: str, judge: Judge, *, only_quoted: bool = False) -> Iterator[Span]:
    """Find the values of sensitive names.

    Args:
        text: Folded text.
        judge: Says which names are sensitive.
        only_quoted: In source code `password = ask()` is no secret, `password = "x"` is.
    """
    done = 0
    for found in _NAMED.finditer(text):
        name, start = found.group(1), found.end()
        if found.end(1) <= done or not _is_secret(name, text, found, judge):
            continue
        if text.startswith(MARKS, start):
            continue
        start, end, quoted = _value(text, start, judge.verdict(name))
        if (only_quoted and not quoted) or not _is_worth_it(text[start:end], name, found, judge):
            continue
        yield start, end, FILTERED
        done = end


def markup_values(text: str, judge: Judge) -> Iterator[Span]:
    """Find the text of sensitive XML elements and of sensitive parts of multipart forms."""
    for found in _MARKUP.finditer(text):
        group = 1 if found.group(1) else 3
        value = found.group(group + 1).strip()
        if judge.is_secret(found.group(group)) and value and not value.startswith(MARKS):
            yield found.start(group + 1), found.end(group + 1), FILTERED


def _is_secret(name: str, text: str, found: patterns.Match, judge: Judge) -> bool:
    """Tell whether the value behind this name may be a secret, by name and separator."""
    before = text[max(0, found.start() - 2) : found.start()]
    sign = found.group(2)
    if "=" in sign:
        is_query = before[-1:] in {"?", "&"} and keys.is_query_secret(name)
        return is_query or judge.is_secret(name)
    if sign.lstrip("\\")[:1] in {'"', "'", "`"}:
        return judge.is_secret(name)
    # `auth.example:443` and `com.example.auth.Login: started` are places, not names of values.
    return before != "//" and before[-1:] != "@" and judge.ends_secret(name.rsplit(".", 1)[-1])


def _value(text: str, start: int, verdict: Verdict) -> tuple[int, int, bool]:
    """Return where the value that begins here starts and ends, and whether it was in quotes."""
    opening = _OPENING.match(text[start : start + 9])
    if opening:
        quote = opening.group()
        start += len(quote)
        if len(quote) == 1:
            return start, _end(_QUOTED[quote], text, start), True
        end = text.find(quote, start)
        return start, len(text) if end < 0 else end, True
    if text[start : start + 1] in _CLOSING:
        return start, _closing(text, start), False
    if verdict is Verdict.COOKIE or _DIGEST.match(text[start : start + 8]):
        return start, _end(_LINE, text, start), False
    scheme = _SCHEME.match(text[start : start + 16])
    end = _end(_TOKEN, text, start + (scheme.end() if scheme else 0))
    return start, start + len(text[start:end].rstrip(_AFTER_VALUE)), False


def _end(pattern: patterns.Pattern, text: str, start: int) -> int:
    """Return where a pattern that fits at `start` ends.

    It looks through a window that grows, because a match on the whole text would cost its length
    each time.
    """
    size = _WINDOW_CHARS
    while True:
        found = pattern.match(text[start : start + size])
        length = found.end() if found else 0
        # One short of the window: an escape may have been cut in two.
        if length < size - 1 or start + size >= len(text):
            return start + length
        size *= _WINDOW_GROWTH


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


def _is_worth_it(value: str, name: str, found: patterns.Match, judge: Judge) -> bool:
    """Tell whether this can be a secret: not empty, a mark, a plain word, or a small number."""
    bare = value.strip("[]{} \t\r\n\\")
    if not bare or value in MARKS or bare.lower() in _INNOCENT_VALUES:
        return False
    sign = found.group(2)
    if sign[0] == " " and sign.strip().isalpha():
        return len(bare) >= _SAID_CHARS and not bare.isalpha() and any(c.isdigit() for c in bare)
    if bare.isdigit():
        is_short = len(bare) < _SHORT_DIGITS and ":" in sign and '"' not in sign
        return judge.verdict(name) is not Verdict.COUNT and not is_short
    return len(bare) >= _QUERY_CHARS or judge.is_secret(name)
