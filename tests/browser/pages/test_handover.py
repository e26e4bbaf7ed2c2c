"""Marking a range of a replay by keys and pointer, and the drawer from which it is handed on."""

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.browser.pages import axe


@pytest.fixture
def marked(replay: Page) -> Page:
    """Mark from 0:10 to 0:20 with the key X, which opens the drawer."""
    for at_ms in (10_000, 20_000):
        replay.evaluate("at_ms => fake.store.set({ at_ms })", at_ms)
        replay.keyboard.press("x")
    expect(replay.get_by_role("region", name="Share", exact=True)).to_be_visible()
    expect(replay.locator("[data-range-facts]")).to_be_visible()
    return replay


def test_two_presses_of_x_mark_a_range(replay):
    """X marks the start and X again the end; the address, the timeline and its words say so."""
    replay.evaluate("fake.store.set({ at_ms: 10000 })")
    replay.keyboard.press("x")
    expect(replay.get_by_text("From 0:10")).to_be_visible()
    expect(replay.locator("[data-announce]")).to_contain_text("Press X again where it ends")
    replay.evaluate("fake.store.set({ at_ms: 20000 })")
    replay.keyboard.press("x")
    expect(replay.get_by_text("0:10 to 0:20", exact=True)).to_be_visible()
    expect(replay).to_have_url(re.compile(r"[?&]in=10&out=20"))
    drawer = replay.get_by_role("region", name="Share", exact=True)
    expect(drawer.get_by_label("From")).to_have_value("0:10")
    expect(drawer.get_by_label("To", exact=True)).to_have_value("0:20")
    # The keys stay with the player, so that the range can be marked anew.
    replay.evaluate("fake.store.set({ at_ms: 30000 })")
    replay.keyboard.press("x")
    expect(replay.get_by_text("From 0:30")).to_be_visible()


def test_ends_of_the_range_are_moved_by_keys_and_pointer(marked):
    """Each end is a slider of its own, and the player shows the picture there."""
    start = marked.get_by_role("slider", name="Start of the marked range")
    end = marked.get_by_role("slider", name="End of the marked range")
    start.focus()
    marked.keyboard.press("ArrowRight")
    expect(start).to_have_attribute("aria-valuetext", "0:11")
    expect(marked.locator("[data-clock]")).to_have_text("0:11")
    marked.keyboard.press("Shift+ArrowLeft")
    expect(start).to_have_attribute("aria-valuetext", "0:10.9")
    marked.keyboard.press("End")
    expect(start).to_have_attribute("aria-valuetext", "0:19.9")
    marked.keyboard.press("Home")
    expect(start).to_have_attribute("aria-valuenow", "0")
    box = end.bounding_box()
    marked.mouse.move(box["x"] + 4, box["y"] + 8)
    marked.mouse.down()
    marked.mouse.move(box["x"] + 204, box["y"] + 8, steps=3)
    marked.mouse.up()
    assert int(end.get_attribute("aria-valuenow")) > 25
    marked.keyboard.press("Escape")
    start.focus()
    marked.keyboard.press("Delete")
    expect(start).to_be_hidden()
    assert "in=" not in marked.url


def test_fields_of_the_drawer_and_the_timeline_follow_one_another(marked):
    """A time that is typed moves the mark; one that cannot be meant is refused beside its field."""
    drawer = marked.get_by_role("region", name="Share", exact=True)
    drawer.get_by_label("To", exact=True).fill("0:31.5")
    marked.keyboard.press("Enter")
    end = marked.get_by_role("slider", name="End of the marked range")
    expect(end).to_have_attribute("aria-valuetext", "0:31.5")
    drawer.get_by_label("To", exact=True).fill("0:05")
    marked.keyboard.press("Enter")
    expect(end).to_have_attribute("aria-valuetext", "0:31.5")
    assert drawer.get_by_label("To", exact=True).evaluate("field => !field.validity.valid")
    drawer.get_by_role("button", name="Whole replay", exact=True).click()
    expect(drawer.get_by_label("From")).to_have_value("0:00")
    expect(end).to_be_hidden()
    marked.evaluate("fake.store.set({ at_ms: 30000 })")
    drawer.get_by_role("button", name="10 s around 0:30").click()
    expect(drawer.get_by_label("From")).to_have_value("0:25")


def test_link_carries_the_marked_range(marked):
    """The link of the drawer opens at the start of the range, with its marks."""
    code = marked.get_by_label("Address of the link")
    expect(code).to_contain_text("t=10&in=10&out=20")
    marked.goto(code.text_content())
    expect(marked.get_by_text("0:10 to 0:20", exact=True)).to_be_visible()


def test_drawer_is_closed_by_escape_and_gives_the_focus_back(replay):
    """The button opens the drawer and says so; Escape closes it and returns to the button."""
    opener = replay.get_by_role("link", name="Share", exact=True)
    opener.click()
    drawer = replay.get_by_role("region", name="Share", exact=True)
    expect(drawer).to_be_focused()
    expect(opener).to_have_attribute("aria-expanded", "true")
    expect(drawer.get_by_text("For the payment team")).to_be_visible()
    replay.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(opener).to_be_focused()


def test_seconds_around_an_error_are_handed_on_from_its_row(replay):
    """The row of an error marks the ten seconds around it, and opens the drawer with them."""
    replay.get_by_role("link", name="Share these 10 s").first.click()
    drawer = replay.get_by_role("region", name="Share", exact=True)
    expect(drawer.get_by_label("From")).to_have_value("0:39.5")
    expect(drawer.get_by_label("To", exact=True)).to_have_value("0:49.5")
    expect(drawer).to_be_focused()


def test_taking_back_stays_beside_the_player(replay, site):
    """A share that is taken back leaves the list, and the player goes on where it was."""
    replay.get_by_role("link", name="Share", exact=True).click()
    drawer = replay.get_by_role("region", name="Share", exact=True)
    replay.route("**/s/r", lambda route: route.fulfill(body="Taken back"))
    drawer.get_by_role("button", name="Take back : Share link, whole replay").click()
    expect(replay.locator("[data-announce]")).to_have_text("Done. The list is up to date.")
    expect(drawer.get_by_role("heading", name="Shared so far")).to_be_focused()
    expect(drawer).to_be_visible()


def test_keys_work_on_the_page_without_a_player(page, site):
    """On its own page the place has the same keys, and an address can lead to one of the ways."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(site.address("hand on"))
    page.keyboard.press("c")
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert "t=6&in=6&out=16.5" in page.evaluate("navigator.clipboard.readText()")
    page.get_by_label("From").focus()
    page.keyboard.press("End")
    page.keyboard.press("c")
    expect(page.get_by_label("From")).to_have_value("0:06c")


def test_drawer_says_when_it_cannot_be_loaded(replay):
    """Without an answer of the server the drawer says so and can try again."""
    replay.route("**/hand-on*", lambda route: route.fulfill(body="<p>Not now</p>"))
    with_errors = replay.get_by_role("region", name="Share", exact=True)
    replay.get_by_role("link", name="Share", exact=True).click()
    expect(with_errors.get_by_role("alert")).to_contain_text("does not answer")
    replay.unroute("**/hand-on*")
    with_errors.get_by_role("button", name="Try again").click()
    expect(with_errors.get_by_text("Shared so far")).to_be_visible()


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_axe_finds_nothing_in_the_drawer(marked, width):
    """Marks and drawer pass axe in both themes at every width and do not scroll sideways."""
    marked.set_viewport_size({"width": width, "height": 844})
    assert axe.find_violations(marked) == []
    marked.emulate_media(color_scheme="dark")
    assert axe.find_violations(marked, "color-contrast") == []
    assert marked.evaluate("document.documentElement.scrollWidth") <= width


def test_an_issue_is_handed_on_from_one_menu_and_by_keys(page, site):
    """The menu of an issue copies its link, and its keys lead to a clip and a share link."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(site.address("issue"))
    page.keyboard.press("c")
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert re.match(r"http://127.*/issues/", page.evaluate("navigator.clipboard.readText()"))
    assert axe.find_violations(page) == []
    page.route("**/hand-on*", lambda route: route.fulfill(body="<p>The place</p>"))
    page.keyboard.press("m")
    page.wait_for_url("**/hand-on?*#way-clip")


def test_a_report_is_copied_as_it_stands_there(page, site):
    """The button copies the text beside it, also that of a flow that is folded."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(site.address("replay report"))
    page.get_by_role("button", name="Copy report").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").startswith("## Crash: `NullPointer")
    page.get_by_text("Maestro flow").first.click()
    page.get_by_role("button", name="Copy Maestro flow").click()
    page.wait_for_function("navigator.clipboard.readText().then((text) => text.includes('appId'))")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_report_that_cannot_be_fetched_says_so(page, site):
    """Nothing is copied for a person who is signed out, and the button can be pressed again."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(site.address("hand on"))
    page.route("**/report.md*", lambda route: route.fulfill(content_type="text/html", body="In"))
    page.get_by_role("button", name="Copy report").click()
    expect(page.get_by_role("button", name="Not fetched, try again")).to_be_visible()
    page.unroute("**/report.md*")
    report = {"content_type": "text/markdown", "body": "## Crash"}
    page.route("**/report.md*", lambda route: route.fulfill(**report))
    page.get_by_role("button", name="Not fetched, try again").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "## Crash"


def _clip(state: str, percent: int, **changes: object) -> dict[str, object]:
    """Make what the server says of a clip."""
    return {
        "id": "c",
        "state": state,
        "percent": percent,
        "words": f"{state}, {percent} %",
        "fault": None,
        "href": "/clips/c",
        "file": None,
        "file_name": "replay-1.webp",
        "media_type": "image/webp",
        "size_px": None,
    } | changes


def test_a_clip_is_shown_when_it_is_rendered(marked):
    """The form stays beside the player: progress, then the clip itself and its file."""
    picture = io.BytesIO()
    Image.new("RGB", (60, 120), (9, 90, 200)).save(picture, "WEBP")
    sent: list[str] = []
    answers = [
        _clip("rendering", 40),
        _clip("ready", 100, file="/clips/c/file", size_px=[60, 120], words="0:10 long, 2 KiB"),
    ]

    def make(route: Route) -> None:
        sent.append(route.request.post_data or "")
        route.fulfill(json=_clip("waiting", 0))

    marked.route("**/clips", make)
    marked.route("**/clips/c", lambda route: route.fulfill(json=answers.pop(0)))
    marked.route(
        "**/clips/c/file",
        lambda route: route.fulfill(body=picture.getvalue(), content_type="image/webp"),
    )
    way = marked.get_by_role("region", name="Clip")
    way.get_by_label("WebP").check()
    way.get_by_label("Device").check()
    way.get_by_role("button", name="Make clip").click()
    expect(way.get_by_role("img", name="The clip")).to_be_visible()
    link = way.get_by_role("link", name="Download")
    expect(link).to_have_attribute("download", "replay-1.webp")
    expect(link).to_be_focused()
    expect(marked.locator("[data-announce]")).to_have_text("The clip is ready.")
    assert sent == ["from=10000&to=20000&format=webp&taps=yes&body=yes"]
    assert axe.find_violations(marked) == []


def test_a_clip_that_fails_says_why(marked):
    """The reason that the server gives is shown below the form."""
    way = marked.get_by_role("region", name="Clip")
    marked.route(
        "**/clips", lambda route: route.fulfill(json=_clip("failed", 0, fault="Too long."))
    )
    way.get_by_role("button", name="Make clip").click()
    expect(way.get_by_role("alert")).to_have_text("Too long.")
