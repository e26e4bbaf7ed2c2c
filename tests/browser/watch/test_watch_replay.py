"""A person signs in by the link, finds a recorded replay, watches it, hands it on, and deletes it.

Server and browser run in a thread with an event loop of its own, because the drivers of the other
browser tests keep one in the main thread.
"""

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from app.accounts import links, queries as accounts
from tests.browser.player import truth
from tests.browser.player.watching import _CLIP_ENDS, _LOOK, PALETTE
from tests.browser.watch import hand_on
from tests.support import chromium
from tests.support.recorded import contents, delivery
from tests.support.servers import postgres
from tests.support.servers.server import Server, running
from tests.support.waiting import PATIENCE_S

FAMILY = "android-session-full-a"
expect.set_options(timeout=PATIENCE_S * 1_000)


async def make_sign_in_url(server: Server) -> str:
    """Make a one-time sign-in link, like the one that the server prints at its first start."""
    async with server.database.transaction() as connection:
        admin = next(person for person in await accounts.list_people(connection) if person.is_admin)
        return f"{server.base_url}/sign-in/{await links.make_sign_in_link(connection, admin.id)}"


async def wait_until_true(page: Page, expression: str) -> None:
    """Wait by polling, because the page's content security policy forbids `wait_for_function`."""
    async with asyncio.timeout(PATIENCE_S):
        while not await page.evaluate(expression):  # noqa: ASYNC110 - it is in another process
            await asyncio.sleep(0.02)


async def seek_and_await_colour(page: Page, at_ms: int, due_colour: int) -> None:
    """Seek, and wait until the picture shows the colour of the second that is due."""
    await page.evaluate("(ms) => pb.seek(ms)", at_ms)
    await wait_until_true(page, f"look.colour() === {due_colour}")


async def open_replay_by_its_poster(page: Page, replay_id: str) -> None:
    """Wait for the drawn poster, hover it to see the replay's strip of pictures, and open it."""
    row = page.locator("tr.replay", has=page.locator(f"a[href*='{replay_id}']")).first
    poster = row.locator(".poster img")
    await expect(poster).to_be_visible()
    await wait_until_true(page, "document.querySelector('.poster img').naturalHeight > 100")
    await poster.hover(force=True)
    await expect(page.locator(".story img")).to_be_visible()
    await page.mouse.move(5, 5)
    await expect(page.locator(".story")).to_be_hidden()
    await row.locator(".replay-link").click()


async def check_pictures_under_the_pointer(page: Page) -> None:
    """Hover the timeline, the errors and the activity; each shows the screen of a moment."""
    track = page.locator("[data-track]")
    await track.hover(position={"x": 200, "y": 20})
    await expect(page.locator(".hover canvas.thumb")).to_be_visible()
    await page.locator("[data-tab=errors]").click()
    await expect(page.locator("article.error canvas.thumb").first).to_be_visible()
    await page.locator("[data-tab=activity]").click()
    time = page.locator("[data-panel=activity] [data-seek]").first
    await time.hover()
    await time.hover(position={"x": 5, "y": 5})  # the first hover may have had to scroll
    await expect(page.locator(".glimpse canvas")).to_be_visible()
    await page.locator("[data-tab=errors]").click()
    await page.mouse.move(5, 5)


async def watch_and_delete_replay(server: Server, browser: Browser, page: Page) -> None:
    """Sign in, find the replay, watch it, follow its error, hand it on, and delete it."""
    facts = truth.of_family(FAMILY)
    (replay,) = contents.conclusions(FAMILY)["replays"]
    await delivery.deliver_family(server, FAMILY)
    await page.goto(await make_sign_in_url(server))
    await page.locator("form button[type=submit], form button").last.click()
    await page.wait_for_url("**/account/**")
    await page.goto(f"{server.base_url}/replays")
    await open_replay_by_its_poster(page, replay["replay_id"])
    await wait_until_true(page, "window.pb !== undefined")
    await page.evaluate("pb.ready")
    assert await page.evaluate("pb.duration") == facts.duration_ms
    for at_ms in (31_500, 5_200, 65_100, 0):
        await seek_and_await_colour(page, at_ms, facts.at(at_ms).colour)
    await page.evaluate("pb.play(8)")
    await wait_until_true(page, f"pb.time() >= {facts.duration_ms}")
    assert await page.evaluate("look.colour()") == facts.frames[-1].colour
    await expect(page.locator("[data-panel=activity] [data-now]")).to_be_visible()
    await check_pictures_under_the_pointer(page)
    backend = page.locator("article.error[data-source=backend]")
    await expect(backend).to_contain_text("CardProcessorTimeout")
    await expect(backend).to_contain_text("Backend")
    await check_preview_of_issue(page, facts)
    link = await hand_on.hand_on_by_share_link(server, page, "Checkout")
    await hand_on.open_as_a_stranger(browser, link)
    await page.goto(f"{server.base_url}{server.page(replay['replay_id'])}")
    await page.locator("header details summary").last.click()
    await page.locator("header a[href$='/delete'], header button[data-opens]").last.click()
    dialog = page.locator("#delete-dialog")
    await expect(dialog).to_be_visible()
    await dialog.locator("button[data-kind=danger]").click()
    await page.wait_for_url("**/replays**")
    await expect(page.locator(f"a[href*='{replay['replay_id']}']")).to_have_count(0)
    await hand_on.refuse_a_stranger(browser, link)


async def check_preview_of_issue(page: Page, facts: truth.Truth) -> None:
    """Follow the backend's error to its issue, and play the clip around it to its end."""
    await page.locator("article.error[data-source=backend] a[href*='/issues/']").click()
    clip = page.locator("[data-preview]")
    moments = [await clip.get_attribute(f"data-{name}-ms") for name in ("from", "at", "to")]
    from_ms, at_ms, to_ms = (int(moment or "") for moment in moments)
    assert at_ms - from_ms == to_ms - at_ms == 5_000
    await wait_until_true(page, "window.pb !== undefined")
    await page.evaluate("pb.ready")
    assert await page.evaluate("pb.time()") == at_ms
    await wait_until_true(page, f"look.colour() === {facts.at(at_ms).colour}")
    toggle = page.locator("[data-preview-toggle]")
    await toggle.click()
    await wait_until_true(page, f"pb.time() > {from_ms} && pb.time() < {at_ms}")
    await page.evaluate("(ms) => pb.seek(ms)", to_ms - 300)
    await expect(toggle).to_have_text("Play", use_inner_text=True)
    assert await page.evaluate("pb.time()") >= to_ms
    await page.locator("[data-preview-moment]").click()
    await wait_until_true(page, f"pb.time() === {at_ms}")
    await page.locator(".preview a[href*='?t=']").click()
    await page.wait_for_url(f"**t={at_ms / 1000:g}*")


async def watch_in_browser(postgres_url: str, template: str, folder: Path) -> list[str]:
    """Start server and browser, watch the replay, and return what was written to the console."""
    console_lines: list[str] = []
    async for url in postgres._fresh_database(postgres_url, template=template):
        async with running(url, folder, pictures=True) as server, async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=chromium.PROGRAM, args=chromium.ARGUMENTS
            )
            page = await browser.new_page(viewport={"width": 1440, "height": 900})
            page.on("console", lambda message: console_lines.append(message.text))
            page.on("pageerror", lambda error: console_lines.append(str(error)))
            look = _LOOK.replace("PALETTE", json.dumps(PALETTE + _CLIP_ENDS))
            await page.add_init_script(look)
            await watch_and_delete_replay(server, browser, page)
            await browser.close()
    return console_lines


def run_in_thread(work: Callable[[], Coroutine[Any, Any, list[str]]]) -> list[str]:
    """Run work on an event loop in another thread, and raise its error in this one."""
    results: list[list[str]] = []
    errors: list[BaseException] = []

    def go() -> None:
        try:
            results.append(asyncio.run(work()))
        except BaseException as error:  # noqa: BLE001 - handed over to the test's thread
            errors.append(error)

    thread = threading.Thread(target=go)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_replay_is_found_watched_handed_on_and_deleted(postgres_url, template_database, tmp_path):
    """A person finds, watches, shares and deletes a replay; nothing is written to the console."""
    assert run_in_thread(lambda: watch_in_browser(postgres_url, template_database, tmp_path)) == []
