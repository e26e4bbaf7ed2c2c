"""Fixtures that start a server with recorded replays and a browser that plays them."""

import threading
import time
from collections.abc import Iterator
from typing import Final

import pytest
import uvicorn
from playwright.sync_api import Browser, sync_playwright

from tests.browser.player import replays
from tests.browser.player.serve import Server
from tests.browser.player.watching import Watching
from tests.support import chromium
from tests.support.waiting import PATIENCE_S

FAMILIES: Final = ("android-session-full-a", "android-rotation-a", "android-gap-a", "android-vfr-a")
OTHERS: Final = (
    "android-anr-a", "android-buffer-a", "android-crash-a", "android-idle-a", "android-text-a",
    "delivery-shuffled-a", "flutter-android-a", "ios-session-a", "rn-android-a",
)  # fmt: skip
WITHOUT: Final = {
    "webcodecs": "",
    "mse": "delete window.VideoDecoder",
    "file": "delete window.VideoDecoder; delete window.MediaSource",
    "mse that never seeks": """
        delete window.VideoDecoder;
        const media = HTMLMediaElement.prototype;
        const time = Object.getOwnPropertyDescriptor(media, "currentTime");
        const fed = new Set(), name = URL.createObjectURL;
        URL.createObjectURL = (of) => {
            const url = name(of);
            if (of instanceof MediaSource) fed.add(url);
            return url;
        };
        Object.defineProperty(media, "currentTime", {
            ...time, set(to) { if (!fed.has(this.src)) time.set.call(this, to); },
        });
    """,
}


class Running(Server):
    """A server and the address it listens on."""

    url = ""


@pytest.fixture(scope="session")
def server() -> Iterator[Running]:
    """Run the server with the recorded replays in a thread of its own."""
    running = Running()
    running.replays.update({name: replays.of_family(name) for name in FAMILIES + OTHERS})
    uvicorn_server = uvicorn.Server(uvicorn.Config(running.app(), port=0, log_level="warning"))
    thread = threading.Thread(target=uvicorn_server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE_S
    while not uvicorn_server.started:
        assert time.monotonic() < deadline, "the server does not start"
        thread.join(0.01)
    port = uvicorn_server.servers[0].sockets[0].getsockname()[1]
    running.url = f"http://localhost:{port}"
    yield running
    uvicorn_server.should_exit = True
    thread.join(PATIENCE_S)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium, once for each file.

    While Playwright lives it keeps an event loop running in this thread, so no asynchronous test
    of another file could run.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.PROGRAM, args=chromium.ARGUMENTS
        )
        yield browser
        browser.close()


@pytest.fixture(params=["webcodecs", "mse"])
def engine(request: pytest.FixtureRequest) -> str:
    """Return the name of each decoding engine in turn."""
    name: str = request.param
    return name


@pytest.fixture
def watching(server: Running, browser: Browser, engine: str) -> Iterator[Watching]:
    """Open a page whose browser supports the engine and no better one."""
    with browser.new_context(viewport={"width": 500, "height": 500}) as context:
        page = context.new_page()
        page.add_init_script(WITHOUT[engine])
        watching = Watching(page, server.url)
        yield watching
        assert watching.errors == []
    server.refuse_stream_with = None
