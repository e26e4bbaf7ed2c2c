"""Marks of errors on the timeline make room when errors are close together."""

from dataclasses import replace

import pytest
from playwright.sync_api import expect

from app.core.ids import EventId
from tests.unit.web.samples import pages


@pytest.fixture
def crowded(page, site):
    """Open a replay with three different errors within a second, two of them at one moment."""
    errors = (
        pages.error(title="FirstProblem"),
        pages.error(event_id=EventId("4" * 32), title="SecondProblem", source="backend"),
        pages.error(event_id=EventId("5" * 32), title="ThirdProblem", kind="crash", at_ms=44_900),
    )
    value = pages.with_top(replace(pages.REPLAY_PAGE, errors=errors), start_at_ms=0)
    site.pages["replay"] = replace(pages.SAMPLES["replay"], page=value)
    page.goto(site.address("replay"))
    page.wait_for_selector(".track .head")
    page.keyboard.press("Home")
    return page


@pytest.mark.parametrize(
    ("number", "title", "at_ms"),
    [(0, "FirstProblem", 44_500), (1, "SecondProblem", 44_500), (2, "ThirdProblem", 44_900)],
)
def test_a_shifted_mark_still_stands_for_its_own_error(crowded, number, title, at_ms):
    """The card and the click of a shifted mark refer to the moment of its own error."""
    mark = crowded.locator(".error-mark").nth(number)
    mark.hover()
    expect(crowded.locator(".hover .hover-time")).to_contain_text("0:44")
    expect(crowded.locator(".hover-row").first).to_have_text(title)
    expect(crowded.locator(".hover-row .mark").first).to_be_visible()
    mark.click()
    assert crowded.evaluate("fake.store.get().at_ms") == at_ms


def test_keys_visit_each_error_of_one_moment(crowded):
    """The keys N and P visit every error forward and back, also those at one moment."""
    visited = []
    for key in ("n", "n", "n", "p", "p"):
        crowded.keyboard.press(key)
        visited.append(crowded.evaluate("document.activeElement.closest('article')?.dataset.label"))
    names = ["FirstProblem", "SecondProblem", "ThirdProblem", "SecondProblem", "FirstProblem"]
    assert visited == names
