"""Checks the scrub rules that a person typed, before they are saved."""

import re
from collections.abc import Iterable
from typing import Final

from app.core.errors import InvalidInput
from app.scrub.matching import patterns
from app.scrub.matching.own_patterns import PatternRefused, compile_own_pattern
from app.scrub.rules import OwnPattern, ScrubRules
from app.scrub.text_scrubber import TextScrubber

MOST_KEYS: Final = 100
MOST_KEY_CHARS: Final = 60
_FEWEST_KEY_CHARS: Final = 2
"""A shorter word is a part of so many names that hardly a value would be left."""
MOST_PATTERNS: Final = 20
MOST_NAME_CHARS: Final = 40
_KEY: Final = re.compile(r"[\w.\-]+(?: [\w.\-]+)*")
_SECRET: Final = b'{"password": "x1"}'


def check_rules(rules: ScrubRules) -> None:
    """Check that rules can be used, and that using them costs no more than is allowed.

    Raises:
        InvalidInput: They cannot; the message says which of them.
    """
    _check_keys(rules.sensitive_keys, "sensitive names")
    _check_keys(rules.safe_keys, "safe names")
    _check_patterns(rules.patterns)
    try:
        is_working = not TextScrubber(rules).is_clean(_SECRET)
    except patterns.MATCHER_ERROR:
        is_working = False
    if not is_working:
        raise InvalidInput("these are too many long names for one set of rules: take some away")


def _check_keys(keys: Iterable[str], what: str) -> None:
    keys = sorted(keys)
    if len(keys) > MOST_KEYS:
        raise InvalidInput(f"there are {len(keys)} {what}, and at most {MOST_KEYS} are allowed")
    for key in keys:
        if not _FEWEST_KEY_CHARS <= len(key) <= MOST_KEY_CHARS:
            raise InvalidInput(
                f"“{key[:MOST_KEY_CHARS]}” among the {what} has {len(key)} characters,"
                f" and a name has {_FEWEST_KEY_CHARS} to {MOST_KEY_CHARS}"
            )
        if not _KEY.fullmatch(key):
            raise InvalidInput(
                f"“{key}” among the {what} is no name: names have letters, digits, -, _ and ."
            )


def _check_patterns(own_patterns: tuple[OwnPattern, ...]) -> None:
    if len(own_patterns) > MOST_PATTERNS:
        raise InvalidInput(
            f"there are {len(own_patterns)} patterns, and at most {MOST_PATTERNS} are allowed"
        )
    names = [own.name for own in own_patterns]
    for own in own_patterns:
        is_name = 0 < len(own.name) <= MOST_NAME_CHARS and own.name.isprintable()
        if not is_name:
            raise InvalidInput(
                f"each pattern needs a name of at most {MOST_NAME_CHARS} characters, which says"
                " on pages what was removed"
            )
        if names.count(own.name) > 1:
            raise InvalidInput(f"two patterns are named “{own.name}”")
        try:
            compile_own_pattern(own.pattern)
        except PatternRefused as error:
            raise InvalidInput(f"pattern “{own.name}”: {error}") from error
