"""Chromium, the made-up site, and a replay page with a player whose clock the test moves."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.pages.site import Site

FAKE_PLAYER = Path(__file__).with_name("fake_player.js")
CHROMIUM = "/usr/bin/chromium"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of this folder."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def site() -> Iterator[Site]:
    """A server of its own, so that a test may change its pages."""
    site = Site()
    yield site
    site.stop()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A wide window with the fake player in the place of the real one."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, timezone_id="Asia/Tokyo")
    context.route("**/player/player.js", lambda route: route.fulfill(path=FAKE_PLAYER))
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page on which anything written to the console is a failure."""
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    # The fake player leaves the index alone, which a slow test is told of.
    assert [line for line in said if "was preloaded" not in line] == []


@pytest.fixture
def replay(page: Page, site: Site) -> Page:
    """The replay page, opened at 0:44 in its Errors panel."""
    page.goto(site.address("replay"))
    page.wait_for_selector(".track .head")
    return page
