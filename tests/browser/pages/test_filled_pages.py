"""axe on every page of a real server with the demo on it, light, dark, and on a phone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.pages import axe
from tests.browser.pages.filled import NAMES, Filled, filled

NARROW = ("color-contrast", "scrollable-region-focusable")
"""Sizes of targets are looked at on the sample pages: here rows follow the playhead, and one that
is scrolled half behind the picture would be a small target."""

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture(scope="module")
def full(postgres_url, template_database, tmp_path_factory) -> Iterator[Filled]:
    """One server for all pages."""
    with filled(postgres_url, template_database, tmp_path_factory.mktemp("filled")) as found:
        yield found


@pytest.fixture
def signed_in(browser: Browser, full: Filled) -> Iterator[Page]:
    """A page of somebody who is signed in, or was: what it says on the console is a failure."""
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        context.add_cookies(
            [
                {"name": name, "value": value, "url": full.base_url}
                for name, value in full.cookies.items()
            ]
        )
        page = context.new_page()
        said: list[str] = []
        page.on("pageerror", lambda error: said.append(str(error)))
        yield page
        assert said == []


@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing_on_a_page_of_a_real_server(signed_in, full, name):
    """In the light, and what differs in the dark and 390 px wide, where all of it is in sight."""
    if name == "sign in":
        signed_in.context.clear_cookies()
    signed_in.goto(f"{full.base_url}{full.paths[name]}", wait_until="networkidle")
    assert axe.findings(signed_in) == []
    signed_in.emulate_media(color_scheme="dark")
    assert axe.findings(signed_in, "color-contrast") == []
    signed_in.emulate_media(color_scheme="light")
    signed_in.set_viewport_size({"width": 390, "height": 844})
    assert axe.findings(signed_in, *NARROW) == []
    assert signed_in.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("name", ["list", "issue, replays"])
@pytest.mark.parametrize("width", [1440, 900, 720])
def test_each_head_of_the_list_stands_over_its_column(signed_in, full, name, width):
    """Where a column is hidden because the window is narrow, its own head is hidden with it."""
    signed_in.set_viewport_size({"width": width, "height": 844})
    signed_in.goto(f"{full.base_url}{full.paths[name]}")
    heads, cells = (
        signed_in.locator(f".replays {row} > :visible").evaluate_all(
            "(cells) => cells.map((cell) => [cell.classList[0], cell.getBoundingClientRect().left])"
        )
        for row in ("thead tr", "tbody tr:first-child")
    )
    assert len(heads) > 4
    assert heads == cells
