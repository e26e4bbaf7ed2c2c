"""Finds tokens in the path of a URL: `/reset-password/x7k2…`, `/token/x7k2…`.

The name of the route tells that a token may follow, and the token must look like one: words
(`/token/refresh`), versions, dates, short numbers and names of files stay.
"""

from collections.abc import Iterator
from typing import Final

from app.scrub.matching import patterns
from app.scrub.matching.redactions import Redaction
from app.scrub.rules import FILTERED

ROUTES: Final = (
    r"(?:reset|forgot|set|change|create|recover)[-_]?password|password[-_/](?:reset|recovery|edit)"
    r"|passwords|magic[-_]?(?:link|login)|invite|invitations?|activate|activation"
    r"|(?:verify|confirm|activate)[-_](?:email|account)|email/(?:verify|confirm)"
)
"""Routes whose following segments may be tokens, in lower case."""
SLASH: Final = r"(?:\\{0,4}/|%2[fF])"
_SEGMENT: Final = r"([A-Za-z0-9_\-.~=+]+)"
_PATHS: Final = patterns.compile_text(
    rf"(?i)(?:^|[/\s\"'`(=]|%2F)"
    rf"(?:(?:{ROUTES}){SLASH}{_SEGMENT}(?:{SLASH}{_SEGMENT})?(?:{SLASH}{_SEGMENT})?"
    rf"|reset{SLASH}[A-Za-z0-9_\-]{{1,8}}{SLASH}{_SEGMENT}"
    rf"|token{SLASH}{_SEGMENT}|tokens{SLASH}{_SEGMENT})"
)
_SCHEME_END: Final = patterns.compile_text(rf"(?::|%3[aA]){SLASH}{SLASH}")
"""End of the scheme of a URL: `://`."""
_HOST: Final = patterns.compile_text(
    rf"(?:^|[\s\"'`(=])((?:[A-Za-z0-9\-]{{1,63}}\.)+[A-Za-z]{{2,24}})(?::[0-9]{{1,5}})?{SLASH}"
)
"""Name of a host at the beginning of a path, as in a URL without its scheme."""
_PACKAGE_ROOTS: Final = ("com.", "org.", "net.", "edu.", "gov.", "io.", "de.", "uk.", "jp.", "cn.")
"""Beginnings of names of packages, which are host names the other way round: `com.example.shop`."""
_LAST_GROUP: Final = 6
_TOKENS_GROUP: Final = _LAST_GROUP
"""The group after `tokens`, which holds the id of a row as often as a token."""

_FEWEST_CHARS: Final = 6
_LONG_CHARS: Final = 32
_WORDS: Final = patterns.compile_forward(
    r"(?:(?:[A-Za-z]{2,32}+[0-9]{0,4}|[A-Za-z]?[0-9]{0,4})(?:[\-_.~+=]|\Z))++\Z"
)
"""Words and small numbers with signs between them: `step-2`, `friends2026`, `v1.2`."""
_FILE: Final = patterns.compile_forward(r"\.[A-Za-z]{2,5}\Z")
_FILE_CHARS: Final = 6
_PUBLIC: Final = patterns.compile_forward(r"0x[0-9a-fA-F]{40}+\Z")
"""Address of a contract, which is public: `/token/0x…` names a coin."""
_ROW_ID: Final = patterns.compile_forward(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\Z")


def find_path_tokens(text: str) -> Iterator[Redaction]:
    """Find the tokens in paths, in folded text."""
    for match in _PATHS.finditer(text):
        for group in range(1, _LAST_GROUP + 1):
            token = match.group(group)
            if group == _TOKENS_GROUP and _ROW_ID.match(token):
                continue
            if token and looks_like_token(token):
                yield match.start(group), match.end(group), FILTERED


def find_url_tokens(text: str) -> Iterator[Redaction]:
    """Find the tokens in paths behind the scheme or the host of a URL, in folded text.

    A label without either may be a package and a commit (`invite/3f9a1b2c`) or a folder of a build
    (`/data/app/token/Ab3dE5f7`), which stay.
    """
    path_start = _find_path_start(text)
    if path_start is None:
        return
    for start, end, mark in find_path_tokens(text):
        if start >= path_start:
            yield start, end, mark


def _find_path_start(text: str) -> int | None:
    """Return where the first URL of a text has its path or its host; None without a URL."""
    hosts = (
        match
        for match in _HOST.finditer(text)
        if not match.group(1).lower().startswith(_PACKAGE_ROOTS)
    )
    starts = (_SCHEME_END.search(text), next(hosts, None))
    return min((match.end() for match in starts if match is not None), default=None)


def looks_like_token(text: str) -> bool:
    """Tell whether a text looks random and is not a number."""
    if len(text) < _FEWEST_CHARS or text.isdigit() or _PUBLIC.match(text):
        return False
    if not any(char.isdigit() for char in text):
        return len(text) >= _LONG_CHARS and text.isalpha()
    return not _WORDS.match(text) and not _FILE.search(text, len(text) - _FILE_CHARS)
