"""axe checks every page of a real server with the demo on it, in both themes and on a phone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.pages import axe
from tests.browser.pages.filled import NAMES, FilledServer, run_filled_server

NARROW = ("color-contrast", "scrollable-region-focusable")
"""Rules that are checked at 390 px.

Sizes of targets are checked on the sample pages only: here rows follow the playhead, and a row that
is scrolled half behind the picture would count as a small target.
"""

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture(scope="module")
def filled_server(postgres_url, template_database, tmp_path_factory) -> Iterator[FilledServer]:
    """Run one server for all pages."""
    with run_filled_server(
        postgres_url, template_database, tmp_path_factory.mktemp("filled")
    ) as server:
        yield server


@pytest.fixture
def signed_in(browser: Browser, filled_server: FilledServer) -> Iterator[Page]:
    """Open a page as a signed-in person, on which any script error is a failure."""
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        context.add_cookies(
            [
                {"name": name, "value": value, "url": filled_server.base_url}
                for name, value in filled_server.cookies.items()
            ]
        )
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
        assert errors == []


@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing_on_a_page_of_a_real_server(signed_in, filled_server, name):
    """Every page of a real server passes axe in both themes, and its narrow rules at 390 px."""
    if name == "sign in":
        signed_in.context.clear_cookies()
    signed_in.goto(f"{filled_server.base_url}{filled_server.paths[name]}", wait_until="networkidle")
    assert axe.find_violations(signed_in) == []
    signed_in.emulate_media(color_scheme="dark")
    assert axe.find_violations(signed_in, "color-contrast") == []
    signed_in.emulate_media(color_scheme="light")
    signed_in.set_viewport_size({"width": 390, "height": 844})
    assert axe.find_violations(signed_in, *NARROW) == []
    assert signed_in.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("name", ["list", "issue, replays"])
@pytest.mark.parametrize("width", [1440, 900, 720])
def test_each_heading_of_the_list_is_above_its_column(signed_in, filled_server, name, width):
    """A column that is hidden in a narrow window hides its heading too."""
    signed_in.set_viewport_size({"width": width, "height": 844})
    signed_in.goto(f"{filled_server.base_url}{filled_server.paths[name]}")
    heads, cells = (
        signed_in.locator(f".replays {row} > :visible").evaluate_all(
            "(cells) => cells.map((cell) => [cell.classList[0], cell.getBoundingClientRect().left])"
        )
        for row in ("thead tr", "tbody tr:first-child")
    )
    assert len(heads) > 4
    assert heads == cells
