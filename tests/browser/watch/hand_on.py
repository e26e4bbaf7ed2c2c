"""The job of support: from "the checkout failed yesterday" to a link in a ticket, in eight acts.

The acts are those that docs/handing-on.md lists.
"""

import re

from playwright.async_api import Browser, Page, expect

from app.web.urls import share_urls
from tests.support.servers.server import Server

MOST_ACTS = 8


class Acts:
    """A page that counts what a person does: fields filled, keys pressed, clicks."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.count = 0

    async def fill(self, label: str, text: str) -> None:
        """Type into a field."""
        self.count += 1
        await self.page.get_by_label(label).fill(text)

    async def press(self, key: str) -> None:
        """Press a key."""
        self.count += 1
        await self.page.keyboard.press(key)

    async def click(self, selector: str) -> None:
        """Click on the first of some elements that is in sight."""
        self.count += 1
        await self.page.locator(f"{selector} >> visible=true").first.click()


async def hand_on_by_share_link(server: Server, page: Page, words: str) -> str:
    """Find a replay by a word, and bring a link to its error into a ticket.

    Args:
        server: The server with the replay.
        page: A page of somebody who is signed in.
        words: What the customer tells: a name, a screen.

    Returns:
        The text that was pasted into the ticket.
    """
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.goto(f"{server.base_url}/replays")
    acts = Acts(page)
    await acts.fill("Search replays", words)
    await acts.press("Enter")
    await page.wait_for_url("**query=**")
    await acts.click("tr.replay .replay-link")
    await expect(page.locator(".track .head")).to_be_visible()
    await acts.press("n")
    await expect(page.locator("article.error").first).to_be_visible()
    await acts.click("[data-hand-on-around]")
    await expect(page.locator("[data-way=share]")).to_be_visible()
    await acts.press("e")
    await expect(page.get_by_role("button", name="Make share link")).to_be_focused()
    await acts.press("Enter")
    await expect(page.locator("[data-announce]")).to_have_text("The share link is made and copied.")
    await expect(page.locator("[data-handed-out]")).to_contain_text("Share link")
    # The last act is to paste it.
    acts.count += 1
    pasted: str = await page.evaluate("navigator.clipboard.readText()")
    assert acts.count <= MOST_ACTS
    assert re.fullmatch(re.escape(f"{server.base_url}{share_urls.SHARES}") + r"[\w-]{43}", pasted)
    return pasted


async def open_as_a_stranger(browser: Browser, link: str) -> None:
    """Open a share link without an account: the picture is shown, and what happened beside it."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    await page.goto(link)
    await expect(page.get_by_role("heading", name="Shared replay")).to_be_visible()
    await expect(page.locator("[data-panel=activity] [data-key]").first).to_be_visible()
    await expect(page.locator("[data-hand-on-opener]")).to_have_count(0)
    await expect(page.locator("[data-clock]")).to_have_text("0:00")
    await page.keyboard.press("End")
    await expect(page.locator("[data-clock]")).not_to_have_text("0:00")
    await context.close()


async def refuse_a_stranger(browser: Browser, link: str) -> None:
    """Open a share link of a deleted replay: it shows nothing of it."""
    context = await browser.new_context()
    page = await context.new_page()
    answer = await page.goto(link)
    assert answer is not None
    assert answer.status in {404, 410}
    assert await page.locator(".replay-page").count() == 0
    await context.close()
