"""The replay page when its picture fails, when it grows, and when its body comes late."""

import io
import re
from dataclasses import replace

import pytest
from PIL import Image
from playwright.sync_api import expect

from app.playback.recording.conditions import DeviceCondition
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
def test_a_playback_error_is_shown_over_the_picture(replay, trouble, width):
    """An error is shown over the picture while it lasts, at every width, and passes axe."""
    replay.set_viewport_size({"width": width, "height": 900})
    text, state = TROUBLES[trouble]
    replay.evaluate(f"fake.store.set({{ error: {text!r}, {state} }})")
    card = replay.locator("[data-stage-card]")
    expect(card).to_have_text(text)
    expect(card).to_be_in_viewport()
    assert axe.find_violations(replay) == []
    replay.emulate_media(color_scheme="dark")
    assert axe.find_violations(replay, "color-contrast") == []
    replay.evaluate("fake.store.set({ error: null, waiting: false, shown_ms: 44000 })")
    expect(card).to_be_hidden()


def test_a_refreshed_trace_keeps_what_is_folded_and_open(page, site):
    """A refresh of a live page keeps the spans that the reader folded and opened."""
    chrome = pages.SAMPLES["replay"].chrome
    live_page = replace(LIVE_PAGE, tab="trace")

    def serve(value: object) -> None:
        site.pages["live"] = pages.Sample("replay/page.html", value, chrome)

    serve(live_page)
    page.clock.install()
    page.goto(site.address("live"))
    page.wait_for_selector(".track .head")
    fold = page.locator("#trace [data-fold]").first
    page.locator("#trace [data-tells]").first.click()
    expect(page.locator("#trace [data-span-tells]")).to_have_count(1)
    fold.click()
    visible_spans = page.locator("#trace .span:visible").count()
    page_with_segment = replace(live_page, totals=pages.TOTALS | {"segments": "11"})
    page_with_errors = replace(
        page_with_segment,
        traces=tuple(replace(trace, errors=9) for trace in page_with_segment.traces),
    )
    for value, sign in (
        (page_with_segment, "[data-count=segments]:text-is('11')"),
        (page_with_errors, ".chip:text('9 e')"),
    ):
        serve(value)
        page.clock.run_for(6000)
        expect(page.locator(sign).first).to_be_visible()
        expect(fold).to_have_attribute("aria-expanded", "false")
        expect(page.locator("#trace [data-span-tells]")).to_have_count(1)
        expect(page.locator("#trace .span:visible")).to_have_count(visible_spans)


def test_a_live_replay_adds_rows_in_place(page, site):
    """New rows appear while opened rows stay open, and the Live mark goes at the end."""
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


def test_a_page_that_opens_in_a_gap_explains_it(page, site):
    """A page that opens in a gap shows the card of the gap although nothing changes after."""
    opening = replace(pages.OPENING, start_at_ms=30_000)
    value = pages.with_top(replace(pages.REPLAY_PAGE, opening=opening), start_at_ms=30_000)
    site.pages["gap"] = replace(pages.SAMPLES["replay"], page=value)
    page.goto(site.address("gap"))
    card = page.locator("[data-stage-card]")
    expect(card).to_contain_text("App in background, 7.4 s without video.")
    expect(page.locator(".stage-frame")).to_have_attribute("data-dim", "")


def test_the_speed_is_part_of_the_address(replay):
    """The address keeps the chosen speed, but not the default one."""
    replay.keyboard.press("ArrowUp")
    expect(replay).to_have_url(re.compile("speed=2"))
    replay.reload()
    replay.wait_for_selector(".track .head")
    expect(replay.locator("[data-rate]")).to_have_value("2")
    replay.keyboard.press("ArrowDown")
    expect(replay).not_to_have_url(re.compile("speed="))


def test_the_condition_of_the_phone_is_shown_over_the_picture(page, site):
    """A condition such as offline is shown while it lasts; background is left to the gaps."""
    offline = DeviceCondition(40_000, 50_000, "offline", "offline")
    away = DeviceCondition(40_000, 50_000, "background", "in background")
    value = replace(pages.REPLAY_PAGE, conditions=(offline, away))
    site.pages["offline"] = replace(pages.SAMPLES["replay"], page=value)
    page.goto(site.address("offline"))
    page.wait_for_selector(".track .head")
    expect(page.locator("[data-conditions-now]")).to_have_text("offline")
    page.evaluate("fake.store.set({ at_ms: 50000 })")
    expect(page.locator("[data-conditions-now]")).to_have_text("")


def test_the_stage_has_the_shape_of_its_first_picture(page, site):
    """A replay that began in landscape and is opened in portrait has a portrait stage."""
    value = pages.with_top(pages.REPLAY_PAGE, size_px=(960, 448))
    site.pages["turned"] = replace(pages.SAMPLES["replay"], page=value)
    page.goto(site.address("turned"))
    page.wait_for_selector(".track .head")
    expect(page.locator(".stage")).to_have_attribute("data-shape", "portrait")


def test_a_phone_in_landscape_shows_everything_unscrolled(replay):
    """A phone in landscape shows picture, panel and timeline without scrolling."""
    replay.set_viewport_size({"width": 844, "height": 390})
    picture = replay.locator(".stage-host")
    expect(picture).to_be_in_viewport(ratio=1)
    box = picture.bounding_box()
    assert box is not None
    assert box["height"] > 150
    for part in (".track", "[data-do=toggle]", "#errors .error >> nth=0"):
        expect(replay.locator(part)).to_be_in_viewport()


def test_thumbnails_of_rows_appear_once_they_are_drawn(page, site):
    """A page opened before its thumbnails were made shows them without a reload."""
    made_pictures = {
        "state": "made", "is_due": False, "version": "1", "cell_px": [72, 144], "columns": 1,
        "tiles_a_sheet": 1, "preview_tiles": 1, "tiles": [[0, 72, 144]],
    }  # fmt: skip
    answers = iter([{"state": "due", "fault": None}, made_pictures])
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


def test_scripts_wait_for_a_page_that_arrives_in_parts(page, site):
    """The scripts of the head wait for the body, and the page works once it is there."""
    site.late_s = 0.5
    page.goto(site.address("replay"))
    page.wait_for_selector(".track .head")
    expect(page.locator("[data-stage-host] canvas").first).to_be_attached()


@pytest.mark.parametrize("size", [(1440, 900), (390, 844), (844, 390)])
def test_the_picture_does_not_move_when_the_page_completes(page, site, size):
    """The picture keeps its place when the panels and the timeline arrive."""
    site.may_continue.clear()
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(site.address("replay"), wait_until="commit")
    page.wait_for_selector("[data-stage-host] canvas", state="attached")
    box = page.locator("[data-stage-host]").bounding_box()
    assert page.locator("[data-deck]").count() == 0
    site.may_continue.set()
    page.wait_for_selector(".track .head")
    assert page.locator("[data-stage-host]").bounding_box() == box


@pytest.mark.parametrize("width", [390, 1024, 1440])
def test_a_replay_without_video_gives_its_space_to_panels(page, site, width):
    """Without video a short card says why, and the panels are as wide as the window."""
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(site.address("replay, no video"))
    stage, panels = (page.locator(part).bounding_box() for part in (".stage", ".panels"))
    assert stage["height"] < 120
    assert panels["width"] == stage["width"] == width
    expect(page.locator(".stage-card")).to_be_visible()
    assert axe.find_violations(page) == []
