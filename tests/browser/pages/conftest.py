"""Fixtures: Chromium, the sample site, and a replay page whose player has a clock moved by hand."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.pages.site import Site
from tests.support import chromium
from tests.support.waiting import PATIENCE_S

FAKE_PLAYER = Path(__file__).with_name("fake_player.js")
# Of the five seconds that Playwright waits, three browsers beside each other may need all.
expect.set_options(timeout=PATIENCE_S * 1_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start one Chromium for the tests of a file."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.PROGRAM, args=chromium.ARGUMENTS
        )
        yield browser
        browser.close()


@pytest.fixture
def site() -> Iterator[Site]:
    """Start a server for one test, which may change its pages."""
    site = Site()
    yield site
    site.stop()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Open a wide window in which the fake player replaces the real one."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, timezone_id="Asia/Tokyo")
    context.set_default_timeout(PATIENCE_S * 1_000)
    context.route("**/player/player.js", lambda route: route.fulfill(path=FAKE_PLAYER))
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """Open a page on which anything written to the console is a failure."""
    page = context.new_page()
    console_lines: list[str] = []
    page.on("console", lambda message: console_lines.append(message.text))
    page.on("pageerror", lambda error: console_lines.append(str(error)))
    yield page
    # The fake player never reads the preloaded index, and Chromium warns of that in a slow test.
    assert [line for line in console_lines if "was preloaded" not in line] == []


@pytest.fixture
def replay(page: Page, site: Site) -> Page:
    """Open the replay page at 0:44 in its Errors panel."""
    page.goto(site.address("replay"))
    page.wait_for_selector(".track .head")
    return page
