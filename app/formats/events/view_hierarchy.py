"""Reads a view hierarchy: the tree of views on the screen when an event happened.

    {"rendering_system": "android_view_system",
     "windows": [{"type", "identifier", "x", "y", "width", "height", "visible", "children"}]}

Source: sentry-java `ViewHierarchyNode.java`, sentry-cocoa `SentryViewHierarchyProvider.m`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.core.errors import MalformedInput
from app.core.limits import LIMITS
from app.formats import jsonish

ATTACHMENT_TYPE: Final = "event.view_hierarchy"
_MOST_VIEWS: Final = 2_000
_MOST_LEVELS: Final = 60
_NAME_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class HierarchyView:
    """One view; its position and size are in points of the screen."""

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
    """Counts down how many views may still be read."""

    views_left: int


def read_view_hierarchy(value: Any) -> tuple[HierarchyView, ...]:
    """Read the windows of a hierarchy, up to 2,000 views and sixty levels.

    Raises:
        MalformedInput: It is not an object with a list of windows.
    """
    windows = value.get("windows") if isinstance(value, dict) else None
    if not isinstance(windows, list):
        raise MalformedInput("the view hierarchy has no list of windows")
    return _read_views(windows, _Budget(_MOST_VIEWS), 0)


def list_view_types(value: Any) -> set[str]:
    """Return the class names of all views of a hierarchy; empty if it cannot be read.

    An app that was shrunk sends obfuscated ones, which `rename_view_types` replaces.
    """
    types: set[str] = set()
    levels: list[Any] = [value.get("windows") if isinstance(value, dict) else None]
    while levels:
        views = levels.pop()
        for view in views if isinstance(views, list) else ():
            if isinstance(view, dict):
                name = jsonish.text(view, "type", limit=_NAME_CHARS)
                types |= {name} if name and len(types) < _MOST_VIEWS else set()
                levels.append(view.get("children"))
    return types


def rename_view_types(value: Any, clear_names: Mapping[str, str]) -> Any:
    """Return a hierarchy whose views have the clear names of their classes; the rest stays."""
    if not clear_names or not isinstance(value, dict) or "windows" not in value:
        return value
    return {**value, "windows": _rename_views(value["windows"], clear_names, 0)}


def _rename_views(views: Any, clear_names: Mapping[str, str], depth: int) -> Any:
    if not isinstance(views, list) or depth >= LIMITS.json_depth:
        return views
    return [
        _rename_view(view, clear_names, depth) if isinstance(view, dict) else view for view in views
    ]


def _rename_view(
    view: jsonish.JsonObject, clear_names: Mapping[str, str], depth: int
) -> jsonish.JsonObject:
    renamed = dict(view)
    name = view.get("type")
    if isinstance(name, str):
        renamed["type"] = clear_names.get(name, name)
    if "children" in view:
        renamed["children"] = _rename_views(view["children"], clear_names, depth + 1)
    return renamed


def _read_views(values: Sequence[Any], budget: _Budget, depth: int) -> tuple[HierarchyView, ...]:
    if depth >= _MOST_LEVELS:
        return ()
    views = []
    for value in values:
        if budget.views_left <= 0:
            break
        if isinstance(value, dict):
            budget.views_left -= 1
            views.append(_read_view(value, budget, depth))
    return tuple(views)


def _read_view(value: jsonish.JsonObject, budget: _Budget, depth: int) -> HierarchyView:
    return HierarchyView(
        type=jsonish.text(value, "type", limit=_NAME_CHARS) or "view",
        identifier=jsonish.text(value, "identifier", limit=_NAME_CHARS)
        or jsonish.text(value, "tag", limit=_NAME_CHARS),
        width=_read_points(value, "width"),
        height=_read_points(value, "height"),
        x=_read_points(value, "x"),
        y=_read_points(value, "y"),
        is_visible=jsonish.text(value, "visibility") in {None, "visible"}
        and jsonish.flag(value, "visible") is not False,
        children=_read_views(jsonish.sequence(value, "children"), budget, depth + 1),
    )


def _read_points(value: jsonish.JsonObject, key: str) -> int | None:
    number = jsonish.number(value, key)
    return None if number is None else round(number)
