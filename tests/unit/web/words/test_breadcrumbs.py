"""Tests of breadcrumbs in words."""

from typing import get_args

import pytest

from app.core.shipped import TEMPLATES
from app.formats.replay.activity import Breadcrumb
from app.web.words.breadcrumb import breadcrumb_rows
from app.web.words.panels.activity import ActivityRow, DataRow, Icon

START_MS = 1_795_468_811_973


def row(category, message=None, level=None, /, **data) -> ActivityRow:
    """Describe a breadcrumb two seconds into the replay."""
    names = {name.replace("__", "."): value for name, value in data.items()}
    crumb = Breadcrumb(START_MS + 2000, category, message, level, names)
    return breadcrumb_rows.breadcrumb_row(crumb, start_ms=START_MS)


@pytest.mark.parametrize(
    ("crumb", "kind", "icon", "title", "detail"),
    [
        (row("app.foreground"), "app", "foreground", "App in foreground", None),
        (row("app.background"), "app", "background", "App in background", None),
        (row("app.active"), "app", "foreground", "App active", None),
        (row("app.inactive"), "app", "background", "App inactive", None),
        (row("navigation", to="Cart"), "screen", "screen", "Cart", None),
        (
            row("navigation", **{"from": "Home", "to": "Cart"}),
            "screen",
            "screen",
            "Cart",
            "from Home",
        ),
        (
            row("navigation", "CatalogViewController"),
            "screen",
            "screen",
            "CatalogViewController",
            None,
        ),
        (row("navigation"), "other", "screen", "Navigation", None),
        (
            row("ui.tap", "pay", view__class="com.google.MaterialButton"),
            "gesture",
            "tap",
            "Tap on pay",
            "MaterialButton",
        ),
        (row("ui.tap", view__id="pay"), "gesture", "tap", "Tap on pay", None),
        (row("ui.tap"), "gesture", "tap", "Tap", None),
        (row("ui.click", "UIButton: pay"), "gesture", "tap", "Tap on UIButton: pay", None),
        (row("ui.swipe", direction="up"), "gesture", "swipe", "Swipe up", None),
        (row("ui.scroll", view__id="list"), "gesture", "swipe", "Scroll on list", None),
        (row("ui.multiClick", "Pay", clickCount=3), "gesture", "tap", "3 quick taps on Pay", None),
        (row("ui.multiClick", clickCount=7), "gesture", "rage", "Rage: 7 taps", None),
        (row("ui.multiClick"), "gesture", "tap", "3 quick taps", None),
        (
            row("device.connectivity", state="wifi"),
            "device",
            "connectivity",
            "Online by Wi-Fi",
            None,
        ),
        (
            row("device.connectivity", state="cellular"),
            "device",
            "connectivity",
            "Online by cellular",
            None,
        ),
        (row("device.connectivity", state="none"), "device", "connectivity", "Offline", None),
        (row("device.connectivity"), "device", "connectivity", "Connection changed", None),
        (
            row("device.battery", level=76.0, charging=False),
            "device",
            "battery",
            "Battery at 76 %",
            "not charging",
        ),
        (row("device.battery", charging=True), "device", "battery", "Battery changed", "charging"),
        (row("device.battery", level=5), "device", "battery", "Battery at 5 %", None),
        (
            row("device.orientation", position="landscape"),
            "device",
            "orientation",
            "Turned to landscape",
            None,
        ),
        (row("device.orientation"), "device", "orientation", "Turned", None),
        (row("device.event", action="LOW_MEMORY"), "device", "dot", "Low memory", None),
        (row("device.event"), "device", "dot", "Device event", None),
        (row("app.lifecycle", state="background"), "app", "background", "App in background", None),
        (row("app.lifecycle", state="foreground"), "app", "foreground", "App in foreground", None),
        (row("app.lifecycle", state="dozing"), "app", "dot", "App dozing", None),
        (row("app.lifecycle"), "app", "dot", "App changed", None),
        (
            row("ui.lifecycle", screen="Cart", state="resumed"),
            "app",
            "screen",
            "Cart resumed",
            None,
        ),
        (row("ui.lifecycle", screen="Cart"), "app", "screen", "Cart", None),
        (row("ui.longPress", "photo"), "gesture", "tap", "Long press on photo", None),
        (row("ui.longClick"), "gesture", "tap", "Long press", None),
        (
            row("ui.slowClickDetected", "buy", timeAfterClickMs=3100),
            "gesture",
            "rage",
            "Tap without effect on buy",
            "nothing changed for 3.1 s",
        ),
        (row("ui.slowClickDetected"), "gesture", "rage", "Tap without effect", None),
        (row("ui.input", "email"), "gesture", "tap", "Input in email", None),
        (row("ui.focus", "email"), "gesture", "tap", "Focus on email", None),
        (row("ui.blur"), "gesture", "tap", "Left", None),
        (row("touch", "Buy"), "gesture", "tap", "Tap on Buy", None),
        (row("network.event", action="NETWORK_LOST"), "device", "connectivity", "Offline", None),
        (
            row("network.event", action="NETWORK_AVAILABLE"),
            "device",
            "connectivity",
            "Online",
            None,
        ),
        (
            row("network.event", action="X", network_type="wifi"),
            "device",
            "connectivity",
            "Connection changed to wifi",
            None,
        ),
        (row("network.event"), "device", "connectivity", "Connection changed", None),
        (
            row("http", url="https://a.example/v1/pay?x=1", method="POST", status_code=500),
            "network",
            "network",
            "POST /v1/pay",
            "500",
        ),
        (row("xhr", url="http://[broken"), "network", "network", "GET /", None),
        (row("fetch"), "network", "network", "GET a request", None),
        (row("sentry.event", "PayError"), "other", "dot", "SDK sent an event", "PayError"),
        (row("sentry.transaction"), "other", "dot", "SDK sent a transaction", None),
        (row("started"), "app", "dot", "SDK began to record breadcrumbs", None),
        (row("replay.init"), "app", "dot", "Recording began", None),
        (row("replay.mutations", count=1500), "other", "dot", "1,500 changes on screen", None),
        (row("replay.mutations"), "other", "dot", "Very many changes on screen", None),
        (
            row("replay.hydrate-error"),
            "error",
            "error",
            "Page differs from what the server sent",
            None,
        ),
        (row("feedback", "It broke"), "other", "log", "User feedback", "It broke"),
        (row("device.screenshot"), "device", "screen", "User took a screenshot", None),
        (row("error", "boom"), "error", "error", "boom", None),
        (row("exception"), "error", "error", "Error", None),
        (row("query"), "other", "dot", "Database query", None),
        (row("user"), "app", "dot", "User changed", None),
        (row("anr", "main thread"), "error", "error", "App not responding", "main thread"),
        (row("Logcat", "giving up"), "log", "log", "giving up", None),
        (row("cart", "quantity changed"), "other", "dot", "quantity changed", None),
    ],
)
def test_each_category_of_each_sdk_has_its_words(crumb, kind, icon, title, detail):
    """A breadcrumb becomes a title and a detail that names what it happened to."""
    assert (crumb.kind, crumb.title, crumb.detail) == (kind, title, detail)
    assert crumb.at_ms == 2000


def test_a_label_names_a_target_better_than_its_path():
    """React Native and Flutter send the way through the tree, in either direction."""
    path = [{"name": "App"}, "odd", {"label": "Pay now", "element": "Pressable"}]
    assert row("ui.tap", "App > Pressable", path=path).title == "Tap on Pay now"
    assert row("ui.tap", "App > Pressable", path=path[::-1]).title == "Tap on Pay now"
    assert row("ui.tap", "App > View", path=[{"name": "App"}]).title == "Tap on App > View"


def test_levels_are_kept_unless_the_words_know_better():
    """An unknown level is `info`; being offline, rage and low memory are warnings."""
    assert row("cart", "x", "error").level == "error"
    assert row("cart", "x", "none").level == "info"
    assert row("device.connectivity", state="offline").level == "warning"
    assert row("ui.multiClick", clickCount=5).level == "warning"
    assert row("device.event", action="LOW_MEMORY").level == "warning"


def test_data_is_flattened_to_its_leaves():
    """Each leaf stands beside its path; empty containers and null say what they are."""
    data = {"a": {"b": [1.0, True, None]}, "c": {}, "d": "text", "e": 1.5}
    assert breadcrumb_rows.data_rows(data) == (
        DataRow("a.b.0", "1"),
        DataRow("a.b.1", "true"),
        DataRow("a.b.2", "null"),
        DataRow("c", "empty"),
        DataRow("d", "text"),
        DataRow("e", "1.5"),
    )
    assert breadcrumb_rows.data_rows(False) == ()


def test_too_much_data_is_cut_and_says_so():
    """At the limit everything is shown; one past it a last row tells that more is there."""
    assert len(breadcrumb_rows.data_rows(list(range(3)), limit=3)) == 3
    assert breadcrumb_rows.data_rows(list(range(9)), limit=3)[-1] == DataRow(
        "…", "more is not shown"
    )
    deep: object = "end"
    for _ in range(20):
        deep = {"x": deep}
    assert breadcrumb_rows.data_rows(deep) == (DataRow(".".join("x" * 8), "…"),)


def test_screens_follow_one_another_to_the_end():
    """A screen lasts until the next one; repeats are one stretch; the last reaches the end."""
    rows = [
        row("navigation", to="A"),
        row("ui.tap"),
        row("navigation", to="A"),
        row("navigation", to="B"),
    ]
    moved = [
        ActivityRow(at, r.kind, r.icon, r.category, r.title)
        for at, r in zip((-5, 3, 9, 40), rows, strict=True)
    ]
    spans = breadcrumb_rows.screen_spans(moved, duration_ms=60)
    assert [(span.start_ms, span.end_ms, span.name) for span in spans] == [
        (0, 40, "A"),
        (40, 60, "B"),
    ]
    assert [span.name for span in breadcrumb_rows.screen_spans(moved, duration_ms=30)] == ["A"]
    assert breadcrumb_rows.screen_spans([], duration_ms=60) == ()


@pytest.mark.parametrize("icon", get_args(Icon))
def test_every_icon_of_a_row_is_drawn(icon: str):
    """A name without a symbol would show nothing, and no browser would complain."""
    icons = (TEMPLATES / "_icons.html").read_text()
    assert f'<symbol id="icon-{icon}"' in icons
