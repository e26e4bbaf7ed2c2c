"""An open list of replays shows new ones; the test moves the clock of the page."""

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
def open_paused_list(page, site):
    """Return a function that opens a list whose clock the test moves."""
    return lambda name="list": open_list(page, site, name)


def open_list(page: Page, site: Site, name: str = "list") -> Page:
    """Open a list whose clock stands still until the test moves it."""
    page.clock.install(time=made_up.NOW)
    page.clock.pause_at(made_up.NOW + timedelta(seconds=1))
    page.goto(site.address(name))
    return page


def let_list_ask(page: Page, seconds: float) -> None:
    """Let time pass until the list has asked once and received its answer."""
    with page.expect_response(LOOK):
        page.clock.run_for(round(seconds * 1000))
    let_page_settle(page)


def let_page_settle(page: Page) -> None:
    """Wait for one more request, so that the page has handled the earlier answers."""
    page.evaluate("fetch('/gestures').then((answer) => answer.text())")


def test_an_open_list_announces_new_replays_and_moves_no_row(open_paused_list, site):
    """The rows stay in place, and a link leads to the list with the new replays."""
    page = open_paused_list()
    tops_before = page.locator(".replay").evaluate_all("(rows) => rows.map((row) => row.offsetTop)")
    site.new_replays = [NEW, SHOWN]
    let_list_ask(page, 5)
    link = page.get_by_role("link", name="1 new replay, show")
    expect(link).to_have_attribute("href", "/replays")
    expect(page.locator(".news")).to_have_attribute("role", "status")
    tops_after = page.locator(".replay").evaluate_all("(rows) => rows.map((row) => row.offsetTop)")
    assert tops_after == tops_before
    site.new_replays = ["318/" + "f" * 32, NEW, SHOWN]
    let_list_ask(page, 5)
    expect(page.get_by_role("link", name="2 new replays, show")).to_be_visible()
    page.locator(".news a").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/replays")


def test_a_list_in_another_order_counts_from_its_first_request(open_paused_list, site):
    """Replays in the first answer may be old, so such a list counts only later ones."""
    news = NewReplays("/replays/new?since=1", "/replays", are_on_top=False)
    value = replace(list_samples.LIST, news=news)
    site.pages["list"] = replace(pages.SAMPLES["list"], page=value)
    site.new_replays = ["318/" + "f" * 32, SHOWN]
    page = open_paused_list()
    let_list_ask(page, 5)
    expect(page.locator(".news a")).to_have_count(0)
    site.new_replays = [NEW, "318/" + "f" * 32, SHOWN]
    let_list_ask(page, 5)
    expect(page.get_by_role("link", name="1 new replay, show newest first")).to_be_visible()


def test_a_hidden_list_asks_only_when_it_is_visible_again(open_paused_list, site):
    """A list in a background tab sends no request, and sends one when it is back."""
    page = open_paused_list()
    page.evaluate(_HIDE, True)
    page.clock.fast_forward(60_000)
    let_page_settle(page)
    assert site.asked_for_new == 0
    site.new_replays = [NEW]
    with page.expect_response(LOOK):
        page.evaluate(_HIDE, False)
    expect(page.locator(".news a")).to_be_visible()


def test_a_failing_server_is_asked_less_and_less_often(context, site):
    """After failures the list waits 5, 10 and 20 seconds, and then shows the next good answer."""
    # This test opens its own page, because a failed request writes to the console.
    page = open_list(context.new_page(), site)
    site.new_replays = 503
    for seconds in (5, 10, 20):
        page.clock.run_for(seconds * 1000 - 2)
        let_page_settle(page)
        count_before = site.asked_for_new
        let_list_ask(page, 0.002)
        assert site.asked_for_new == count_before + 1
    site.new_replays = [NEW]
    let_list_ask(page, 40)
    expect(page.locator(".news a")).to_be_visible()


def test_a_list_stops_asking_after_its_person_is_signed_out(context, site):
    """A list that is answered 401 sends no further request."""
    page = open_list(context.new_page(), site)
    site.new_replays = 401
    let_list_ask(page, 5)
    let_page_settle(page)
    page.clock.fast_forward(3_600_000)
    let_page_settle(page)
    assert site.asked_for_new == 1


@pytest.mark.parametrize("name", ["list, empty", "list, nothing found"])
def test_a_list_without_rows_reloads_for_the_first_replay(open_paused_list, site, name):
    """A list without rows reloads by itself when the first replay arrives."""
    page = open_paused_list(name)
    site.pages[name] = pages.SAMPLES["list"]
    site.new_replays = [NEW]
    with page.expect_navigation():
        page.clock.run_for(2_000)
    expect(page.locator(".replay").first).to_be_visible()


def test_a_list_does_not_reload_while_somebody_types(open_paused_list, site):
    """A person who is typing a query is shown a link instead of a reload."""
    name = "list, nothing found"
    page = open_paused_list(name)
    page.locator("#query").fill("checkout")
    site.new_replays = [NEW]
    let_list_ask(page, 2)
    expect(page.get_by_role("link", name="1 new replay, show")).to_be_visible()
    expect(page.locator("#query")).to_have_value("checkout")


def test_the_demo_opens_its_replay_once(open_paused_list, site):
    """The list opens the demo's replay when it arrives, and the Back button stays on the list."""
    page = open_paused_list("list, demo playing")
    expect(page.get_by_text("and opens by itself")).to_be_visible()
    let_list_ask(page, 2)
    site.new_replays = [SHOWN]
    page.clock.run_for(2_000)
    page.wait_for_url(f"**{pages.HEADER.href}")
    page.go_back()
    expect(page.locator(".empty")).to_be_visible()
    assert "awaited" not in page.url


def test_a_demo_that_does_not_arrive_is_reported(open_paused_list, site):
    """After two minutes without the demo's replay the list points to the server's log."""
    page = open_paused_list("list, demo playing")
    page.clock.fast_forward(121_000)
    expect(page.locator(".awaited")).to_contain_text("The log of the server may say why")


def test_without_javascript_the_list_asks_for_a_reload(browser, site):
    """Without JavaScript the list asks for a reload, which shows the demo's replay."""
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
