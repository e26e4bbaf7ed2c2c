"""Words for what the privacy rules removed: the rules, and how often each of them removed."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Final

from app.formats.stored.packed_remarks import unpack_remarks
from app.scrub.rules import ScrubRemark

_RULES: Final = {
    "sensitive-name": "secret by its name",
    "named": "secret by its name in a text",
    "markup": "secret in XML or a form",
    "sql": "password in SQL",
    "command": "password of a command",
    "path": "token in a path",
    "url-login": "login in a URL",
    "bearer": "credentials of HTTP",
    "jwt": "JSON web token",
    "vendor-key": "key of a service",
    "private-key": "private key",
    "card": "card number",
    "iban": "bank account (IBAN)",
    "us-ssn": "US social security number",
    "user-path": "name in a file path",
    "secret-like": "word that looks like a secret",
    "owner": "name of a device's owner",
    "email": "e-mail address",
    "mac": "MAC address",
    "ip": "IP address",
    "imei": "IMEI",
    "phone": "telephone number",
    "encoded": "secret in percent-encoded text",
    "taps: keypad": "tap on a keypad, or its view",
    "taps: screen": "tap on a hidden screen",
    "taps: region": "tap in a hidden region",
    "taps: screen not known": "tap on a screen that is not known",
    "taps: rule that failed": "taps that a rule failed on",
    "scrub-failed": "field that a rule failed on",
}
"""Words by the names of rules in remarks."""
_PATTERN: Final = "pattern: "
_MOST_PLACES: Final = 20


@dataclass(frozen=True, slots=True)
class RemovalChip:
    """The values that one rule removed from one thing."""

    words: str
    count: int
    places: tuple[str, ...]
    """Names of the fields that it was removed from."""
    more_places: int


def describe_rule(rule: str) -> str:
    """Say in words what a rule removes."""
    if rule.startswith(_PATTERN):
        return f"“{rule.removeprefix(_PATTERN)}”"
    return _RULES.get(rule, rule)


def build_removal_chips(packed: Iterable[bytes | None]) -> tuple[RemovalChip, ...]:
    """Build a chip for each rule, the rule that removed most first.

    Args:
        packed: The packed remarks of an event, or of each segment of a replay.
    """
    by_rule: dict[str, list[ScrubRemark]] = {}
    for remark in chain.from_iterable(map(unpack_remarks, filter(None, packed))):
        by_rule.setdefault(remark.rule, []).append(remark)
    chips = []
    for rule, own in by_rule.items():
        places = tuple(dict.fromkeys(remark.path for remark in own if remark.path))
        chips.append(
            RemovalChip(
                describe_rule(rule),
                sum(remark.count for remark in own),
                places[:_MOST_PLACES],
                max(0, len(places) - _MOST_PLACES),
            )
        )
    return tuple(sorted(chips, key=lambda chip: (-chip.count, chip.words)))
