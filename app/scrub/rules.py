"""What a project wants removed, what a removal leaves in the text, and what it leaves as a note."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

VERSION: Final = 3
"""Raised whenever the built-in rules change, so that stored rows can be scrubbed again."""

FILTERED: Final = "[Filtered]"
EMAIL: Final = "[email]"
IP: Final = "[ip]"
MAC: Final = "[mac]"
IMEI: Final = "[imei]"
PHONE: Final = "[phone]"
PERSON: Final = "[user]"
FAILED: Final = "[scrub failed]"
MARKS: Final = (FILTERED, EMAIL, IP, MAC, IMEI, PHONE, PERSON, FAILED)
"""Everything a rule may leave behind; no rule touches a value that is one of these."""


class ScrubRules(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """The scrub settings of one project; hashable, because compiled rules are kept by it."""

    sensitive_keys: frozenset[str] = frozenset()
    """More key names whose values go: any key containing one of them, in either case."""
    safe_keys: frozenset[str] = frozenset()
    """Keys (whole name, either case) that are never sensitive; text in them is still scrubbed."""
    scrub_ip: bool = False
    """Also remove the sender's address and any IP address in text."""
    emails_in_text: bool = True
    user_email: bool = False
    """Also remove e-mail addresses from the fields that say who the user is."""
    macs: bool = True
    """On: the address of a Wi-Fi station tells where a phone is, and its shape is unmistakable."""
    imeis: bool = False
    """Off: one 15-digit number in ten has the right check digit, and apps can hardly read IMEIs."""
    phones: bool = False


DEFAULT_RULES: Final = ScrubRules()


@dataclass(frozen=True, slots=True)
class ScrubRemark:
    """One note about removed text: which rule, where, how often."""

    rule: str
    path: str
    count: int


class ScrubResult(msgspec.Struct, frozen=True, gc=False):
    """A value without its secrets, and notes on what went."""

    value: Any
    remarks: tuple[ScrubRemark, ...]
