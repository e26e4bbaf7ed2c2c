"""The replay page under the hands of a reader."""

import re
from itertools import pairwise
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.unit.web.samples import pages

CLOCK = "[data-clock]"


def test_the_page_opens_where_its_address_says(replay):
    """Time and panel come from the server; the marked row is the last error before them."""
    expect(replay.locator(CLOCK)).to_have_text("0:44")
    expect(replay.get_by_role("tabpanel")).to_have_count(1)
    expect(replay.locator("#errors")).to_be_visible()
    expect(replay.get_by_role("tab", selected=True)).to_contain_text("Errors")


def test_tabs_work_by_mouse_and_by_arrow_and_are_part_of_the_address(replay):
    """One panel at a time; the chosen one is remembered in the address."""
    replay.get_by_role("tab", name=re.compile("Network")).click()
    expect(replay.locator("#network")).to_be_visible()
    expect(replay.locator("#errors")).to_be_hidden()
    assert "tab=network" in replay.url
    replay.keyboard.press("ArrowRight")
    expect(replay.get_by_role("tab", selected=True)).to_be_focused()
    expect(replay.get_by_role("tab", selected=True)).to_contain_text("Errors")
    replay.keyboard.press("[")
    expect(replay.locator("#network")).to_be_visible()


def test_a_rows_time_seeks(replay):
    """The link does not leave the page: the playhead goes there, and a reader is told."""
    replay.get_by_role("tab", name=re.compile("Network")).click()
    replay.locator("#network .seek").first.click()
    expect(replay.locator(CLOCK)).to_have_text("0:06")
    expect(replay.locator("[data-announce]")).to_have_text("0:06, screen Login")
    expect(replay).to_have_url(re.compile("t=6.9"))


def test_a_row_leads_to_its_details(replay):
    """A request among the activity opens its row in the Network panel and takes the focus along."""
    replay.get_by_role("tab", name=re.compile("Activity")).click()
    replay.get_by_role("link", name="Request in its panel").click()
    expect(replay.locator("#network")).to_be_visible()
    expect(replay.locator("#request-0")).to_be_focused()
    expect(replay.locator("#request-0 .tree")).to_be_visible()


def test_playback_is_three_keys_away(replay):
    """By keyboard one need not go through every row of a panel."""
    for _ in range(2):
        replay.keyboard.press("Tab")
    replay.keyboard.press("Enter")
    replay.keyboard.press("Tab")
    expect(replay.get_by_role("button", name="Back 10 seconds")).to_be_focused()


def test_the_timeline_is_a_slider_that_speaks(replay):
    """Its value is told as time and screen; arrow keys move it."""
    slider = replay.get_by_role("slider", name="Position in the replay")
    expect(slider).to_have_attribute("aria-valuetext", "0:44 of 1:06, screen Shop")
    slider.focus()
    replay.keyboard.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuenow", "39")
    replay.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", "0:00 of 1:06, screen Login")


def test_a_click_on_the_timeline_seeks_in_proportion(replay):
    """Left edge is the start, right edge the end; a gap takes 24 px whatever its length."""
    box = replay.locator("[data-track]").bounding_box()
    replay.mouse.click(box["x"] + 1, box["y"] + 70)
    expect(replay.locator(CLOCK)).to_have_text("0:00")
    replay.mouse.click(box["x"] + box["width"] - 1, box["y"] + 70)
    expect(replay.locator(CLOCK)).to_have_text(re.compile("1:0[56]"))
    gap = replay.locator(".break").bounding_box()
    assert abs(gap["width"] - 24) < 1
    expect(replay.locator(".break")).to_have_text("7.4 s in background")


def drag(page: Page, from_x: float, to_x: float, y: float) -> None:
    """Press, move and let go on the timeline."""
    box = page.locator("[data-track]").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + from_x, box["y"] + y)
    page.mouse.down()
    page.mouse.move(box["x"] + to_x, box["y"] + y, steps=4)
    page.mouse.up()


def test_a_drag_on_the_ruler_scrubs(replay):
    """Every move of the pressed pointer is a seek."""
    drag(replay, 10, 300, 6)
    assert replay.evaluate("fake.requests.filter((name) => name === 'seek').length") >= 4


def test_a_drag_over_the_lanes_shows_that_range(replay):
    """It is part of the address, keys widen and narrow it, a double click brings the whole back."""
    width = replay.locator("[data-track]").bounding_box()["width"]
    drag(replay, 0, width / 4, 70)
    whole = replay.get_by_role("button", name=re.compile("0:00 to 0:"))
    expect(whole).to_be_visible()
    assert re.search("from=0&to=1[3-6]", replay.url)
    expect(replay.locator(".break")).to_have_count(0)
    replay.reload()
    replay.wait_for_selector(".track .head", state="attached")
    expect(whole).to_be_visible()
    replay.locator("[data-track]").dblclick(position={"x": 500, "y": 70})
    expect(whole).to_be_hidden()
    replay.keyboard.press("+")
    expect(replay.get_by_role("button", name=re.compile("to [01]:"))).to_be_visible()
    replay.keyboard.press("-")
    assert "from=" not in replay.url
    drag(replay, 0, width / 4, 70)
    replay.evaluate("fake.store.set({ playing: true, at_ms: 50000 })")
    expect(replay.locator("[data-do=whole]")).to_contain_text("0:50 to 1:0")


def test_errors_are_told_apart_by_shape(replay):
    """A diamond in the app, a square behind it, a cross for a crash, in order; a click seeks."""
    shapes = replay.locator(".track .mark use").evaluate_all(
        "(marks) => marks.map((mark) => mark.getAttribute('href'))"
    )
    assert shapes == ["#mark-app", "#mark-backend", "#mark-crash"]
    replay.keyboard.press("Home")
    replay.locator(".error-mark").nth(2).click()
    assert replay.evaluate("fake.store.get().at_ms") == 44_500


def test_an_error_bears_the_same_mark_among_the_activity(replay):
    """So that one of the backend is known from one of the app there too."""
    replay.get_by_role("tab", name=re.compile("Activity")).click()
    marks = replay.locator("#activity .mark use")
    expect(marks).to_have_count(1)
    expect(marks).to_have_attribute("href", "#mark-app")


def test_the_pointer_tells_what_it_is_over(replay):
    """Over a gap: why there is no video, and for how long."""
    replay.locator(".break").hover()
    expect(replay.locator(".hover")).to_contain_text("app in background, 7.4 s without video")


def test_following_lets_go_when_the_reader_scrolls(replay):
    """A turn of the wheel keeps the rows where they are; the pill brings following back."""
    replay.set_viewport_size({"width": 1440, "height": 560})
    pill = replay.get_by_role("button", name="Follow the playhead")
    replay.evaluate("fake.store.set({ at_ms: 45000 })")
    expect(pill).to_be_hidden()
    replay.locator("#errors").hover()
    replay.mouse.wheel(0, 200)
    expect(pill).to_be_visible()
    pill.click()
    expect(pill).to_be_hidden()


def test_the_row_under_the_playhead_is_marked(replay):
    """The mark moves with the time."""
    replay.get_by_role("tab", name=re.compile("Activity")).click()
    marked = replay.locator("#activity [data-now] .row-title")
    expect(marked).to_have_text("POST /pay")
    replay.evaluate("fake.store.set({ at_ms: 2500 })")
    expect(marked).to_have_text("Tap on email")


def test_the_keyboard_plays_and_typing_does_not(replay):
    """Space and K play; in the filter they are letters."""
    button = replay.locator("[data-do=toggle]")
    replay.keyboard.press("Space")
    expect(button).to_have_accessible_name("Pause")
    replay.keyboard.press("k")
    expect(button).to_have_accessible_name("Play")
    replay.keyboard.press("/")
    replay.keyboard.type("k tap")
    expect(button).to_have_accessible_name("Play")
    assert replay.locator("#errors [data-filter=text]").input_value() == "k tap"


def test_s_saves_the_picture(replay):
    """A PNG, named after the replay and the moment."""
    with replay.expect_download() as saved:
        replay.keyboard.press("s")
    assert re.fullmatch(r"replay-\w{1,8}-0\.44\.png", saved.value.suggested_filename)
    expect(replay.locator("[data-announce]")).to_have_text("The picture is saved.")


def test_single_keys_can_be_switched_off(replay):
    """Then they work only where the timeline has the focus, and the choice is remembered."""
    button = replay.locator("[data-do=toggle]")
    replay.keyboard.press("?")
    replay.get_by_label("Single-key shortcuts").uncheck()
    replay.get_by_role("button", name="Close").click()
    replay.locator("#main").focus()
    replay.keyboard.press("k")
    expect(button).to_have_accessible_name("Play")
    replay.get_by_role("slider").focus()
    replay.keyboard.press("k")
    expect(button).to_have_accessible_name("Pause")
    replay.reload()
    expect(replay.locator("[data-keys-on]")).not_to_be_checked()


def test_the_filter_narrows_and_is_part_of_the_address(replay):
    """All words must be found; the address brings the same rows back."""
    replay.get_by_role("tab", name=re.compile("Activity")).click()
    replay.keyboard.press("/")
    replay.keyboard.type("tap email")
    expect(replay.locator("#activity .row:visible")).to_have_count(1)
    expect(replay.locator("#activity [data-filter-count]")).to_have_text("1 of 5 rows")
    expect(replay.locator("[data-count=activity]")).to_have_text("5 (1)")
    assert "filter=tap+email" in replay.url
    replay.reload()
    expect(replay.locator("#activity .row:not([hidden])")).to_have_count(1)


def test_n_goes_to_the_next_error(replay):
    """The playhead and the panel go together."""
    replay.keyboard.press("Home")
    replay.keyboard.press("n")
    expect(replay.locator(CLOCK)).to_have_text("0:44")
    expect(replay.locator(".error:focus")).to_contain_text("PaymentException")


def test_a_gap_is_told_while_it_is_skipped(replay):
    """The card says why and how long; Show plays the gap."""
    in_gap = "in_gap: fake.store.get().gaps[0]"
    replay.evaluate(f"fake.store.set({{ playing: true, at_ms: 29000, {in_gap} }})")
    card = replay.locator("[data-stage-card]")
    expect(card).to_contain_text("App in background, 7.4 s, skipped.")
    card.get_by_role("button", name="Show").click()
    assert replay.evaluate("fake.requests.at(-1)") == "stay"


def test_gaps_can_be_watched(replay):
    """The button tells its state; in a gap that is not skipped the card tells the reason."""
    button = replay.get_by_role("button", name="Skip gaps 7.4 s")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    replay.evaluate("fake.store.set({ at_ms: 30000, in_gap: fake.store.get().gaps[0] })")
    card = replay.locator("[data-stage-card]")
    expect(card).to_contain_text("App in background, 7.4 s without video.")
    card.get_by_role("button", name="Skip").click()
    expect(replay.locator(CLOCK)).to_have_text("0:36")


def test_idle_time_is_skipped_on_request(replay):
    """The player is told where nothing happens; the timeline hatches what it skips."""
    button = replay.get_by_role("button", name="Skip idle")
    expect(button).to_have_attribute("aria-pressed", "false")
    replay.keyboard.press("i")
    expect(button).to_have_attribute("aria-pressed", "true")
    assert replay.evaluate("fake.store.get().idle.length") == replay.locator(".idle").count() > 0


def gesture(
    kind: str, *points: tuple[int, int, int], taps: int = 1, **changes
) -> dict[str, object]:
    """Make a gesture as the server sends it."""
    size = [448, 960]
    made = {"kind": kind, "finger": 0, "size": size, "points": points, "taps": taps, "dead": False}
    return {**made, **changes}


GESTURES: Final = [
    gesture("tap", (2000, 100, 200), (2060, 100, 200), taps=4),
    gesture("swipe", (9000, 100, 800), (9400, 100, 200)),
    gesture("tap", (12_000, 800, 200), size=[960, 448]),
]


@pytest.fixture
def touched(page, site):
    """The replay page of a replay with gestures, which have come."""
    site.gestures = GESTURES
    with page.expect_response("**/gestures"):
        page.goto(site.address("replay"))
    page.wait_for_selector(".track .head")
    return page


def test_gestures_are_drawn_where_the_finger_was(touched):
    """In the picture's pixels, with a badge for quick taps; a swipe leaves a trail."""
    touched.evaluate("fake.store.set({ at_ms: 2100 })")
    ring = touched.locator(".gesture .ink")
    expect(ring).to_have_attribute("cx", "100")
    expect(touched.locator(".gestures")).to_have_attribute("viewBox", "0 0 448 960")
    expect(touched.locator(".gesture")).to_contain_text("4")
    touched.evaluate("fake.store.set({ at_ms: 9300 })")
    expect(touched.locator(".gesture")).to_have_attribute("data-kind", "swipe")
    expect(touched.locator(".gesture .trail")).to_have_count(1)
    expect(touched.locator("[data-stage-caption]")).to_have_text(re.compile("0:09 +Swipe up"))


def test_nothing_lingers_after_a_seek(touched):
    """The picture of a time has the gestures of that time and no others."""
    touched.evaluate("fake.store.set({ at_ms: 9300 })")
    expect(touched.locator(".gesture")).to_have_count(1)
    touched.keyboard.press("Home")
    expect(touched.locator(".gesture")).to_have_count(0)


def test_a_touch_of_the_turned_phone_is_not_drawn_on_the_upright_picture(touched):
    """It waits for a picture of its own shape."""
    touched.evaluate("fake.store.set({ at_ms: 12100 })")
    expect(touched.locator(".gesture")).to_have_count(0)
    touched.evaluate("fake.store.set({ width: 960, height: 448 })")
    expect(touched.locator(".gesture")).to_have_count(1)


def test_gestures_can_be_hidden(touched):
    """By button and by key; the choice is remembered."""
    touched.evaluate("fake.store.set({ at_ms: 9300 })")
    button = touched.get_by_role("button", name="Show gestures")
    button.click()
    expect(touched.locator(".gesture")).to_have_count(0)
    expect(button).to_have_attribute("aria-pressed", "false")
    touched.reload()
    touched.wait_for_selector(".track .head")
    expect(button).to_have_attribute("aria-pressed", "false")
    touched.keyboard.press("t")
    expect(button).to_have_attribute("aria-pressed", "true")


def test_captions_are_read_only_to_those_who_ask(touched):
    """A line that changes with every tap is silent until it is wanted."""
    caption = touched.locator("[data-stage-caption]")
    expect(caption).to_have_attribute("aria-live", "off")
    touched.keyboard.press("?")
    touched.get_by_label("Read captions aloud with a screen reader").check()
    expect(caption).to_have_attribute("aria-live", "polite")


def test_a_broken_video_says_so_and_can_be_tried_again(replay):
    """The card carries the player's words and a button."""
    replay.evaluate("fake.store.set({ status: 'failed', error: 'The server does not answer.' })")
    expect(replay.locator("[data-stage-card]")).to_contain_text("The server does not answer.")
    replay.get_by_role("button", name="Try again").click()
    assert replay.evaluate("fake.requests.at(-1)") == "refresh"


def test_without_pictures_everything_else_works(page, site):
    """No video: rows seek on the timeline, the filter filters, the play button is off."""
    page.goto(site.address("replay, no video"))
    page.get_by_role("tab", name=re.compile("Activity")).click()
    page.locator("#activity .seek").nth(2).click()
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuenow", "2")
    expect(page.locator("[data-do=toggle]")).to_be_disabled()
    page.keyboard.press("/")
    page.keyboard.type("login")
    expect(page.locator("#activity .row:visible")).to_have_count(1)


def test_nothing_in_the_menu_covers_anything_else(replay):
    """Its entries and the choice of theme stand below each other."""
    replay.get_by_label("More").click()
    entries = replay.locator(".menu-body > :is(a, button, form)")
    boxes = [entry.bounding_box() for entry in entries.all()]
    assert len(boxes) >= 5
    assert all(one["y"] + one["height"] <= below["y"] for one, below in pairwise(boxes))


def test_deleting_asks_first_and_posts(replay, site):
    """The dialog names what goes; its form posts to the page's own address."""
    replay.get_by_label("More").click()
    replay.get_by_role("link", name="Delete replay…").click()
    dialog = replay.get_by_role("dialog", name="Delete this replay?")
    expect(dialog).to_contain_text("3.2 MiB in 14 segments")
    expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
    dialog.get_by_role("button", name="Delete replay").click()
    replay.wait_for_url("**/delete")
    assert site.posts == [pages.DELETION.href]


def test_playing_stops_at_the_end_of_the_chosen_range(replay):
    """The player is told of it; a closer look by the keys is no choice."""
    assert replay.evaluate("fake.store.get().range") is None
    width = replay.locator("[data-track]").bounding_box()["width"]
    drag(replay, 0, width / 4, 70)
    chosen = replay.evaluate("fake.store.get().range")
    assert chosen["start_ms"] == 0
    assert 12_000 < chosen["end_ms"] < 17_000
    replay.reload()
    replay.wait_for_selector(".track .head", state="attached")
    again = replay.evaluate("fake.store.get().range")
    assert again["end_ms"] == pytest.approx(chosen["end_ms"], abs=100)
    replay.keyboard.press("+")
    assert replay.evaluate("fake.store.get().range") is None


def test_the_clock_ends_where_the_header_says(replay):
    """The pictures may end before: the last segments of a replay have no video."""
    replay.locator("#replay").evaluate("(root) => { root.dataset.durationMs = '70000'; }")
    replay.keyboard.press("j")
    expect(replay.locator(CLOCK)).to_have_text("0:34")
    expect(replay.locator("[data-clock-end]")).to_have_text("1:10")
