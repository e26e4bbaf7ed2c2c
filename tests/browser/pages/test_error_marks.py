"""Errors that stand so near to one another on the timeline that their marks make room."""

from dataclasses import replace

import pytest
from playwright.sync_api import expect

from app.core.ids import EventId
from tests.unit.web.samples import pages


@pytest.fixture
def crowded(page, site):
    """A replay with three errors of different kinds within a second, two of them at one moment."""
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
def test_a_mark_that_was_pushed_aside_tells_of_its_own_error(crowded, number, title, at_ms):
    """Marks make room for one another; the card and the click mean the mark's own moment."""
    mark = crowded.locator(".error-mark").nth(number)
    mark.hover()
    expect(crowded.locator(".hover .hover-time")).to_contain_text("0:44")
    expect(crowded.locator(".hover-row").first).to_have_text(title)
    expect(crowded.locator(".hover-row .mark").first).to_be_visible()
    mark.click()
    assert crowded.evaluate("fake.store.get().at_ms") == at_ms


def test_keys_lead_to_each_error_of_one_moment(crowded):
    """Forward and back, though the time stays the same."""
    opened = []
    for key in ("n", "n", "n", "p", "p"):
        crowded.keyboard.press(key)
        opened.append(crowded.evaluate("document.activeElement.closest('article')?.dataset.label"))
    names = ["FirstProblem", "SecondProblem", "ThirdProblem", "SecondProblem", "FirstProblem"]
    assert opened == names
