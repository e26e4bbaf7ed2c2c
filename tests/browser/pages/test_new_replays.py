"""An open list of replays learns of new ones; the clock of the page is the test's."""

from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from app.web.replays.page import NewReplays
from tests.browser.pages.site import Site
from tests.unit.web.samples import list_samples, made_up, pages

SHOWN = list_samples.AWAITED.value
NEW = "318/" + "e" * 32
LOOK = "**/replays/new*"
_HIDE = """(isHidden) => {
    Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture
def opened(page, site):
    """A list whose clock stands still until it is wound."""
    return lambda name="list": open_list(page, site, name)


def open_list(page: Page, site: Site, name: str = "list") -> Page:
    """Open a list whose clock stands still until it is wound."""
    page.clock.install(time=made_up.NOW)
    page.clock.pause_at(made_up.NOW + timedelta(seconds=1))
    page.goto(site.address(name))
    return page


def wind(page: Page, seconds: float) -> None:
    """Let time pass until the list has asked once, and got its answer."""
    with page.expect_response(LOOK):
        page.clock.run_for(round(seconds * 1000))
    settle(page)


def settle(page: Page) -> None:
    """Let the page do with earlier answers what it does: this one comes after them."""
    page.evaluate("fetch('/gestures').then((answer) => answer.text())")


def test_an_open_list_says_what_is_new_and_moves_nothing(opened, site):
    """The rows stay where they are; a link leads to the list with the new ones."""
    page = opened()
    before = page.locator(".replay").evaluate_all("(rows) => rows.map((row) => row.offsetTop)")
    site.new_replays = [NEW, SHOWN]
    wind(page, 5)
    link = page.get_by_role("link", name="1 new replay, show")
    expect(link).to_have_attribute("href", "/replays")
    expect(page.locator(".news")).to_have_attribute("role", "status")
    after = page.locator(".replay").evaluate_all("(rows) => rows.map((row) => row.offsetTop)")
    assert after == before
    site.new_replays = ["318/" + "f" * 32, NEW, SHOWN]
    wind(page, 5)
    expect(page.get_by_role("link", name="2 new replays, show")).to_be_visible()
    page.locator(".news a").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/replays")


def test_a_list_in_another_order_counts_from_its_first_look(opened, site):
    """What is not among its rows then may be an old replay."""
    news = NewReplays("/replays/new?since=1", "/replays", are_on_top=False)
    value = replace(list_samples.LIST, news=news)
    site.pages["list"] = replace(pages.SAMPLES["list"], page=value)
    site.new_replays = ["318/" + "f" * 32, SHOWN]
    page = opened()
    wind(page, 5)
    expect(page.locator(".news a")).to_have_count(0)
    site.new_replays = [NEW, "318/" + "f" * 32, SHOWN]
    wind(page, 5)
    expect(page.get_by_role("link", name="1 new replay, show newest first")).to_be_visible()


def test_a_hidden_list_asks_nobody_and_looks_at_once_when_it_is_back(opened, site):
    """A tab in the background costs nothing."""
    page = opened()
    page.evaluate(_HIDE, True)
    page.clock.fast_forward(60_000)
    settle(page)
    assert site.asked_for_new == 0
    site.new_replays = [NEW]
    with page.expect_response(LOOK):
        page.evaluate(_HIDE, False)
    expect(page.locator(".news a")).to_be_visible()


def test_a_failing_server_is_asked_ever_less_often(context, site):
    """Three answers take 5, 10 and 20 seconds, and the next one that works is told."""
    # A page of its own: what a failed request writes to the console is no fault here.
    page = open_list(context.new_page(), site)
    site.new_replays = 503
    for seconds in (5, 10, 20):
        page.clock.run_for(seconds * 1000 - 2)
        settle(page)
        before = site.asked_for_new
        wind(page, 0.002)
        assert site.asked_for_new == before + 1
    site.new_replays = [NEW]
    wind(page, 40)
    expect(page.locator(".news a")).to_be_visible()


def test_who_is_signed_out_is_not_asked_for_again(context, site):
    """Nothing can come any more."""
    page = open_list(context.new_page(), site)
    site.new_replays = 401
    wind(page, 5)
    settle(page)
    page.clock.fast_forward(3_600_000)
    settle(page)
    assert site.asked_for_new == 1


@pytest.mark.parametrize("name", ["list, empty", "list, nothing found"])
def test_a_list_without_rows_fills_itself(opened, site, name):
    """Nobody has to reload the page that waits for the first replay."""
    page = opened(name)
    site.pages[name] = pages.SAMPLES["list"]
    site.new_replays = [NEW]
    with page.expect_navigation():
        page.clock.run_for(2_000)
    expect(page.locator(".replay").first).to_be_visible()


def test_a_page_does_not_go_away_under_somebody_who_types(opened, site):
    """They are told instead."""
    name = "list, nothing found"
    page = opened(name)
    page.locator("#query").fill("checkout")
    site.new_replays = [NEW]
    wind(page, 2)
    expect(page.get_by_role("link", name="1 new replay, show")).to_be_visible()
    expect(page.locator("#query")).to_have_value("checkout")


def test_the_demo_opens_its_replay_once(opened, site):
    """The list waits for it and leads there; the Back button then stays on the list."""
    page = opened("list, demo playing")
    expect(page.get_by_text("and opens by itself")).to_be_visible()
    wind(page, 2)
    site.new_replays = [SHOWN]
    page.clock.run_for(2_000)
    page.wait_for_url(f"**{pages.HEADER.href}")
    page.go_back()
    expect(page.locator(".empty")).to_be_visible()
    assert "awaited" not in page.url


def test_a_demo_that_does_not_come_says_so(opened, site):
    """After two minutes, with where to look."""
    page = opened("list, demo playing")
    page.clock.fast_forward(121_000)
    expect(page.locator(".awaited")).to_contain_text("The log of the server may say why")


def test_without_javascript_the_list_says_to_reload(browser, site):
    """And a reload is all that is needed."""
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(site.address("list, demo playing"))
        expect(page.get_by_text("and opens by itself")).to_be_hidden()
        expect(page.get_by_role("link", name="Reload this page")).to_be_visible()
        expect(page.get_by_role("link", name="reload it")).to_be_visible()
        site.pages["list, demo playing"] = pages.SAMPLES["list, demo played"]
        page.reload()
        link = page.get_by_role("link", name="Watch it")
        expect(link).to_have_attribute("href", pages.HEADER.href)
