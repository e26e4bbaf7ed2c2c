"""Breadcrumbs of events: which are read, and any shape at all."""

from hypothesis import given

from app.formats.events import event_breadcrumbs
from tests.support.examples import JSON_VALUES, SETTINGS


def test_breadcrumbs_are_read():
    """Time, category, words and data are read, and the type stands in for a missing category."""
    sent = {
        "values": [
            {"timestamp": 1786000000.5, "category": "ui.click", "message": "m", "level": "info"},
            {"timestamp": "2026-08-06T07:06:41Z", "type": "http", "data": {"url": "/"}},
            {"timestamp": 1786000002},
            {"category": "no time"},
            7,
        ]
    }
    crumbs = event_breadcrumbs.read_event_breadcrumbs({"breadcrumbs": sent})
    assert [(crumb.category, crumb.message, crumb.level) for crumb in crumbs] == [
        ("ui.click", "m", "info"),
        ("http", None, None),
        ("default", None, None),
    ]
    assert (crumbs[0].at_ms, crumbs[1].data) == (1_786_000_000_500, {"url": "/"})


def test_the_last_breadcrumbs_are_read():
    """The last breadcrumbs are nearest to the event."""
    sent = [{"timestamp": 1_786_000_000 + n, "message": str(n)} for n in range(1, 300)]
    crumbs = event_breadcrumbs.read_event_breadcrumbs({"breadcrumbs": sent})
    assert (len(crumbs), crumbs[-1].message) == (200, "299")


@SETTINGS
@given(JSON_VALUES)
def test_anything_is_read(value):
    """Whatever stands there, breadcrumbs come out or none."""
    event_breadcrumbs.read_event_breadcrumbs({"breadcrumbs": value})
    event_breadcrumbs.read_event_breadcrumbs({"breadcrumbs": [{"timestamp": value, "data": value}]})
