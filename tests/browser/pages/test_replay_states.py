"""The replay page in Chromium: its picture fails, it grows, its body comes late."""

import io
import re
from dataclasses import replace

import pytest
from PIL import Image
from playwright.sync_api import expect

from app.playback.recording.conditions import Condition
from tests.browser.pages import axe
from tests.unit.web.samples import pages

TROUBLES = {
    "storage away": ("The storage does not answer. Trying again.", "waiting: true"),
    "throttled": ("The server has too much to do. Trying again.", "waiting: true"),
    "decode failed": ("A part of the video cannot be decoded.", "waiting: false, shown_ms: -1"),
}

LIVE_PAGE = pages.with_top(pages.REPLAY_PAGE, state="live")


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("width", [390, 1440])
def test_what_keeps_the_picture_away_is_told_over_it(replay, trouble, width):
    """While it lasts, at every width; axe finds nothing wrong with it in either theme."""
    replay.set_viewport_size({"width": width, "height": 900})
    text, state = TROUBLES[trouble]
    replay.evaluate(f"fake.store.set({{ error: {text!r}, {state} }})")
    card = replay.locator("[data-stage-card]")
    expect(card).to_have_text(text)
    expect(card).to_be_in_viewport()
    assert axe.findings(replay) == []
    replay.emulate_media(color_scheme="dark")
    assert axe.findings(replay, "color-contrast") == []
    replay.evaluate("fake.store.set({ error: null, waiting: false, shown_ms: 44000 })")
    expect(card).to_be_hidden()


def test_a_live_trace_stays_folded_and_open(page, site):
    """What the reader folded and opened outlives a look at the grown page, changed or not."""
    chrome = pages.SAMPLES["replay"].chrome
    before = replace(LIVE_PAGE, tab="trace")

    def becomes(value: object) -> None:
        site.pages["live"] = pages.Sample("replay/page.html", value, chrome)

    becomes(before)
    page.clock.install()
    page.goto(site.address("live"))
    page.wait_for_selector(".track .head")
    fold = page.locator("#trace [data-fold]").first
    page.locator("#trace [data-tells]").first.click()
    expect(page.locator("#trace [data-span-tells]")).to_have_count(1)
    fold.click()
    shown = page.locator("#trace .span:visible").count()
    same = replace(before, totals=pages.TOTALS | {"segments": "11"})
    grown = replace(same, traces=tuple(replace(one, errors=9) for one in same.traces))
    for value, sign in (
        (same, "[data-count=segments]:text-is('11')"),
        (grown, ".chip:text('9 e')"),
    ):
        becomes(value)
        page.clock.run_for(6000)
        expect(page.locator(sign).first).to_be_visible()
        expect(fold).to_have_attribute("aria-expanded", "false")
        expect(page.locator("#trace [data-span-tells]")).to_have_count(1)
        expect(page.locator("#trace .span:visible")).to_have_count(shown)


def test_a_live_replay_gains_rows_in_place(page, site):
    """New rows come in; one that the reader opened stays open; the end of the recording is seen."""
    live = replace(LIVE_PAGE, tab="activity", activity=pages.ACTIVITY[:4])
    site.pages["live"] = pages.Sample("replay/page.html", live, pages.SAMPLES["replay"].chrome)
    page.clock.install()
    page.goto(site.address("live"))
    page.wait_for_selector(".track .head")
    page.locator("#activity details summary").click()
    site.pages["live"] = pages.SAMPLES["replay"]
    page.clock.run_for(6000)
    expect(page.locator("#activity .row")).to_have_count(5)
    expect(page.locator("#activity details[open]")).to_have_count(1)
    expect(page.locator(".replay-facts")).not_to_contain_text("Live")
    assert "refresh" in page.evaluate("fake.requests")


def test_a_page_that_opens_in_a_gap_says_so(page, site):
    """Nothing changes after the player is ready, and the card is there all the same."""
    opening = replace(pages.OPENING, start_at_ms=30_000)
    value = pages.with_top(replace(pages.REPLAY_PAGE, opening=opening), start_at_ms=30_000)
    site.pages["gap"] = replace(pages.SAMPLES["replay"], page=value)
    page.goto(site.address("gap"))
    card = page.locator("[data-stage-card]")
    expect(card).to_contain_text("App in background, 7.4 s without video.")
    expect(page.locator(".stage-frame")).to_have_attribute("data-dim", "")


def test_the_speed_is_part_of_the_address(replay):
    """It outlives a reload; the usual one is not written."""
    replay.keyboard.press("ArrowUp")
    expect(replay).to_have_url(re.compile("speed=2"))
    replay.reload()
    replay.wait_for_selector(".track .head")
    expect(replay.locator("[data-rate]")).to_have_value("2")
    replay.keyboard.press("ArrowDown")
    expect(replay).not_to_have_url(re.compile("speed="))


def test_the_phones_condition_stands_over_the_picture(page, site):
    """While it lasts; that the app was in background is told of gaps."""
    offline = Condition(40_000, 50_000, "offline", "offline")
    away = Condition(40_000, 50_000, "background", "in background")
    value = replace(pages.REPLAY_PAGE, conditions=(offline, away))
    site.pages["offline"] = replace(pages.SAMPLES["replay"], page=value)
    page.goto(site.address("offline"))
    page.wait_for_selector(".track .head")
    expect(page.locator("[data-conditions-now]")).to_have_text("offline")
    page.evaluate("fake.store.set({ at_ms: 50000 })")
    expect(page.locator("[data-conditions-now]")).to_have_text("")


def test_the_stage_has_the_shape_of_the_picture_it_opens_with(page, site):
    """A replay that began on its side and is opened where it stands upright."""
    value = pages.with_top(pages.REPLAY_PAGE, size_px=(960, 448))
    site.pages["turned"] = replace(pages.SAMPLES["replay"], page=value)
    page.goto(site.address("turned"))
    page.wait_for_selector(".track .head")
    expect(page.locator(".stage")).to_have_attribute("data-shape", "portrait")


def test_a_phone_on_its_side_shows_picture_panel_and_timeline(replay):
    """Beside each other and whole: nothing has to be scrolled to."""
    replay.set_viewport_size({"width": 844, "height": 390})
    picture = replay.locator(".stage-host")
    expect(picture).to_be_in_viewport(ratio=1)
    box = picture.bounding_box()
    assert box is not None
    assert box["height"] > 150
    for part in (".track", "[data-do=toggle]", "#errors .error >> nth=0"):
        expect(replay.locator(part)).to_be_in_viewport()


def test_pictures_of_rows_come_when_they_are_drawn(page, site):
    """A page that was opened before its strip was made shows it without a reload."""
    made = {
        "state": "made", "is_due": False, "version": "1", "cell_px": [72, 144], "columns": 1,
        "tiles_a_sheet": 1, "preview_tiles": 1, "tiles": [[0, 72, 144]],
    }  # fmt: skip
    answers = iter([{"state": "due", "fault": None}, made])
    page.route("**/pictures", lambda route: route.fulfill(json=next(answers)))
    sheet = Image.new("RGB", (72, 144), "teal")
    png = io.BytesIO()
    sheet.save(png, "png")
    page.route(
        "**/sheet-0.webp*",
        lambda route: route.fulfill(body=png.getvalue(), content_type="image/png"),
    )
    page.clock.install()
    with page.expect_response("**/pictures"):
        page.goto(site.address("replay"))
    thumb = page.locator("#errors canvas.thumb").first
    expect(thumb).to_be_hidden()
    page.clock.run_for(11_000)
    expect(thumb).to_be_visible()
    expect(thumb).to_have_accessible_name("The screen at 0:44")


def test_the_head_may_be_here_long_before_the_body(page, site):
    """Its script waits for the page; nothing fails, and all comes to life."""
    site.late_s = 0.5
    page.goto(site.address("replay"))
    page.wait_for_selector(".track .head")
    expect(page.locator("[data-stage-host] canvas").first).to_be_attached()


@pytest.mark.parametrize("size", [(1440, 900), (390, 844), (844, 390)])
def test_the_picture_stands_where_it_will_be_before_the_rest_is_here(page, site, size):
    """Nothing moves it when panels and timeline come."""
    site.late_s = 1.0
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(site.address("replay"), wait_until="commit")
    page.wait_for_selector("[data-stage-host] canvas", state="attached")
    place = page.locator("[data-stage-host]").bounding_box()
    assert page.locator("[data-deck]").count() == 0
    page.wait_for_selector(".track .head")
    assert page.locator("[data-stage-host]").bounding_box() == place


@pytest.mark.parametrize("width", [390, 1024, 1440])
def test_a_replay_without_video_gives_its_panels_the_room(page, site, width):
    """One line says why there is no picture; the panels are as wide as the window."""
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(site.address("replay, no video"))
    stage, panels = (page.locator(part).bounding_box() for part in (".stage", ".panels"))
    assert stage["height"] < 120
    assert panels["width"] == stage["width"] == width
    expect(page.locator(".stage-card")).to_be_visible()
    assert axe.findings(page) == []
