"""View hierarchies: trees, their bounds, and any shape at all."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given

from app.core.errors import MalformedInput
from app.formats.events import view_hierarchy
from tests.support.examples import JSON_VALUES, SETTINGS
from tests.support.recorded.debug_samples import read_debug_sample


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


def test_views_get_the_clear_names_of_their_classes():
    """All levels are renamed, what is unknown stays, and so does everything else in the file."""
    hierarchy = json.loads(read_debug_sample("r8/view-hierarchy.json"))
    sent = copy.deepcopy(hierarchy)
    assert view_hierarchy.list_view_types(hierarchy) == {
        "com.android.internal.policy.DecorView",
        "q.v",
        "m.k",
        "android.view.View",
    }
    clear_names = {"q.v": "com.acme.shop.ui.widget.PriceView", "m.k": "androidx.Button"}
    clear = view_hierarchy.rename_view_types(hierarchy, clear_names)
    assert hierarchy == sent
    written = json.dumps(clear)
    for name, clear_name in clear_names.items():
        written = written.replace(f'"{clear_name}"', f'"{name}"')
    assert json.loads(written) == sent
    assert view_hierarchy.list_view_types(clear) >= set(clear_names.values())


@pytest.mark.parametrize("value", [None, [], {}, {"windows": 7}, {"windows": [7, {"type": []}]}])
def test_a_broken_hierarchy_has_no_types(value):
    """A broken hierarchy stays as it was sent."""
    assert view_hierarchy.list_view_types(value) == set()
    assert view_hierarchy.rename_view_types(value, {"a": "b"}) == value
