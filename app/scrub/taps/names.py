"""Tells keypads and chosen screens by the names that SDKs send.

PinEntryActivity, PasscodeViewController     a screen that is a keypad
btn_key_7, digit5, PinPadView, Text(7)       a view of a keypad
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Final

from app.scrub.matching import folding, patterns
from app.scrub.matching.patterns import TextPattern
from app.scrub.taps.rules import TapRegion, TapRules

_NAME_CHARS: Final = 300
"""Longer names are cut: SDKs send paths of views, whose first part is the view itself."""
_MOST_NAMES: Final = 60
_CAMEL: Final = patterns.compile_forward(r"([a-z0-9])([A-Z])")
_WORDS: Final = r"pin|passcode|pass_code|otp|totp|mfa|2fa|cvv|cvc|keypad|key_pad|numpad|num_pad"
_KEYPAD_SCREEN: Final = patterns.compile_text(
    rf"(?i)(?:^|[^a-z0-9])(?:{_WORDS}|pin_?pad|pin_?code|unlock|app_?lock|lock_?screen"
    r"|(?:security|sms|verification|auth)_?code|two_?factor)(?:$|[^a-z])"
)
_KEYPAD_VIEW: Final = patterns.compile_text(
    rf"(?i)(?:^|[^a-z0-9])(?:{_WORDS})(?:$|[^a-z])|pin_?(?:pad|code|key|button|digit|view|entry)"
    r"|(?:key|num|dial)_?pad|(?:^|[^a-z])(?:key|btn|button|digit|num|number|dial)_?[0-9](?:$|[^0-9])"
    r"|^[0-9*#\x{232B}]$|\(\s*[0-9]\s*\)|(?:^|[^a-z])(?:security|sms|verification)_?code"
)
_KEYS: Final = (
    "view.id",
    "view.tag",
    "view.class",
    "label",
    "node",
    "target",
    "id",
    "name",
    "text",
)
"""Members of a tap's data that name what was tapped."""


class TapMatcher:
    """The tap rules of one project, compiled."""

    def __init__(self, rules: TapRules) -> None:
        self.rules = rules
        self._screens = _compile_globs(rules.screens)
        self._views = _compile_globs(rules.views)
        self._regions = [(region, _compile_globs((region.screen,))) for region in rules.regions]

    def is_hidden_screen(self, name: str) -> bool:
        """Tell whether all taps on the screen of this name are hidden."""
        return _matches(self._screens, name)

    def is_keypad_screen(self, name: str) -> bool:
        """Tell whether the name of a screen says that it is a keypad."""
        return self.rules.keypads and _KEYPAD_SCREEN.search(_to_snake_case(name)) is not None

    def is_keypad_view(self, names: Iterable[str]) -> bool:
        """Tell whether one of the names of a view says that it belongs to a keypad."""
        for name in names:
            if _matches(self._views, name):
                return True
            if self.rules.keypads and _KEYPAD_VIEW.search(_to_snake_case(name)) is not None:
                return True
        return False

    def find_regions(self, screen: str | None) -> list[TapRegion]:
        """Return the regions of a screen, or of any if its name is not known."""
        return [
            region
            for region, pattern in self._regions
            if region.is_everywhere or (screen is not None and _matches(pattern, screen))
        ]


@lru_cache(maxsize=128)
def get_matcher(rules: TapRules) -> TapMatcher:
    """Return the compiled rules, which are cached."""
    return TapMatcher(rules)


def read_view_names(message: Any, data: Any) -> Iterator[str]:
    """Return what a breadcrumb of a tap calls the view: message, ids, classes, labels, path."""
    if isinstance(message, str):
        yield from message[:_NAME_CHARS].split(" > ")[:_MOST_NAMES]
    if not isinstance(data, dict):
        return
    for key in _KEYS:
        if isinstance(value := data.get(key), str):
            yield value[:_NAME_CHARS]
    path = data.get("path")
    if isinstance(path, str):
        yield from path[:_NAME_CHARS].split(" > ")[:_MOST_NAMES]
    for part in path[:_MOST_NAMES] if isinstance(path, list) else ():
        values = part.values() if isinstance(part, dict) else (part,)
        yield from (value[:_NAME_CHARS] for value in values if isinstance(value, str))


def _matches(pattern: TextPattern | None, name: str) -> bool:
    return pattern is not None and pattern.fullmatch(f"x{name[:_NAME_CHARS]}") is not None


def _compile_globs(globs: Iterable[str]) -> TextPattern | None:
    """Compile names in which `*` stands for any text; each is matched behind an `x`."""
    choices = "|".join(
        ".*".join(map(patterns.escape_text, glob.split("*"))) for glob in globs if glob
    )
    return patterns.compile_text(f"(?is)x(?:{choices})", any_case=True) if choices else None


def _to_snake_case(name: str) -> str:
    """Return a name with an underscore where camelCase has a capital."""
    return _CAMEL.sub(r"\1_\2", folding.fold_text(name[:_NAME_CHARS]))
