"""View hierarchies: trees, their bounds, and any shape at all."""

from typing import Any

import pytest
from hypothesis import given

from app.core.errors import MalformedInput
from app.formats.events import view_hierarchy
from tests.support.examples import JSON_VALUES, SETTINGS


def test_a_hierarchy_is_read():
    """Windows and their views are read; a tag names a view without an identifier."""
    button = {"type": "Button", "tag": "pay", "x": 1.6, "y": 2, "width": 30, "height": "40"}
    hidden = {"visible": False, "children": 7}
    gone = {"visibility": "gone"}
    (window,) = view_hierarchy.read_view_hierarchy(
        {"windows": [{"type": "W", "identifier": "w", "children": [button, hidden, gone, "x"]}]}
    )
    first, second, third = window.children
    assert (window.type, window.identifier, window.is_visible) == ("W", "w", True)
    assert (first.identifier, first.x, first.y, first.width, first.height) == ("pay", 2, 2, 30, 40)
    assert (second.type, second.is_visible, third.is_visible) == ("view", False, False)


def count(views: tuple[view_hierarchy.HierarchyView, ...]) -> int:
    """Count the views of a tree."""
    return sum(1 + count(view.children) for view in views)


def test_a_hierarchy_is_limited():
    """Views are limited in number and in depth."""
    many: list[dict[str, Any]] = [{"children": [{}] * 100} for _ in range(100)]
    assert count(view_hierarchy.read_view_hierarchy({"windows": many})) == 2_000
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"children": [deep]}
    assert count(view_hierarchy.read_view_hierarchy({"windows": [deep]})) == 60


@pytest.mark.parametrize("value", [None, [], {}, {"windows": 7}])
def test_anything_but_a_hierarchy_is_refused(value):
    """A hierarchy must have windows."""
    with pytest.raises(MalformedInput, match="windows"):
        view_hierarchy.read_view_hierarchy(value)


@SETTINGS
@given(JSON_VALUES)
def test_anything_is_read(value):
    """Whatever stands in a window, views come out or none."""
    view_hierarchy.read_view_hierarchy(
        {"windows": [value, {"type": value, "width": value, "children": [value]}]}
    )
