"""Every sample page in Chromium: widths, themes, and use without JavaScript."""

from dataclasses import replace
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from app.playback.ending import ReplayEnding
from app.web.words.replay.endings import ending_text
from tests.browser.pages import axe
from tests.unit.web.samples import list_samples, made_up, pages

WIDTHS = {"wide": 1440, "laptop": 1280, "tablet": 1024, "upright tablet": 768, "phone": 390}
"""Widths of windows in px; the phone is last."""
JUST_ABOVE_BREAKPOINTS = (1281, 1201, 1017, 865, 705)
"""Widths at which the table of replays has the least room for what it shows, in px."""


@pytest.mark.parametrize("name", list(pages.SAMPLES))
def test_every_page_fits_its_width_and_passes_axe(page, site, name):
    """No page scrolls sideways at any width, writes to the console, or has an axe violation.

    axe checks the widest window and the phone. In the dark theme it checks only contrasts, because
    nothing else differs.
    """
    page.goto(site.address(name))
    assert axe.find_violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert axe.find_violations(page, "color-contrast") == []
    for width in WIDTHS.values():
        page.set_viewport_size({"width": width, "height": 844})
        beyond = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert beyond <= 0, f"{name} is {beyond} px too wide at {width} px"
    page.emulate_media(color_scheme="light")
    assert axe.find_violations(page) == []


def test_times_are_local_and_their_title_is_utc(page, site):
    """A time is shown in the reader's zone, and its title is the exact time in UTC."""
    page.goto(site.address("list"))
    time = page.locator("time").first
    expect(time).to_have_text("Nov 24, 2026, 9:03 PM")
    expect(time).to_have_attribute("title", "2026-11-24 12:03:05 UTC")


def test_a_full_list_fits_every_width(page, site):
    """A row with an id as its name, long screen names and the longest ending fits every width."""
    row = list_samples.replay_row(
        user="5f0c2b1e-77aa-4c11-9d51-91ab2ff5c71e",
        screens=("CatalogViewController", "ProductViewController", "UIAlertController"),
        device="samsung SM-S911B", os="Android 13", app="3.4.1 (341)",
        app_errors=100, backend_errors=100, has_more_errors=True, failed_requests=1234,
        end=max(map(ending_text, ReplayEnding), key=len),
    )  # fmt: skip
    value = replace(list_samples.LIST, rows=(row, *list_samples.LIST.rows))
    site.pages["list"] = replace(pages.SAMPLES["list"], page=value)
    page.goto(site.address("list"))
    too_wide = []
    for width in (*range(320, 1921, 40), *JUST_ABOVE_BREAKPOINTS, *WIDTHS.values()):
        page.set_viewport_size({"width": width, "height": 844})
        table = page.locator(".replays")
        beyond = table.evaluate("(table) => table.offsetWidth - table.parentElement.clientWidth")
        if beyond > 0:
            too_wide.append(f"{beyond} px too wide at {width} px")
    assert too_wide == [], "the list of replays does not fit: see static/css/pages/replays"


@pytest.mark.parametrize("width", [1280, 1201, 1024, 768])
def test_the_dot_of_a_new_replay_is_beside_its_name(page, site, width):
    """A name that is an id stays on one line with the dot before it."""
    row = list_samples.replay_row(user="5f0c2b1e-77aa-4c11-9d51-91ab2ff5c71e")
    value = replace(list_samples.LIST, rows=(row,))
    site.pages["list"] = replace(pages.SAMPLES["list"], page=value)
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(site.address("list"))
    name, dot = page.locator(".replay-link"), page.locator(".new-dot")
    assert abs(name.bounding_box()["y"] - dot.bounding_box()["y"]) < 15


def test_a_theme_applies_at_once_and_to_the_next_page(page, site, context):
    """A chosen theme changes the page without a request and is kept in a cookie."""
    page.goto(site.address("list"))
    page.get_by_role("button", name="Theme: Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.get_by_role("button", name="Theme: Dark")).to_have_attribute("aria-pressed", "true")
    [cookie] = context.cookies()
    assert (cookie["name"], cookie["value"]) == ("theme", "dark")
    assert site.posts == []


def test_a_copy_button_fills_the_clipboard(page, site, context):
    """The Copy button puts the DSN on the clipboard and says so."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(site.address("list, empty"))
    page.get_by_role("button", name="Copy DSN").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == made_up.DSN


def test_the_set_up_page_shows_one_sdk_at_a_time(page, site):
    """Radio buttons choose the SDK whose set-up is shown, also by keyboard."""
    page.goto(site.address("set-up"))
    expect(page.locator("#apps .sdk:visible")).to_have_count(1)
    page.get_by_role("radio", name="Android").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#apps .sdk:visible")).to_contain_text("SentryAndroid.init")
    page.locator("#services").get_by_text("OpenTelemetry").click()
    expect(page.locator("#services .sdk:visible")).to_contain_text("OTEL_SERVICE_NAME")
    expect(page.locator("#apps .sdk:visible")).to_contain_text("SentryAndroid.init")


def test_the_check_list_updates_without_a_reload(page, site):
    """A check that begins to pass appears by itself, and unchanged checks stay in place."""
    site.pages["set-up"] = replace(
        pages.SAMPLES["set-up"], page=replace(pages.SET_UP, checks=pages.SET_UP.checks[1:])
    )
    page.goto(site.address("set-up"))
    expect(page.locator(".finding")).to_have_count(3)
    site.pages["set-up"] = pages.SAMPLES["set-up"]
    expect(page.locator(".finding")).to_have_count(4)
    # An unchanged check stays the same element, or a screen reader would announce it again.
    expect(page.locator(".finding time")).to_have_text("Nov 24, 2026, 11:03 PM")
    first_check = page.locator(".finding").first.element_handle()
    for _ in range(2):  # the second request shows that the first answer was handled
        with page.expect_response("**/set-up"):
            pass
    assert first_check.evaluate("(one) => one.isConnected")


def test_the_whole_row_of_the_list_is_a_link(page, site):
    """A click anywhere in a row opens its replay."""
    page.goto(site.address("list, one project"))
    box = page.locator(".replay").first.bounding_box()
    page.mouse.click(box["x"] + box["width"] - 30, box["y"] + box["height"] / 2)
    page.wait_for_url(f"**{list_samples.replay_row().href}")


@pytest.mark.parametrize("width", WIDTHS.values())
def test_a_name_that_is_an_id_takes_one_line(page, site, width):
    """An id as a user's name stays on one line and overlaps nothing at any width."""
    row = list_samples.replay_row(user="5f0c2b1e-77aa-4c11-9d51-91ab2ff5c71e")
    value = replace(list_samples.LIST, rows=(row,))
    site.pages["list"] = replace(pages.SAMPLES["list"], page=value)
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(site.address("list"))
    parts = (".replay .select-cell input", ".poster", ".replay-link", ".replay .length")
    box, poster, name, length = (page.locator(part).bounding_box() for part in parts)
    assert name["height"] < 30
    for left, right in pairwise((box, poster, name, length)):
        assert left["x"] + left["width"] <= right["x"], (left, right)


def test_a_replay_can_be_read_without_javascript(browser, site):
    """Without JavaScript all panels are shown, times are links, and deletion is a page."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.address("replay"))
    for panel in ("activity", "network", "errors", "trace", "segments", "details"):
        expect(page.locator(f"#{panel}")).to_be_visible()
    expect(page.locator(".transport")).to_be_hidden()
    expect(page.locator(".stage noscript .stage-card")).to_be_visible()
    assert page.locator("#errors .seek").first.get_attribute("href") == (
        f"{pages.HEADER.href}?t=44.5"
    )
    page.locator(".replay-actions").get_by_label("More").click()
    expect(page.get_by_role("link", name="Delete replay…")).to_be_visible()
    context.close()


@pytest.mark.parametrize("name", ["list", "replay", "trace", "project", "account", "sign in"])
def test_targets_are_large_enough_for_touch(browser, site, name):
    """Buttons, fields and tabs are at least 36 px wide and high on a touch screen."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    page.goto(site.address(name))
    small_targets = page.locator(
        "button:visible, select:visible, input:visible, .tab:visible"
    ).evaluate_all(
        "(found) => found.filter((each) => !each.closest('.unseen, label') && "
        "Math.min(each.offsetWidth, each.offsetHeight) < 36).map((each) => each.outerHTML)"
    )
    context.close()
    assert small_targets == []
