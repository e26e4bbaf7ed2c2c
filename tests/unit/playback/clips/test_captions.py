"""Tests of the words under the picture of a clip."""

from typing import Any

import pytest

from app.formats.replay.activity import Breadcrumb, NetworkSpan
from app.playback.clips.captions import read_captions, shorten_screen
from app.playback.recording.contents import ScreenSpan

ZERO_MS = 1_795_000_000_000
SCREENS = (ScreenSpan(0, 9_000, "com.shop.CartActivity"),)


def crumb(category: str, at_ms: int = 1_000, message: str | None = None, **data: Any) -> Breadcrumb:
    """Make a breadcrumb."""
    return Breadcrumb(ZERO_MS + at_ms, category, message, None, data)


def request(status: int | None, url: str, *, op: str = "resource.http") -> NetworkSpan:
    """Make a request from 1 to 3 s."""
    return NetworkSpan(ZERO_MS + 1_000, ZERO_MS + 3_000, op, url, "POST", status, None, None, {})


def read(*crumbs: Breadcrumb, spans: tuple[NetworkSpan, ...] = (), screens=SCREENS):
    """Read the words of a recording."""
    return read_captions(crumbs, spans, screens=screens, zero_ms=ZERO_MS)


@pytest.mark.parametrize(
    ("noted", "words", "is_failure"),
    [
        (crumb("ui.tap", path=[{"label": "Pay now"}]), "Tap: Pay now", False),
        (
            Breadcrumb(ZERO_MS + 1_000, "ui.click", None, None, {"view.id": "pay_button"}),
            "Tap: pay_button",
            False,
        ),
        (crumb("touch", message="Pay"), "Tap: Pay", False),
        (crumb("ui.tap"), "Tap", False),
        (crumb("ui.swipe", message="list"), "Swipe: list", False),
        (crumb("ui.slowClickDetected", message="Pay"), "Tap without effect: Pay", False),
        (
            crumb("http", method="GET", url="https://a.example/x?token=1", status_code=404),
            "GET /x 404",
            True,
        ),
        (crumb("exception", message="Boom"), "Boom", True),
    ],
)
def test_touches_and_failures_are_told(noted, words, is_failure):
    """Each SDK's notes of a touch, and what went wrong."""
    [event] = read(noted).events
    assert (event.at_ms, event.words, event.is_failure) == (1_000, words, is_failure)


def test_a_failed_request_is_told_when_it_was_answered():
    """Its path, and nothing of what follows a question mark."""
    spans = (
        request(500, "https://api.example/pay?card=4111"),
        request(200, "https://api.example/ok"),
        request(None, "https://api.example/gone"),
        request(500, "https://[broken"),
    )
    events = read(spans=spans).events
    assert [(event.at_ms, event.words) for event in events] == [
        (3_000, "POST /pay 500"),
        (3_000, "POST /gone no answer"),
        (3_000, "POST / 500"),
    ]
    assert all(event.is_failure for event in events)


def test_an_ok_request_and_other_notes_are_not_told():
    """The bar tells what somebody looks for, not everything."""
    assert not read(crumb("http", status_code=200), crumb("device.battery")).events


def test_screens_come_from_the_app_or_else_from_the_segments():
    """Names that the app noted come first, shortened to what tells them apart."""
    captions = read(crumb("navigation", 4_000, to="com.shop.ui.PayActivity"))
    assert captions.find_screen(3_999) == ""
    assert captions.find_screen(4_000) == "PayActivity"
    assert read().find_screen(0) == "CartActivity"
    assert read(screens=()).find_screen(0) == ""


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("com.shop.CartActivity", "CartActivity"),
        ("/cart/12?user=3", "/cart/12"),
        ("Cart", "Cart"),
        ("ends.", "ends."),
        ("", ""),
    ],
)
def test_names_of_screens_are_shortened(name, short):
    """To the class, or to the path."""
    assert shorten_screen(name) == short


def test_what_happened_stays_for_four_seconds():
    """Or until something else happens."""
    captions = read(crumb("ui.tap", 1_000), crumb("exception", 3_000, "Boom"))
    events_at = {at_ms: captions.find_event(at_ms) for at_ms in (999, 1_000, 3_000, 6_999, 7_000)}
    assert [event.words if event else None for event in events_at.values()] == [
        None, "Tap", "Boom", "Boom", None,
    ]  # fmt: skip
    assert {0, 1_000, 3_000, 5_000, 7_000} <= set(captions.list_changes())
