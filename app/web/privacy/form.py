"""The form with the privacy rules of a project, as a person typed it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from app.core.errors import InvalidInput
from app.projects.privacy_rules import PrivacyRules
from app.scrub.rules import OwnPattern, ScrubRules
from app.scrub.taps.checks import read_region, write_region
from app.scrub.taps.rules import TapRules

MOST_FIELDS: Final = 120
SPARE_ROWS: Final = 3
"""Empty rows for new patterns."""
_MOST_ROWS: Final = 40
_MOST_VERSION_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class RuleForm:
    """The fields of the form."""

    version: int
    """The version of the rules that the page showed."""
    switches: frozenset[str]
    """Names of the switches that are on."""
    sensitive_keys: str
    """Names, one on each line."""
    safe_keys: str
    patterns: tuple[OwnPattern, ...]
    hides_keypads: bool = False
    screens: str = ""
    """Names of screens whose taps are hidden, one on each line; likewise those below."""
    views: str = ""
    regions: str = ""
    text: str = ""
    """The text to try the rules on."""


SWITCHES: Final[Mapping[str, tuple[str, str]]] = {
    "emails_in_text": (
        "E-mail addresses in texts",
        "In messages, breadcrumbs, URLs, logs and bodies.",
    ),
    "user_email": (
        "The user's e-mail address, too",
        "The field that apps set to know whose session it is. Without it you cannot search by it.",
    ),
    "scrub_ip": ("IP addresses", "The sender's address, and addresses in texts."),
    "phones": ("Telephone numbers", "Those that begin with + and the code of a country."),
    "macs": ("MAC addresses", "The address of a Wi-Fi station tells where a phone is."),
    "imeis": (
        "IMEIs of devices",
        "One number of 15 digits in ten looks like one, so harmless numbers go as well.",
    ),
}
"""Label and hint of each switch, by the field of `ScrubRules` that it sets."""


def read_rule_form(pairs: Iterable[tuple[str, str]]) -> RuleForm:
    """Read the fields of the form.

    Raises:
        InvalidInput: It names no version of the rules.
    """
    fields = dict(pairs)
    version = fields.get("version", "")
    if not (version.isascii() and version.isdecimal() and len(version) <= _MOST_VERSION_DIGITS):
        raise InvalidInput("the form names no version of the rules: open the page again")
    rows = [
        (fields.get(f"name-{row}", "").strip(), fields.get(f"pattern-{row}", ""))
        for row in range(_MOST_ROWS)
    ]
    return RuleForm(
        version=int(version),
        switches=frozenset(name for name in SWITCHES if name in fields),
        sensitive_keys=fields.get("sensitive", ""),
        safe_keys=fields.get("safe", ""),
        patterns=tuple(OwnPattern(name, pattern) for name, pattern in rows if name or pattern),
        hides_keypads="keypads" in fields,
        screens=fields.get("screens", ""),
        views=fields.get("views", ""),
        regions=fields.get("regions", ""),
        text=fields.get("text", ""),
    )


def fill_rule_form(rules: PrivacyRules, version: int) -> RuleForm:
    """Fill the form with saved rules."""
    scrub = rules.scrub
    return RuleForm(
        version=version,
        switches=frozenset(name for name in SWITCHES if getattr(scrub, name)),
        sensitive_keys="\n".join(sorted(scrub.sensitive_keys)),
        safe_keys="\n".join(sorted(scrub.safe_keys)),
        patterns=scrub.patterns,
        hides_keypads=rules.taps.keypads,
        screens="\n".join(rules.taps.screens),
        views="\n".join(rules.taps.views),
        regions="\n".join(map(write_region, rules.taps.regions)),
    )


def make_rules(form: RuleForm) -> PrivacyRules:
    """Make the rules that a form describes; whoever uses them checks them.

    Raises:
        InvalidInput: A line is no region.
    """
    return PrivacyRules(
        scrub=ScrubRules(
            sensitive_keys=_read_lines(form.sensitive_keys),
            safe_keys=_read_lines(form.safe_keys),
            patterns=form.patterns,
            **{name: name in form.switches for name in SWITCHES},
        ),
        taps=TapRules(
            keypads=form.hides_keypads,
            screens=_read_list(form.screens),
            views=_read_list(form.views),
            regions=tuple(map(read_region, _read_list(form.regions))),
        ),
    )


def _read_lines(typed: str) -> frozenset[str]:
    return frozenset(_read_list(typed))


def _read_list(typed: str) -> tuple[str, ...]:
    """Return the lines that say something, each once and in their order."""
    return tuple(dict.fromkeys(line.strip() for line in typed.splitlines() if line.strip()))
