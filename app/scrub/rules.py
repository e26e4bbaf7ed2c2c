"""The scrub settings of a project, the marks that replace secrets, and the remarks on them."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

FILTERED: Final = "[Filtered]"
EMAIL: Final = "[email]"
IP: Final = "[ip]"
MAC: Final = "[mac]"
IMEI: Final = "[imei]"
PHONE: Final = "[phone]"
PERSON: Final = "[user]"
FAILED: Final = "[scrub failed]"
MARKS: Final = (FILTERED, EMAIL, IP, MAC, IMEI, PHONE, PERSON, FAILED)
"""Every mark that a rule may leave; no rule changes a value that is a mark."""


class OwnPattern(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A pattern that a project adds: every match in a text is removed."""

    name: str
    """Name in remarks: `pattern: employee number`."""
    pattern: str
    """Regular expression in the syntax of RE2."""


class ScrubRules(
    msgspec.Struct, frozen=True, gc=False, cache_hash=True, forbid_unknown_fields=True
):
    """The scrub settings of one project; hashable, because compiled rules are cached by them."""

    sensitive_keys: frozenset[str] = frozenset()
    """Further sensitive names: the value of any key that contains one of them is removed; case does
    not matter."""
    safe_keys: frozenset[str] = frozenset()
    """Whole names of keys that are never sensitive, in either case; text in them is scrubbed."""
    scrub_ip: bool = False
    """True to remove the sender's address and any IP address in text, too."""
    emails_in_text: bool = True
    user_email: bool = False
    """True to remove e-mail addresses from the fields about the user, too."""
    macs: bool = True
    """On by default, since the address of a Wi-Fi station tells where a phone is and cannot be
    mistaken for anything else."""
    imeis: bool = False
    """Off by default: one 15-digit number in ten has the right check digit, and few apps can read
    IMEIs."""
    phones: bool = False
    patterns: tuple[OwnPattern, ...] = ()
    """Patterns of the project, whose matches are removed from every text and whole number."""


DEFAULT_RULES: Final = ScrubRules()
CLOSED_RULES: Final = ScrubRules(patterns=(OwnPattern("rules that cannot be read", "("),))
"""Rules for a project whose own rules cannot be read: `(` is no pattern, and a rule that fails puts
`[scrub failed]` in the place of every text."""


@dataclass(frozen=True, slots=True, order=True)
class ScrubRemark:
    """A note about removed text: the rule, the place, and how many removals."""

    rule: str
    path: str
    count: int


class ScrubResult(msgspec.Struct, frozen=True, gc=False):
    """A value without its secrets, and remarks on what was removed."""

    value: Any
    remarks: tuple[ScrubRemark, ...]
