"""A reader uses the panels of the replay page: filters, order, details and links."""

import re
from dataclasses import replace

from playwright.sync_api import Page, expect

from tests.unit.web.samples import pages


def select_tab(page: Page, name: str) -> None:
    """Select the tab of a panel."""
    page.get_by_role("tab", name=re.compile(name)).click()


def test_requests_are_filtered_by_status_and_by_words(replay):
    """Status and words filter together, the tab counts the rows, the address keeps both."""
    select_tab(replay, "Network")
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


def test_the_network_filter_searches_bodies_and_headers(replay):
    """The filter also searches the bodies and headers of closed rows."""
    select_tab(replay, "Network")
    replay.get_by_label("Filter network").fill("qty")
    expect(replay.locator("#network tbody tr:visible")).to_have_count(1)
    replay.get_by_label("Filter network").press("Escape")
    expect(replay.locator("#network tbody tr:visible")).to_have_count(3)
    assert "network-filter" not in replay.url


def test_a_filter_without_matches_says_so(replay):
    """A filter that matches no row says so, and the tab counts zero."""
    select_tab(replay, "Logs")
    replay.get_by_label("Filter logs").fill("nowhere")
    expect(replay.locator("#logs [data-filter-count]")).to_contain_text("Nothing matches")
    expect(replay.locator("[data-count=logs]")).to_have_text("2 (0)")


def test_a_filter_keeps_the_total_of_the_server(page, site):
    """The tab keeps the server's total, which may exceed the rows on the page."""
    totals = pages.TOTALS | {"logs": "20,000+"}
    value = replace(pages.REPLAY_PAGE, totals=totals)
    site.pages["many"] = replace(pages.SAMPLES["replay"], page=value)
    page.goto(site.address("many"))
    select_tab(page, "Logs")
    count = page.locator("[data-count=logs]")
    expect(count).to_have_text("20,000+")
    page.get_by_label("Filter logs").fill("nowhere")
    expect(count).to_have_text("20,000+ (0)")
    page.get_by_label("Filter logs").fill("")
    expect(count).to_have_text("20,000+")


def test_requests_are_sorted_by_a_column(replay):
    """A click sorts by a column and a second one reverses it; the address keeps the order."""
    select_tab(replay, "Network")
    took_heading = replay.get_by_role("button", name="Took")
    first_row = replay.locator("#network tbody tr").first
    took_heading.click()
    expect(first_row).to_contain_text("/items?page=2")
    took_heading.click()
    expect(first_row).to_contain_text("/pay")
    expect(replay.get_by_role("columnheader", name="Took")).to_have_attribute(
        "aria-sort", "descending"
    )
    assert "order=-took" in replay.url
    replay.reload()
    expect(replay.locator("#network tbody tr").first).to_contain_text("/pay")
    select_tab(replay, "Network")
    replay.get_by_role("button", name="Time").click()
    assert "order" not in replay.url


def test_an_opened_request_shows_its_body_and_a_command(replay, context):
    """An opened request shows its body as a tree, says what was cut, and copies as cURL."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    select_tab(replay, "Network")
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


def test_errors_are_filtered_by_source(replay):
    """The filter of the errors can show only those of the backend."""
    select_tab(replay, "Errors")
    replay.get_by_label("All errors").select_option("backend")
    expect(replay.locator("#errors .error:visible")).to_have_count(1)


def test_logs_follow_the_playhead_and_are_filtered_by_level(replay):
    """The record under the playhead is marked, also when a level is chosen."""
    select_tab(replay, "Logs")
    expect(replay.locator("#logs [data-now]")).to_contain_text("Retry")
    replay.get_by_label("All levels").select_option("warning")
    expect(replay.locator("#logs [data-now]")).to_contain_text("Payment declined")


def test_a_fact_links_to_the_replays_that_share_it(replay):
    """A fact is a link to the replays that share its value, and facts can be filtered."""
    select_tab(replay, "Details")
    expect(replay.locator("#details a")).to_have_attribute("href", "/replays?q=1")
    replay.get_by_label("Filter details").fill("pixel")
    expect(replay.locator("[data-fact]:visible")).to_have_count(1)


def test_spans_follow_the_playhead(replay):
    """The last started span is marked, or its parent when the span is folded away."""
    replay.get_by_role("tab", name=re.compile("Trace")).click()
    marked_span = replay.locator("#trace .span[data-now]")
    replay.evaluate("fake.store.set({ at_ms: 6901 })")
    expect(marked_span).to_have_attribute("data-span", f"{1:016x}")
    replay.locator("#trace [data-fold]").first.click()
    replay.evaluate("fake.store.set({ at_ms: 6905 })")
    expect(marked_span).to_have_attribute("data-span", f"{0:016x}")
    replay.evaluate("fake.store.set({ at_ms: 10 })")
    expect(marked_span).to_have_count(0)
