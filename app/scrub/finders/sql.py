"""Finds secrets in SQL that no sign links to their name.

INSERT INTO users (name, password) VALUES ('jo', 'x1'), ('bo', 'x2')    by the list of columns
ALTER USER jo WITH PASSWORD 'x1'                                        by the statement
CREATE USER jo IDENTIFIED BY 'x1'
"""

from collections.abc import Iterator, Set as AbstractSet
from typing import Final

from app.scrub.matching import patterns
from app.scrub.matching.redactions import Redaction
from app.scrub.rules import FILTERED, MARKS
from app.scrub.sensitive_names import NameJudge, NameVerdict

_INSERT: Final = patterns.compile_text(
    r"(?i)\b(?:insert|replace)\b[^();]*\(([^()]*)\)(?:\s+overriding\s+[a-z]+\s+value)?\s*"
    r"values?\s*\("
)
_PASSWORDS: Final = tuple(
    patterns.compile_text(pattern)
    for pattern in (
        r"(?i)\b(?:create|alter)\s+(?:user|role|login|group)\b[^;]*?\bpassword\s+[\"']",
        (
            r"(?i)\b(?:create|alter)\s+(?:user|role|login|group)\b[^;]*?\bidentified\b[^;]*?\bby\s+"
            r"(?:(?:values|password)\s+)?[^\s;?%:$@{(]"
        ),
        r"(?i)\bset\s+password\s+for\b[^;=]*=\s*(?:(?:old_)?password\s*\(\s*)?[\"']",
        r"(?i)\bgrant\s[^;]*?\bidentified\s+by\s+(?:password\s+)?[\"']",
    )
)
"""Statements up to the first character of the secret.

Each statement has a pattern of its own. In one pattern with alternatives, a statement without its
password would make the matcher read to the end of the text before each match of another.
"""
_TOKEN: Final = patterns.compile_forward(
    r"(?s)'(?:[^'\\]|\\.|'')*+(?:'|\Z)|\"(?:[^\"\\]|\\.)*+(?:\"|\Z)|[(),]"
)
"""Token of a list of values: a text in quotes, or a sign."""
_DEPTHS: Final = {"(": 1, ")": -1}
_ENDS: Final = frozenset({(")", 0), (",", 1)})
"""Signs that end a value, with the depth after them."""
_NEXT_ROW: Final = patterns.compile_forward(r"\s{0,8},\s{0,8}\(")
_LITERAL: Final = patterns.compile_forward(
    r"(?s)(?:[NnEeBbXxUu]|_[A-Za-z0-9]{1,16}+)?+(['\"])((?:(?!\1)[^\\]|\\.|\1\1)*+)(?:\1|\Z)"
)
_WORD: Final = patterns.compile_forward(r"[^\s;'\"]*+")
_WORTHLESS: Final = patterns.compile_forward(
    r"(?i)(?:null|default|true|false|[a-z_.]{1,32}\(\)|\?[0-9]{0,3}|%s|%\([a-z_]{1,32}\)s"
    r"|[$:@#][{a-z0-9_.}]{1,32}|[0-9]{1,2})\Z"
)
"""Placeholders and literals that cannot be secrets."""
_NOT_ITSELF: Final = patterns.compile_forward(
    r"(?i)[_a-z](?:at|on|date|time|type|count|enabled|required|expires|expiry)\Z"
)
"""Ends of the names of columns that describe a secret: `password_changed_at`."""
_QUOTES: Final = "\"`'[]\\ \t\r\n\f"


class InsertedValueFinder:
    """Finds the values of sensitive columns in an INSERT."""

    def __init__(self, judge: NameJudge) -> None:
        self._judge = judge

    def find(self, text: str) -> Iterator[Redaction]:
        """Find the values in folded text; in a cut statement, the last value goes to the end."""
        done = 0
        for statement in _INSERT.finditer(text):
            if statement.start() < done:
                continue  # It stands in a value of the statement before.
            secret = self._find_secret_columns(statement.group(1))
            for start, end in _find_values(text, statement.end(), secret) if secret else ():
                done = end
                begin, behind = _strip_quotes(text, start, end)
                if begin < behind:
                    yield begin, behind, FILTERED

    def _find_secret_columns(self, columns: str) -> AbstractSet[int]:
        """Return the numbers of the columns whose values are secret."""
        secret = set()
        for number, column in enumerate(columns.split(",")):
            name = column.strip(_QUOTES).rpartition(".")[2].strip(_QUOTES)
            verdict = self._judge.judge_name(name)
            if verdict in {NameVerdict.SECRET, NameVerdict.COOKIE} and not _NOT_ITSELF.search(name):
                secret.add(number)
        return secret


def find_account_passwords(text: str) -> Iterator[Redaction]:
    """Find the passwords of database accounts in folded text."""
    done = 0
    ends = {end for pattern in _PASSWORDS for _, end in pattern.find_ranges(text)}
    for begin in sorted(end - 1 for end in ends):
        if begin < done:
            continue
        literal = _LITERAL.match(text, begin)
        start, end = literal.span(2) if literal else (begin, _end_of_word(text, begin))
        done = end
        if start < end and _may_be_secret(text[start:end]):
            yield start, end, FILTERED


def _find_values(text: str, start: int, secret: AbstractSet[int]) -> Iterator[tuple[int, int]]:
    """Find the ranges of the values of some columns, row by row.

    Args:
        text: Text with the statement.
        start: Start of the first row, after its bracket.
        secret: Numbers of the columns.
    """
    depth, column, begin = 1, 0, start
    for token in _TOKEN.finditer(text, start):
        sign = token.group()
        depth += _DEPTHS.get(sign, 0)
        if (sign, depth) in _ENDS and column in secret:
            yield begin, token.start()
        if (sign, depth) in _ENDS:
            column, begin = column + 1, token.end()
        elif (sign, depth) == ("(", 1):
            column, begin = 0, token.end()
        if depth == 0 and sign == ")" and not _NEXT_ROW.match(text, token.end()):
            return
    if depth > 0 and column in secret:
        yield begin, len(text)  # The statement is cut.


def _strip_quotes(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the range of a value without blanks and quotes; an empty range if it may stay."""
    value = text[start:end]
    start, end = end - len(value.lstrip()), start + len(value.rstrip())
    if start < end and (literal := _LITERAL.fullmatch(text, start, end)):
        start, end = literal.span(2)
        return (start, end) if _may_be_secret(text[start:end]) else (start, start)
    is_text = any(quote in text[start:end] for quote in "'\"") or text[start:end].isdigit()
    return (start, end) if is_text and _may_be_secret(text[start:end]) else (start, start)


def _end_of_word(text: str, start: int) -> int:
    word = _WORD.match(text, start)
    return word.end() if word else start


def _may_be_secret(value: str) -> bool:
    return bool(value.strip()) and value not in MARKS and not _WORTHLESS.match(value)
