"""Finds passwords in command lines whose options do not name them: `curl -u jo:x1`."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

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
PROGRAMS: Final = r"(?:curl|mysql[a-z]*|mariadb[a-z\-]*|sshpass|redis-cli)"
_PROGRAM: Final = patterns.compile_forward(
    r"(?:curl|mysql[a-z]{0,20}|mariadb[a-z\-]{0,20}|sshpass|redis-cli)\Z"
)
_PROGRAM_CHARS: Final = 200
_MOST_ARGUMENTS: Final = 100
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


def find_secret_arguments(arguments: Sequence[Any]) -> set[str]:
    """Find the numbers of the passwords in a list of a program and its arguments."""
    program = arguments[0] if arguments and isinstance(arguments[0], str) else ""
    name = program[-_PROGRAM_CHARS:].replace("\\", "/").rpartition("/")[2].removesuffix(".exe")
    if not _PROGRAM.match(name):
        return set()
    return {
        str(number)
        for number in range(1, min(len(arguments), _MOST_ARGUMENTS))
        if _is_password(name, arguments[number - 1 : number + 1], is_first=number == 1)
    }


def _is_password(name: str, pair: Sequence[Any], *, is_first: bool) -> bool:
    """Tell whether an argument holds a password, alone or by the option before it."""
    before, argument = pair
    if not isinstance(argument, str) or len(argument) > _PROGRAM_CHARS:
        return False
    if any(find_command_passwords(f"{name} {argument}")):
        return True
    if is_first or not isinstance(before, str) or len(before) > _PROGRAM_CHARS:
        return False
    text = f"{name} {before} "
    return any(start >= len(text) for start, _, _ in find_command_passwords(text + argument))


def _find_secret_starts(text: str) -> Iterator[tuple[int, bool, bool]]:
    """Find where secrets begin, whether they belong to curl, and whether a quote is open."""
    for login in _CURL.finditer(text):
        yield login.end() - 1, True, bool(login.group(1))
    for option in _PASSWORD_OPTIONS:
        for _, end in option.find_ranges(text):
            yield end - 1, False, False
