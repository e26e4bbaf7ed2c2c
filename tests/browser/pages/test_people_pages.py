"""The pages for people and keys in Chromium: by keyboard, without JavaScript, and what is asked."""

from dataclasses import replace

from playwright.sync_api import expect

from tests.unit.web.samples import pages, room_samples, server_samples


def test_somebody_is_invited_by_keyboard_alone(page, site):
    """The address has the focus, arrows choose the role, and Enter sends the form."""
    empty_form = replace(server_samples.INVITE, email="", problem=None, is_admin=False)
    site.pages["invite"] = replace(pages.SAMPLES["invite"], page=empty_form)
    page.goto(site.address("invite"))
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type("qa@example.com")
    for _ in range(3):  # name, project, role
        page.keyboard.press("Tab")
    expect(page.locator("input[value=viewer]")).to_be_checked()
    page.keyboard.press("ArrowDown")
    expect(page.locator("input[value=member]")).to_be_checked()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url("**/server/people/invite")
    assert site.posts == ["/server/people/invite"]


def test_the_link_is_copied_whole(page, site, context):
    """The button copies the whole link, also where the page shows only its beginning."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(site.address("one-time link"))
    page.get_by_role("button", name="Copy the link").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == server_samples.LINK.url


def test_what_takes_something_away_asks_first(page, site):
    """A key is switched off and a person deactivated only after a sentence says what that does."""
    page.goto(site.address("keys"))
    danger = page.get_by_role("button", name="Switch iOS, store build off")
    expect(danger).to_be_hidden()
    page.locator("summary", has_text="Switch off").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Apps or services use this key").first).to_be_visible()
    expect(danger).to_be_visible()
    page.goto(site.address("person"))
    expect(page.get_by_role("button", name="Deactivate Bo")).to_be_hidden()
    page.locator("summary", has_text="Deactivate").click()
    expect(page.get_by_text("is signed out everywhere at once")).to_be_visible()
    assert site.posts == []


def test_the_pages_work_without_javascript(browser, site):
    """Every form of a person, of keys and of members is there without a script."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.address("person"))
    page.locator("summary", has_text="Deactivate").click()
    expect(page.get_by_role("button", name="Deactivate Bo")).to_be_visible()
    page.goto(site.address("keys"))
    expect(page.get_by_text(room_samples.KEYS.keys[0].dsn).first).to_be_visible()
    page.goto(site.address("settings"))
    page.locator("summary", has_text="What each role may do").click()
    expect(page.get_by_text("Watches replays and reads issues").first).to_be_visible()
    context.close()
