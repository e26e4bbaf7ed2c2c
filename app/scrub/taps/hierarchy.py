"""Hides the views of keypads in a view hierarchy: with their places, positions would tell keys."""

from typing import Any, Final

from app.scrub.rules import ScrubRemark
from app.scrub.taps import names
from app.scrub.taps.names import TapMatcher
from app.scrub.taps.rules import KEYPAD, RULE_PREFIX, TapRules

HIDDEN_VIEW: Final = "[view hidden]"
_NAMES: Final = ("identifier", "tag", "type")
_LISTS: Final = ("windows", "children")


def hide_keypad_views(tree: Any, rules: TapRules) -> tuple[Any, tuple[ScrubRemark, ...]]:
    """Hide the views that belong to keypads, with all views inside them.

    Args:
        tree: The decoded hierarchy; it is not changed.
        rules: The tap rules of the project.

    Returns:
        The hierarchy without them, which is the same object if there are none; and the remarks.
    """
    matcher, hidden = names.get_matcher(rules), [0]
    clean = _hide_in(tree, matcher, hidden)
    if not hidden[0]:
        return tree, ()
    return clean, (ScrubRemark(f"{RULE_PREFIX}{KEYPAD}", "views", hidden[0]),)


def _hide_in(view: Any, matcher: TapMatcher, hidden: list[int]) -> Any:
    if not isinstance(view, dict):
        return view
    own = [value for key in _NAMES if isinstance(value := view.get(key), str)]
    if matcher.is_keypad_view(own):
        hidden[0] += 1
        return {"type": HIDDEN_VIEW}
    return {
        key: [_hide_in(child, matcher, hidden) for child in value]
        if key in _LISTS and isinstance(value, list)
        else value
        for key, value in view.items()
    }
