"""A reader uses the replay page: timeline, keys, gestures, gaps and panels."""

import re
from typing import Final

import pytest
from playwright.sync_api import Page, expect

CLOCK = "[data-clock]"


def test_the_page_opens_where_its_address_says(replay):
    """The address sets the time and the panel with which the page opens."""
    expect(replay.locator(CLOCK)).to_have_text("0:44")
    expect(replay.get_by_role("tabpanel")).to_have_count(1)
    expect(replay.locator("#errors")).to_be_visible()
    expect(replay.get_by_role("tab", selected=True)).to_contain_text("Errors")


def test_tabs_work_by_mouse_and_keyboard_and_are_in_the_address(replay):
    """One panel is shown at a time, and the address names it."""
    replay.get_by_role("tab", name=re.compile("Network")).click()
    expect(replay.locator("#network")).to_be_visible()
    expect(replay.locator("#errors")).to_be_hidden()
    assert "tab=network" in replay.url
    replay.keyboard.press("ArrowRight")
    expect(replay.get_by_role("tab", selected=True)).to_be_focused()
    expect(replay.get_by_role("tab", selected=True)).to_contain_text("Errors")
    replay.keyboard.press("[")
    expect(replay.locator("#network")).to_be_visible()


def test_the_time_of_a_row_seeks(replay):
    """The time of a row moves the playhead, and a screen reader announces it."""
    replay.get_by_role("tab", name=re.compile("Network")).click()
    replay.locator("#network .seek").first.click()
    expect(replay.locator(CLOCK)).to_have_text("0:06")
    expect(replay.locator("[data-announce]")).to_have_text("0:06, screen Login")
    expect(replay).to_have_url(re.compile("t=6.9"))


def test_a_request_in_the_activity_links_to_its_details(replay):
    """A request in the activity opens and focuses its row in the Network panel."""
    replay.get_by_role("tab", name=re.compile("Activity")).click()
    replay.get_by_role("link", name="Request in its panel").click()
    expect(replay.locator("#network")).to_be_visible()
    expect(replay.locator("#request-0")).to_be_focused()
    expect(replay.locator("#request-0 .tree")).to_be_visible()


def test_playback_is_reached_with_three_keys(replay):
    """The keyboard reaches the playback buttons without passing every row of a panel."""
    for _ in range(2):
        replay.keyboard.press("Tab")
    replay.keyboard.press("Enter")
    replay.keyboard.press("Tab")
    expect(replay.get_by_role("button", name="Back 10 seconds")).to_be_focused()


def test_the_timeline_is_an_accessible_slider(replay):
    """The slider's value names the time and the screen, and arrow keys move it."""
    slider = replay.get_by_role("slider", name="Position in the replay")
    expect(slider).to_have_attribute("aria-valuetext", "0:44 of 1:06, screen Shop")
    slider.focus()
    replay.keyboard.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuenow", "39")
    replay.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", "0:00 of 1:06, screen Login")


def test_a_click_on_the_timeline_seeks_in_proportion(replay):
    """The left edge is the start and the right edge the end; a gap takes 24 px."""
    box = replay.locator("[data-track]").bounding_box()
    replay.mouse.click(box["x"] + 1, box["y"] + 70)
    expect(replay.locator(CLOCK)).to_have_text("0:00")
    replay.mouse.click(box["x"] + box["width"] - 1, box["y"] + 70)
    expect(replay.locator(CLOCK)).to_have_text(re.compile("1:0[56]"))
    gap = replay.locator(".break").bounding_box()
    assert abs(gap["width"] - 24) < 1
    expect(replay.locator(".break")).to_have_text("7.4 s in background")


def drag(page: Page, from_x: float, to_x: float, y: float) -> None:
    """Press, move and release the pointer on the timeline."""
    box = page.locator("[data-track]").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + from_x, box["y"] + y)
    page.mouse.down()
    page.mouse.move(box["x"] + to_x, box["y"] + y, steps=4)
    page.mouse.up()


def test_a_drag_on_the_ruler_seeks_along_the_way(replay):
    """Every move of the pressed pointer on the ruler is a seek."""
    drag(replay, 10, 300, 6)
    assert replay.evaluate("fake.requests.filter((name) => name === 'seek').length") >= 4


def test_a_drag_over_the_lanes_zooms_into_that_range(replay):
    """The address keeps the range; keys change it and a double click shows the whole again."""
    width = replay.locator("[data-track]").bounding_box()["width"]
    drag(replay, 0, width / 4, 70)
    range_button = replay.get_by_role("button", name=re.compile("0:00 to 0:"))
    expect(range_button).to_be_visible()
    assert re.search("from=0&to=1[3-6]", replay.url)
    expect(replay.locator(".break")).to_have_count(0)
    replay.reload()
    replay.wait_for_selector(".track .head", state="attached")
    expect(range_button).to_be_visible()
    replay.locator("[data-track]").dblclick(position={"x": 500, "y": 70})
    expect(range_button).to_be_hidden()
    replay.keyboard.press("+")
    expect(replay.get_by_role("button", name=re.compile("to [01]:"))).to_be_visible()
    replay.keyboard.press("-")
    assert "from=" not in replay.url
    drag(replay, 0, width / 4, 70)
    replay.evaluate("fake.store.set({ playing: true, at_ms: 50000 })")
    expect(replay.locator("[data-do=whole]")).to_contain_text("0:50 to 1:0")


def test_errors_differ_by_the_shape_of_their_mark(replay):
    """Errors of the app, of the backend, and crashes have marks of different shapes."""
    shapes = replay.locator(".track .mark use").evaluate_all(
        "(marks) => marks.map((mark) => mark.getAttribute('href'))"
    )
    assert shapes == ["#mark-app", "#mark-backend", "#mark-crash"]
    replay.keyboard.press("Home")
    replay.locator(".error-mark").nth(2).click()
    assert replay.evaluate("fake.store.get().at_ms") == 44_500


def test_an_error_has_the_same_mark_in_the_activity(replay):
    """An error of the app has the mark of the app in the Activity panel too."""
    replay.get_by_role("tab", name=re.compile("Activity")).click()
    marks = replay.locator("#activity .mark use")
    expect(marks).to_have_count(1)
    expect(marks).to_have_attribute("href", "#mark-app")


def test_a_hovered_gap_is_explained(replay):
    """The pointer over a gap shows why and for how long there is no video."""
    replay.locator(".break").hover()
    expect(replay.locator(".hover")).to_contain_text("app in background, 7.4 s without video")


def test_following_stops_when_the_reader_scrolls(replay):
    """A turn of the mouse wheel stops following, and a button starts it again."""
    replay.set_viewport_size({"width": 1440, "height": 560})
    button = replay.get_by_role("button", name="Follow the playhead")
    replay.evaluate("fake.store.set({ at_ms: 45000 })")
    expect(button).to_be_hidden()
    replay.locator("#errors").hover()
    replay.mouse.wheel(0, 200)
    expect(button).to_be_visible()
    button.click()
    expect(button).to_be_hidden()


def test_the_row_under_the_playhead_is_marked(replay):
    """The mark of the current row moves with the time."""
    replay.get_by_role("tab", name=re.compile("Activity")).click()
    marked_title = replay.locator("#activity [data-now] .row-title")
    expect(marked_title).to_have_text("POST /pay")
    replay.evaluate("fake.store.set({ at_ms: 2500 })")
    expect(marked_title).to_have_text("Tap on email")


def test_keys_play_but_letters_in_the_filter_do_not(replay):
    """Space and K play and pause; in the filter they are letters."""
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
    """The key S saves a PNG that is named after the replay and the moment."""
    with replay.expect_download() as download:
        replay.keyboard.press("s")
    assert re.fullmatch(r"replay-\w{1,8}-0\.44\.png", download.value.suggested_filename)
    expect(replay.locator("[data-announce]")).to_have_text("The picture is saved.")


def test_single_keys_can_be_switched_off(replay):
    """Switched off, single keys work only on the focused timeline, also after a reload."""
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


def test_the_activity_filter_is_part_of_the_address(replay):
    """All words of the filter must match, and the address restores the same rows."""
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
    """The key N moves the playhead and the focus to the next error."""
    replay.keyboard.press("Home")
    replay.keyboard.press("n")
    expect(replay.locator(CLOCK)).to_have_text("0:44")
    expect(replay.locator(".error:focus")).to_contain_text("PaymentException")


def test_a_skipped_gap_is_explained_and_can_be_shown(replay):
    """The card of a skipped gap gives reason and length, and its Show button plays the gap."""
    in_gap = "in_gap: fake.store.get().gaps[0]"
    replay.evaluate(f"fake.store.set({{ playing: true, at_ms: 29000, {in_gap} }})")
    card = replay.locator("[data-stage-card]")
    expect(card).to_contain_text("App in background, 7.4 s, skipped.")
    card.get_by_role("button", name="Show").click()
    assert replay.evaluate("fake.requests.at(-1)") == "stay"


def test_gaps_can_be_played(replay):
    """While skipping is off, the card of a gap gives the reason and offers to skip it."""
    button = replay.get_by_role("button", name="Skip gaps 7.4 s")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    replay.evaluate("fake.store.set({ at_ms: 30000, in_gap: fake.store.get().gaps[0] })")
    card = replay.locator("[data-stage-card]")
    expect(card).to_contain_text("App in background, 7.4 s without video.")
    card.get_by_role("button", name="Skip").click()
    expect(replay.locator(CLOCK)).to_have_text("0:36")


def test_idle_time_is_skipped_on_request(replay):
    """The key I skips idle time, which the timeline marks."""
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
    defaults = {
        "kind": kind,
        "finger": 0,
        "size": size,
        "points": points,
        "taps": taps,
        "dead": False,
    }
    return {**defaults, **changes}


GESTURES: Final = [
    gesture("tap", (2000, 100, 200), (2060, 100, 200), taps=4),
    gesture("swipe", (9000, 100, 800), (9400, 100, 200)),
    gesture("tap", (12_000, 800, 200), size=[960, 448]),
]


@pytest.fixture
def touched_replay(page, site):
    """Open the page of a replay with gestures, and wait for them."""
    site.gestures = GESTURES
    with page.expect_response("**/gestures"):
        page.goto(site.address("replay"))
    page.wait_for_selector(".track .head")
    return page


def test_gestures_are_drawn_where_the_finger_was(touched_replay):
    """A gesture is drawn in the pixels of the picture, with a badge or a trail."""
    touched_replay.evaluate("fake.store.set({ at_ms: 2100 })")
    ring = touched_replay.locator(".gesture .ink")
    expect(ring).to_have_attribute("cx", "100")
    expect(touched_replay.locator(".gestures")).to_have_attribute("viewBox", "0 0 448 960")
    expect(touched_replay.locator(".gesture")).to_contain_text("4")
    touched_replay.evaluate("fake.store.set({ at_ms: 9300 })")
    expect(touched_replay.locator(".gesture")).to_have_attribute("data-kind", "swipe")
    expect(touched_replay.locator(".gesture .trail")).to_have_count(1)
    expect(touched_replay.locator("[data-stage-caption]")).to_have_text(
        re.compile("0:09 +Swipe up")
    )


def test_a_seek_removes_the_gestures_of_another_time(touched_replay):
    """The picture of a moment has the gestures of that moment and no others."""
    touched_replay.evaluate("fake.store.set({ at_ms: 9300 })")
    expect(touched_replay.locator(".gesture")).to_have_count(1)
    touched_replay.keyboard.press("Home")
    expect(touched_replay.locator(".gesture")).to_have_count(0)


def test_a_touch_of_a_turned_phone_waits_for_a_turned_picture(touched_replay):
    """A touch is drawn only on a picture of the same orientation."""
    touched_replay.evaluate("fake.store.set({ at_ms: 12100 })")
    expect(touched_replay.locator(".gesture")).to_have_count(0)
    touched_replay.evaluate("fake.store.set({ width: 960, height: 448 })")
    expect(touched_replay.locator(".gesture")).to_have_count(1)


def test_gestures_can_be_hidden(touched_replay):
    """A button and a key hide and show gestures, and the choice survives a reload."""
    touched_replay.evaluate("fake.store.set({ at_ms: 9300 })")
    button = touched_replay.get_by_role("button", name="Show gestures")
    button.click()
    expect(touched_replay.locator(".gesture")).to_have_count(0)
    expect(button).to_have_attribute("aria-pressed", "false")
    touched_replay.reload()
    touched_replay.wait_for_selector(".track .head")
    expect(button).to_have_attribute("aria-pressed", "false")
    touched_replay.keyboard.press("t")
    expect(button).to_have_attribute("aria-pressed", "true")


def test_captions_are_read_aloud_only_on_request(touched_replay):
    """The caption is silent for screen readers until the reader turns reading on."""
    caption = touched_replay.locator("[data-stage-caption]")
    expect(caption).to_have_attribute("aria-live", "off")
    touched_replay.keyboard.press("?")
    touched_replay.get_by_label("Read captions aloud with a screen reader").check()
    expect(caption).to_have_attribute("aria-live", "polite")


def test_a_failed_video_says_so_and_can_be_retried(replay):
    """The card shows the player's error and a button that asks the player to refresh."""
    replay.evaluate("fake.store.set({ status: 'failed', error: 'The server does not answer.' })")
    expect(replay.locator("[data-stage-card]")).to_contain_text("The server does not answer.")
    replay.get_by_role("button", name="Try again").click()
    assert replay.evaluate("fake.requests.at(-1)") == "refresh"


def test_without_video_everything_else_works(page, site):
    """Without video, rows move the timeline, the filter works, and the play button is off."""
    page.goto(site.address("replay, no video"))
    page.get_by_role("tab", name=re.compile("Activity")).click()
    page.locator("#activity .seek").nth(2).click()
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuenow", "2")
    expect(page.locator("[data-do=toggle]")).to_be_disabled()
    page.keyboard.press("/")
    page.keyboard.type("login")
    expect(page.locator("#activity .row:visible")).to_have_count(1)


def test_the_player_gets_the_range_that_a_drag_chose(replay):
    """A dragged range limits the player, also after a reload; a zoom by keys does not."""
    assert replay.evaluate("fake.store.get().range") is None
    width = replay.locator("[data-track]").bounding_box()["width"]
    drag(replay, 0, width / 4, 70)
    chosen_range = replay.evaluate("fake.store.get().range")
    assert chosen_range["start_ms"] == 0
    assert 12_000 < chosen_range["end_ms"] < 17_000
    replay.reload()
    replay.wait_for_selector(".track .head", state="attached")
    reloaded_range = replay.evaluate("fake.store.get().range")
    assert reloaded_range["end_ms"] == pytest.approx(chosen_range["end_ms"], abs=100)
    replay.keyboard.press("+")
    assert replay.evaluate("fake.store.get().range") is None


def test_the_clock_ends_with_the_replay_and_not_its_video(replay):
    """The clock covers the whole replay, whose last segments may have no video."""
    replay.locator("#replay").evaluate("(root) => { root.dataset.durationMs = '70000'; }")
    replay.keyboard.press("j")
    expect(replay.locator(CLOCK)).to_have_text("0:34")
    expect(replay.locator("[data-clock-end]")).to_have_text("1:10")
