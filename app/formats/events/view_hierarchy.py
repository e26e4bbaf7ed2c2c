"""Reads a view hierarchy: the tree of what was on the screen when an event happened.

    {"rendering_system": "android_view_system",
     "windows": [{"type", "identifier", "x", "y", "width", "height", "visible", "children"}]}

Source: sentry-java `ViewHierarchyNode.java`, sentry-cocoa `SentryViewHierarchyProvider.m`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.core.errors import MalformedInput
from app.formats import jsonish

ATTACHMENT_TYPE: Final = "event.view_hierarchy"
_MOST_NODES: Final = 2_000
_DEEPEST: Final = 60
_NAME_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class HierarchyView:
    """One view; positions are in points of the screen."""

    type: str
    identifier: str | None
    width: int | None
    height: int | None
    x: int | None
    y: int | None
    is_visible: bool
    children: tuple["HierarchyView", ...]


@dataclass(slots=True)
class _Budget:
    left: int


def read_view_hierarchy(value: Any) -> tuple[HierarchyView, ...]:
    """Read the windows of a hierarchy; beyond 2,000 views, or sixty levels, the rest is left out.

    Raises:
        MalformedInput: It is no object with a list of windows.
    """
    windows = value.get("windows") if isinstance(value, dict) else None
    if not isinstance(windows, list):
        raise MalformedInput("the view hierarchy has no list of windows")
    return _views(windows, _Budget(_MOST_NODES), 0)


def _views(values: Sequence[Any], budget: _Budget, depth: int) -> tuple[HierarchyView, ...]:
    if depth >= _DEEPEST:
        return ()
    found = []
    for value in values:
        if budget.left <= 0:
            break
        if isinstance(value, dict):
            budget.left -= 1
            found.append(_view(value, budget, depth))
    return tuple(found)


def _view(value: jsonish.JsonObject, budget: _Budget, depth: int) -> HierarchyView:
    return HierarchyView(
        type=jsonish.text(value, "type", limit=_NAME_CHARS) or "view",
        identifier=jsonish.text(value, "identifier", limit=_NAME_CHARS)
        or jsonish.text(value, "tag", limit=_NAME_CHARS),
        width=_pixels(value, "width"),
        height=_pixels(value, "height"),
        x=_pixels(value, "x"),
        y=_pixels(value, "y"),
        is_visible=jsonish.text(value, "visibility") in {None, "visible"}
        and jsonish.flag(value, "visible") is not False,
        children=_views(jsonish.sequence(value, "children"), budget, depth + 1),
    )


def _pixels(value: jsonish.JsonObject, key: str) -> int | None:
    number = jsonish.number(value, key)
    return None if number is None else round(number)
