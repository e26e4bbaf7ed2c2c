"""The panels under the hands of a reader: filters, order, details, links."""

import re
from dataclasses import replace

from playwright.sync_api import Page, expect

from tests.unit.web.samples import pages


def tab(page: Page, name: str) -> None:
    """Bring a panel to the front."""
    page.get_by_role("tab", name=re.compile(name)).click()


def test_requests_are_narrowed_by_choice_and_by_words(replay):
    """Choices and words work together, the tab tells how many are left, the address keeps both."""
    tab(replay, "Network")
    rows = replay.locator("#network tbody tr:visible")
    expect(rows).to_have_count(3)
    replay.get_by_label("All statuses").select_option("failed")
    expect(rows).to_have_count(2)
    expect(replay.locator("[data-count=network]")).to_have_text("3 (2)")
    replay.get_by_label("Filter network").fill("pay qty")
    expect(rows).to_have_count(1)
    assert "status=failed" in replay.url
    replay.reload()
    expect(replay.locator("#network tbody tr:not([hidden])")).to_have_count(1)
    expect(replay.get_by_label("All statuses")).to_have_value("failed")


def test_words_are_found_inside_bodies_and_headers(replay):
    """A closed row is searched too."""
    tab(replay, "Network")
    replay.get_by_label("Filter network").fill("qty")
    expect(replay.locator("#network tbody tr:visible")).to_have_count(1)
    replay.get_by_label("Filter network").press("Escape")
    expect(replay.locator("#network tbody tr:visible")).to_have_count(3)
    assert "network-filter" not in replay.url


def test_nothing_that_matches_is_said(replay):
    """With the way out."""
    tab(replay, "Logs")
    replay.get_by_label("Filter logs").fill("nowhere")
    expect(replay.locator("#logs [data-filter-count]")).to_contain_text("Nothing matches")
    expect(replay.locator("[data-count=logs]")).to_have_text("2 (0)")


def test_a_filter_keeps_the_number_that_the_server_counted(page, site):
    """A list may have more rows than the page shows; the tab counts those, filtered or not."""
    totals = pages.TOTALS | {"logs": "20,000+"}
    value = replace(pages.REPLAY_PAGE, totals=totals)
    site.pages["many"] = replace(pages.SAMPLES["replay"], page=value)
    page.goto(site.address("many"))
    tab(page, "Logs")
    count = page.locator("[data-count=logs]")
    expect(count).to_have_text("20,000+")
    page.get_by_label("Filter logs").fill("nowhere")
    expect(count).to_have_text("20,000+ (0)")
    page.get_by_label("Filter logs").fill("")
    expect(count).to_have_text("20,000+")


def test_requests_are_sorted_by_any_column(replay):
    """A second click turns the order; both are told to screen readers and kept in the address."""
    tab(replay, "Network")
    took = replay.get_by_role("button", name="Took")
    first = replay.locator("#network tbody tr").first
    took.click()
    expect(first).to_contain_text("/items?page=2")
    took.click()
    expect(first).to_contain_text("/pay")
    expect(replay.get_by_role("columnheader", name="Took")).to_have_attribute(
        "aria-sort", "descending"
    )
    assert "order=-took" in replay.url
    replay.reload()
    expect(replay.locator("#network tbody tr").first).to_contain_text("/pay")
    tab(replay, "Network")
    replay.get_by_role("button", name="Time").click()
    assert "order" not in replay.url


def test_a_request_opens_to_headers_bodies_and_a_command(replay, context):
    """The body is a tree; what was cut is said; the command goes to the clipboard."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab(replay, "Network")
    row = replay.locator("#request-0")
    row.locator("summary").first.click()
    expect(row.locator(".tree")).to_contain_text("qty 2")
    expect(row).to_contain_text("The SDK cut this body.")
    expect(row.get_by_role("link", name="All of this request")).to_have_attribute(
        "href", "/r/requests/0"
    )
    row.get_by_role("button", name="Copy as cURL").click()
    expect(row.get_by_role("button", name="Copied")).to_be_visible()
    assert replay.evaluate("navigator.clipboard.readText()") == "curl x"


def test_errors_are_narrowed_by_side(replay):
    """App, backend, crashes and the rest."""
    tab(replay, "Errors")
    replay.get_by_label("All errors").select_option("backend")
    expect(replay.locator("#errors .error:visible")).to_have_count(1)


def test_logs_follow_the_playhead_and_are_narrowed_by_level(replay):
    """The record under the playhead is marked."""
    tab(replay, "Logs")
    expect(replay.locator("#logs [data-now]")).to_contain_text("Retry")
    replay.get_by_label("All levels").select_option("warning")
    expect(replay.locator("#logs [data-now]")).to_contain_text("Payment declined")


def test_facts_lead_to_the_list(replay):
    """Each value is a link to the replays that share it, and facts can be searched."""
    tab(replay, "Details")
    expect(replay.locator("#details a")).to_have_attribute("href", "/replays?q=1")
    replay.get_by_label("Filter details").fill("pixel")
    expect(replay.locator("[data-fact]:visible")).to_have_count(1)


def test_spans_follow_the_playhead(replay):
    """The last that has begun is marked, one that is folded away is not; its time seeks."""
    replay.get_by_role("tab", name=re.compile("Trace")).click()
    marked = replay.locator("#trace .span[data-now]")
    replay.evaluate("fake.store.set({ at_ms: 6901 })")
    expect(marked).to_have_attribute("data-span", f"{1:016x}")
    replay.locator("#trace [data-fold]").first.click()
    replay.evaluate("fake.store.set({ at_ms: 6905 })")
    expect(marked).to_have_attribute("data-span", f"{0:016x}")
    replay.evaluate("fake.store.set({ at_ms: 10 })")
    expect(marked).to_have_count(0)
