"""Finds passwords in command lines whose options do not name them: `curl -u jo:x1`."""

from collections.abc import Iterator
from typing import Final

from app.scrub.matching import patterns
from app.scrub.matching.redactions import Redaction
from app.scrub.rules import FILTERED, MARKS

_CURL: Final = patterns.compile_text(
    r"\bcurl(?:\s[^\n|;]*?)??\s(?:--(?:proxy-)?user(?:=|\s)|-[a-zA-Z]*[uU])\s*([\"'\\]*)"
    r"[^\s:\"'\\]+(:)[^\s]"
)
"""A command with a name and a colon, up to the first character of the secret after them."""
_PASSWORD_OPTIONS: Final = tuple(
    patterns.compile_text(pattern)
    for pattern in (
        r"\b(?:mysql[a-z]*|mariadb[a-z\-]*)(?:\s[^\n|;]*?)??\s-p[^\s]",
        r"\bsshpass\s+-p\s*[^\s]",
        r"\bredis-cli(?:\s[^\n|;]*?)??\s-a\s+[^\s]",
        r"\bdocker\s+login(?:\s[^\n|;]*?)??\s-p\s+[^\s]",
    )
)
"""Commands up to the first character of the secret.

Each command has a pattern of its own. In one pattern with alternatives, a command without its
option would make the matcher read to the end of the text before each match of another command.
"""
_QUOTED: Final = patterns.compile_forward(r"\\{0,8}[\"']([^\"'\\\r\n]*+)")
_WORD: Final = patterns.compile_forward(r"([^\s\"'`\\]*+)")
_TO_QUOTE: Final = patterns.compile_forward(r"([^\"'\\\r\n]*+)")
_LONG_OPTIONS: Final = frozenset({"ort", "assword", "rotocol", "ath", "ipe", "ager"})
"""Texts after `-p` in a long option that is written with one dash by mistake."""


def find_command_passwords(text: str) -> Iterator[Redaction]:
    """Find the passwords after `curl -u jo:`, `mysql -p`, `sshpass -p` and the like."""
    done = 0
    for begin, is_curl, is_quoted in sorted(_find_secret_starts(text)):
        if begin < done:
            continue
        # Behind `'jo:` the secret ends at the quote and may contain blanks.
        pattern = _TO_QUOTE if is_quoted else _WORD
        secret = _QUOTED.match(text, begin) or pattern.match(text, begin)
        if secret is None:
            continue
        value, done = secret.group(1), secret.end()
        is_number = is_curl and value.isdigit()  # `docker run -u 1000:1000`
        if value and not is_number and value not in _LONG_OPTIONS and not value.startswith(MARKS):
            yield *secret.span(1), FILTERED


def _find_secret_starts(text: str) -> Iterator[tuple[int, bool, bool]]:
    """Find where secrets begin, whether they belong to curl, and whether a quote is open."""
    for login in _CURL.finditer(text):
        yield login.end() - 1, True, bool(login.group(1))
    for option in _PASSWORD_OPTIONS:
        for _, end in option.find_ranges(text):
            yield end - 1, False, False
