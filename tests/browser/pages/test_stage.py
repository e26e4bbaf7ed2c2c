"""The size of the picture, the name of its screen, the header of the replay page and its menu."""

import re
from itertools import pairwise

from playwright.sync_api import expect

from tests.unit.web.samples import pages


def test_a_separator_resizes_the_picture(replay):
    """Pointer and keys resize the picture, a reload keeps it, and a double click resets it."""
    line = replay.get_by_role("separator", name="Width of the picture")
    stage = replay.locator(".stage")

    def width() -> float:
        return float(stage.bounding_box()["width"])

    usual = width()
    assert line.get_attribute("aria-valuenow") == str(round(usual))
    box = line.bounding_box()
    replay.mouse.move(box["x"] + box["width"] / 2, 300)
    replay.mouse.down()
    replay.mouse.move(600, 300, steps=3)
    replay.mouse.up()
    assert abs(width() - 600) < 2
    replay.reload()
    expect(line).to_have_attribute("aria-valuenow", re.compile("60[01]|599"))
    line.focus()
    replay.keyboard.press("ArrowLeft")
    expect(line).to_have_attribute("aria-valuenow", re.compile("58[345]"))
    expect(replay.locator("[data-clock]")).to_have_text("0:44")
    replay.keyboard.press("Home")
    expect(line).to_have_attribute("aria-valuenow", "192")
    replay.keyboard.press("End")
    expect(line).to_have_attribute("aria-valuenow", line.get_attribute("aria-valuemax"))
    assert replay.locator(".panels").bounding_box()["width"] >= 319
    line.dblclick()
    expect(line).to_have_attribute("aria-valuenow", str(round(usual)))
    replay.reload()
    expect(line).to_have_attribute("aria-valuenow", str(round(usual)))


def test_the_picture_or_the_panels_can_fill_the_page(replay):
    """Keys and the menu show only the picture or only the panels."""
    stage, panels = replay.locator(".stage"), replay.locator(".panels")
    replay.keyboard.press("v")
    expect(panels).to_be_hidden()
    replay.keyboard.press("h")
    expect(panels).to_be_visible()
    assert panels.bounding_box()["width"] > 1400
    assert stage.bounding_box()["width"] < 5
    replay.get_by_label("More").click()
    replay.get_by_role("button", name="Panels only").click()
    expect(replay.get_by_role("button", name="Panels only")).to_be_hidden()
    assert stage.bounding_box()["width"] > 200


def test_the_name_of_the_screen_can_be_copied(replay):
    """The copy button copies the name of the screen that is shown."""
    replay.context.grant_permissions(["clipboard-read", "clipboard-write"])
    replay.evaluate("fake.store.set({ at_ms: 2500 })")
    button = replay.get_by_role("button", name="Copy the name of the screen")
    button.click()
    expect(replay.get_by_role("button", name="Copied")).to_be_visible()
    assert replay.evaluate("navigator.clipboard.readText()") == "Login"
    expect(button).to_be_visible()


def test_the_active_length_leaves_out_gaps_and_idle_time(replay):
    """The header gives the length without gaps and idle time beside the whole length."""
    active = replay.locator("[data-active]")
    replay.evaluate("fake.store.set({ idle: [] })")
    expect(active).to_have_text(", 0:58 active")
    replay.evaluate("fake.store.set({ idle: [{ start_ms: 0, end_ms: 20000 }] })")
    expect(active).to_have_text(", 0:38 active")
    replay.evaluate("fake.store.set({ idle: [], gaps: [] })")
    expect(active).to_be_hidden()


def test_the_people_who_saw_a_replay_are_listed(replay):
    """The number of people who saw a replay opens the list of them."""
    replay.get_by_text("Seen by 2 people").click()
    people = replay.get_by_role("list", name="Seen by").get_by_role("listitem")
    expect(people).to_have_text([re.compile("^Ana Silva"), re.compile("^Ben Ito")])
    expect(replay.get_by_text("kept for a year")).to_be_visible()


def test_a_replay_can_be_printed(replay):
    """A printed replay shows all panels in full, in the light theme."""
    replay.emulate_media(media="print", color_scheme="dark")
    for panel in ("activity", "network", "errors", "trace", "logs", "segments", "details"):
        expect(replay.locator(f"#{panel} .panel-title")).to_be_visible()
        read_heights = "(one) => [one.scrollHeight, one.clientHeight]"
        content_height, visible_height = replay.locator(f"#{panel}").evaluate(read_heights)
        assert content_height <= visible_height
    expect(replay.locator(".tabs")).to_be_hidden()
    expect(replay.locator(".stage")).to_be_hidden()
    assert replay.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
    assert replay.evaluate("document.documentElement.scrollHeight") > 1_000


def test_no_entry_of_the_menu_covers_another(replay):
    """The entries of the menu are below one another."""
    replay.get_by_label("More").click()
    entries = replay.locator(".menu-body > :is(a, button, form)")
    boxes = [entry.bounding_box() for entry in entries.all()]
    assert len(boxes) >= 5
    assert all(box["y"] + box["height"] <= below["y"] for box, below in pairwise(boxes))


def test_deletion_asks_for_confirmation_and_posts(replay, site):
    """The dialog names what is deleted, and its form posts to the replay's address."""
    replay.get_by_label("More").click()
    replay.get_by_role("link", name="Delete replay…").click()
    dialog = replay.get_by_role("dialog", name="Delete this replay?")
    expect(dialog).to_contain_text("3.2 MiB in 14 segments")
    expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
    dialog.get_by_role("button", name="Delete replay").click()
    replay.wait_for_url("**/delete")
    assert site.posts == [pages.DELETION.href]
