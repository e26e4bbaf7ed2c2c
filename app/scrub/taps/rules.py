"""The tap rules of a project, and the note on what they hid."""

from typing import Final

import msgspec

HIDDEN_CATEGORY: Final = "playhead.hidden_taps"
"""Category of the breadcrumb that stands for hidden taps; its `data` has `taps` and `rule`."""
HIDDEN_NAME: Final = "[tap hidden]"
RULE_PREFIX: Final = "taps: "
"""Rules of hidden taps in remarks: `taps: keypad`."""
KEYPAD: Final = "keypad"
SCREEN: Final = "screen"
REGION: Final = "region"
UNKNOWN_SCREEN: Final = "screen not known"
FAILED_RULE: Final = "rule that failed"


class TapRegion(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A part of some screens in which taps are hidden; its edges are percent of the screen."""

    screen: str
    """Name of the screens; `*` stands for any text."""
    left: float
    top: float
    right: float
    bottom: float

    @property
    def is_everywhere(self) -> bool:
        """Tell whether it applies to every screen, so that its name need not be known."""
        return self.screen.strip("*") == ""


class TapRules(msgspec.Struct, frozen=True, gc=False, cache_hash=True, forbid_unknown_fields=True):
    """The tap rules of a project; hashable, because compiled rules are cached by them."""

    keypads: bool = False
    """True to hide all taps of a screen while it shows a keypad, as far as names tell."""
    views: tuple[str, ...] = ()
    """Further names of the views of keypads; `*` stands for any text."""
    screens: tuple[str, ...] = ()
    """Names of screens whose taps are all hidden; `*` stands for any text."""
    regions: tuple[TapRegion, ...] = ()

    @property
    def hides_any(self) -> bool:
        """Tell whether there is any rule."""
        return self.keypads or bool(self.views or self.screens or self.regions)

    @property
    def needs_screens(self) -> bool:
        """Tell whether it must be known which screen a tap was on."""
        is_local = any(not region.is_everywhere for region in self.regions)
        return self.keypads or bool(self.views or self.screens) or is_local


NO_TAP_RULES: Final = TapRules()
CLOSED_TAP_RULES: Final = TapRules(screens=("*",))
"""Rules for a project whose own rules cannot be read: every tap is hidden."""
