"""axe checks every page of a real server with the demo on it, in both themes and on a phone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

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


def test_a_share_link_is_made_beside_the_player_and_opens_without_an_account(
    signed_in, browser, filled_server
):
    """E, a click, and the link; a stranger plays it, until its maker takes it back."""
    base = filled_server.base_url
    address = f"{base}{filled_server.paths['replay, activity']}&in=10&out=25"
    signed_in.goto(address, wait_until="networkidle")
    signed_in.keyboard.press("e")
    drawer = signed_in.get_by_role("region", name="Share", exact=True)
    drawer.get_by_role("button", name="Make share link").click()
    link = drawer.get_by_label("Address of the share link")
    expect(link).to_contain_text("/s/")
    row = drawer.get_by_role("listitem").filter(has_text="0:10 to 0:25")
    expect(row).to_contain_text("open")
    with browser.new_context() as strangers:
        stranger = strangers.new_page()
        stranger.goto(link.text_content(), wait_until="networkidle")
        expect(stranger.get_by_text("Part of a replay")).to_be_visible()
        stranger.keyboard.press("k")
        expect(stranger.locator("[data-clock]")).not_to_have_text("0:00")
        assert stranger.locator("[data-stage-host] canvas, [data-stage-host] video").count() > 0
        for key in ("x", "r", "m", "e"):
            stranger.keyboard.press(key)
        expect(stranger.get_by_role("region", name="Share", exact=True)).to_have_count(0)
        row.get_by_role("button").click()
        expect(row).to_contain_text("taken back")
        assert stranger.reload().status == 410
