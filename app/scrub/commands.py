"""Finds what signs in inside command lines, where options say little: `curl -u jo:x1`."""

from collections.abc import Iterator
from typing import Final

from app.scrub import patterns
from app.scrub.rules import FILTERED, MARKS
from app.scrub.spans import Span

_LOGINS: Final = patterns.compile_text(
    r"\bcurl(?:\s[^\n|;]*?)??\s(?:--(?:proxy-)?user(?:=|\s)|-[a-zA-Z]*[uU])\s*([\"'\\]*)"
    r"[^\s:\"'\\]+(:)[^\s]"
    r"|\b(?:(?:mysql[a-z]*|mariadb[a-z\-]*)(?:\s[^\n|;]*?)??\s-p"
    r"|sshpass\s+-p\s*"
    r"|redis-cli(?:\s[^\n|;]*?)??\s-a\s+"
    r"|docker\s+login(?:\s[^\n|;]*?)??\s-p\s+)[^\s]"
)
"""Commands up to the first character of the secret; a name and a colon stand before curl's."""
_QUOTED: Final = patterns.compile_forward(r"\\{0,8}[\"']([^\"'\\\r\n]*+)")
_WORD: Final = patterns.compile_forward(r"([^\s\"'`\\]*+)")
_TO_QUOTE: Final = patterns.compile_forward(r"([^\"'\\\r\n]*+)")
_LONG_OPTIONS: Final = frozenset({"ort", "assword", "rotocol", "ath", "ipe", "ager"})
"""What follows `-p` in an option that is written with one dash by mistake."""


def logins(text: str) -> Iterator[Span]:
    """Find the passwords behind `curl -u jo:`, `mysql -p`, `sshpass -p` and the like."""
    done = 0
    for found in _LOGINS.finditer(text):
        begin = found.end() - 1
        if begin < done:
            continue
        # Behind `'jo:` the secret goes to the quote, whatever blanks it has.
        pattern = _TO_QUOTE if found.group(1) else _WORD
        secret = _QUOTED.match(text, begin) or pattern.match(text, begin)
        if secret is None:
            continue
        value, done = secret.group(1), secret.end()
        is_number = found.group(2) and value.isdigit()  # `docker run -u 1000:1000`
        if value and not is_number and value not in _LONG_OPTIONS and not value.startswith(MARKS):
            yield *secret.span(1), FILTERED
