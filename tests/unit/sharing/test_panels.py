"""Tests of what is taken out of recordings when a panel is not handed out."""

import pytest

from app.formats.replay.activity import Breadcrumb
from app.replays.sharing.model import SharePanel
from app.sharing import panels


@pytest.mark.parametrize(
    ("category", "data", "panel"),
    [
        ("ui.tap", {}, None),
        ("navigation", {"to": "Cart"}, None),
        ("app.lifecycle", {}, None),
        ("http", {}, SharePanel.NETWORK),
        ("XHR", {}, SharePanel.NETWORK),
        ("network.event", {}, SharePanel.NETWORK),
        ("checkout", {"url": "https://api.example.net/pay"}, SharePanel.NETWORK),
        ("checkout", {"status_code": 500}, SharePanel.NETWORK),
        ("exception", {}, SharePanel.ERRORS),
        ("sentry.event", {}, SharePanel.ERRORS),
        ("user", {}, SharePanel.DETAILS),
        ("feedback", {}, SharePanel.DETAILS),
        ("user.journey", {}, None),
    ],
)
def test_a_breadcrumb_belongs_to_the_panel_that_it_tells_of(category, data, panel):
    """A request, an error or the user among the breadcrumbs is shown with their panel only."""
    crumb = Breadcrumb(0, category, None, None, data)
    assert panels._find_other_panel(crumb) is panel
