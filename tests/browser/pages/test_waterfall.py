"""Waterfalls in Chromium: more rows as one scrolls, branches that fold, spans that tell."""

import pytest
from playwright.sync_api import expect


@pytest.fixture
def trace(page, site):
    """The page of a trace whose rows go on elsewhere."""
    page.goto(site.address("trace"))
    return page


def test_the_rest_of_a_trace_comes_by_itself(trace):
    """Its rows stand below the others, and nothing more is offered."""
    expect(trace.locator(".span")).to_have_count(4)
    expect(trace.locator("[data-more]")).to_have_count(0)


def test_a_branch_folds_and_unfolds(trace):
    """What is deeper goes, what comes after it stays."""
    expect(trace.locator(".span")).to_have_count(4)
    fold = trace.locator("[data-fold]").first
    fold.click()
    expect(trace.locator(".span:visible")).to_have_count(1)
    expect(fold).to_have_attribute("aria-expanded", "false")
    fold.press("Enter")
    expect(trace.locator(".span:visible")).to_have_count(4)


def test_a_span_tells_in_place(trace):
    """A click shows what it carried, another takes it away."""
    name = trace.locator("[data-tells]").nth(1)
    name.click()
    expect(trace.locator(".span").nth(1).locator("dd")).to_have_text("<7>")
    name.click()
    expect(trace.locator("[data-span-tells]")).to_have_count(0)


def test_a_trace_can_be_read_without_javascript(browser, site):
    """The next part and what a span says are pages."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.address("trace"))
    expect(page.locator("[data-fold]:visible")).to_have_count(0)
    page.locator("[data-more]").click()
    expect(page.locator(".span")).to_have_count(1)
    page.locator("[data-tells]").first.click()
    expect(page.locator("dd")).to_have_text("<7>")
    context.close()
