"""Waterfalls in Chromium: rows loaded by scrolling, folded branches, and opened spans."""

import pytest
from playwright.sync_api import expect


@pytest.fixture
def trace(page, site):
    """Open a trace whose other rows are on a second page."""
    page.goto(site.address("trace"))
    return page


def test_the_second_page_of_a_trace_loads_by_itself(trace):
    """The rows of the second page are added, and no link to more is left."""
    expect(trace.locator(".span")).to_have_count(4)
    expect(trace.locator("[data-more]")).to_have_count(0)


def test_a_branch_folds_and_unfolds(trace):
    """A folded branch hides the spans below it until it is unfolded."""
    expect(trace.locator(".span")).to_have_count(4)
    fold = trace.locator("[data-fold]").first
    fold.click()
    expect(trace.locator(".span:visible")).to_have_count(1)
    expect(fold).to_have_attribute("aria-expanded", "false")
    fold.press("Enter")
    expect(trace.locator(".span:visible")).to_have_count(4)


def test_a_span_shows_its_data_in_place(trace):
    """A click on a span shows its data, and a second click hides it."""
    name = trace.locator("[data-tells]").nth(1)
    name.click()
    expect(trace.locator(".span").nth(1).locator("dd")).to_have_text("<7>")
    name.click()
    expect(trace.locator("[data-span-tells]")).to_have_count(0)


def test_a_trace_can_be_read_without_javascript(browser, site):
    """Without JavaScript, the next rows and the data of a span are pages."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.address("trace"))
    expect(page.locator("[data-fold]:visible")).to_have_count(0)
    page.locator("[data-more]").click()
    expect(page.locator(".span")).to_have_count(1)
    page.locator("[data-tells]").first.click()
    expect(page.locator("dd")).to_have_text("<7>")
    context.close()
