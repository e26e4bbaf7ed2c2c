"""A real server with everything on it, in a thread of its own: a page of every kind to look at.

The driver of the browser keeps an event loop in the main thread.
"""

import asyncio
import queue
import re
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.core import clock
from app.core.ids import ReplayId, TraceId
from app.demo import send
from app.web.urls import list_urls, project_urls, replay_urls
from tests.support.builders import envelopes
from tests.support.servers import postgres
from tests.support.servers.server import Keyed, Server, running

GONE: Final = "d" * 32
BROKEN: Final = "b" * 32
NOWHERE: Final = "0" * 32
PANELS: Final = ("activity", "network", "errors", "trace", "logs", "segments", "details")
_PATIENCE_S: Final = 120


@dataclass(frozen=True, slots=True)
class Filled:
    """Where the server is, who is signed in, and its pages by name."""

    base_url: str
    cookies: Mapping[str, str]
    paths: Mapping[str, str]


NAMES: Final = (
    "list", "list, nothing found", *(f"replay, {panel}" for panel in PANELS), "replay, broken",
    "replay, deleted", "replay, not found", "replay, to delete", "request", "issues", "issue",
    "issue, replays", "issue, feedback", "feedback", "projects", "project", "new project",
    "settings", "log", "releases", "set-up", "account", "why", "trace", "sign in", "nowhere",
)  # fmt: skip


@contextmanager
def filled(postgres_url: str, template: str, folder: Path) -> Iterator[Filled]:
    """Run a server, play the demo into it, and send what the demo lacks."""
    told: queue.Queue[Filled | BaseException] = queue.Queue()
    over = threading.Event()

    async def live() -> None:
        async for url in postgres._fresh_database(postgres_url, template=template):
            async with _full(url, folder) as found:
                told.put(found)
                await asyncio.to_thread(over.wait)

    def run() -> None:
        try:
            asyncio.run(live())
        except BaseException as error:  # noqa: BLE001 - handed over to the test's thread
            told.put(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        found = told.get(timeout=_PATIENCE_S)
        if isinstance(found, BaseException):
            raise found
        yield found
    finally:
        over.set()
        thread.join()


@asynccontextmanager
async def _full(url: str, folder: Path) -> AsyncIterator[Filled]:
    async with running(url, folder, pictures=True) as server:
        played = await send.send_demo(
            _dsn(server, server.app), _dsn(server, server.backend), base_url=server.base_url, seed=4
        )
        now_ms = clock.now_ms()
        await server.take(
            envelopes.replay_video_envelope(replay_id=GONE),
            envelopes.replay_video_envelope(replay_id=BROKEN, replay_started_ms=now_ms - 20_000),
            envelopes.replay_video_envelope(
                3, replay_id=BROKEN, replay_started_ms=now_ms - 20_000, video=b"no video at all"
            ),
            envelopes.event_envelope(),
            envelopes.envelope({"event_id": "f" * 32}, envelopes.feedback_item()),
            envelopes.envelope({}, envelopes.user_report_item(), envelopes.session_item("crashed")),
            envelopes.envelope({}, envelopes.client_report_item()),
        )
        await server.web.post(f"{server.page(GONE)}/delete")
        cookies = {cookie.name: cookie.value or "" for cookie in server.web.cookies.jar}
        yield Filled(server.base_url, cookies, await _paths(server, played.replay_id))


async def _paths(server: Server, replay_id: ReplayId) -> dict[str, str]:
    """Name the pages; what has an id of chance is looked up on another page."""
    project = project_urls.project(server.app.id)
    here = server.page(replay_id)
    told = (await server.web.get(here)).text
    (issue, *_) = re.findall(rf'href="({project}/issues/\w+)', told)
    (trace, *_) = re.findall(r"/traces/(\w{32})", told)
    paths = {f"replay, {panel}": f"{here}?t=30&tab={panel}" for panel in PANELS}
    return paths | {
        "list": list_urls.REPLAYS,
        "list, nothing found": list_urls.replays(q="user.email:nobody"),
        "replay, broken": server.page(BROKEN),
        "replay, deleted": server.page(GONE),
        "replay, not found": server.page(NOWHERE),
        "replay, to delete": f"{here}/delete",
        "request": f"{here}/requests/0",
        "issues": list_urls.ISSUES,
        "issue": issue,
        "issue, replays": f"{issue}/replays",
        "issue, feedback": f"{issue}/feedback",
        "feedback": list_urls.FEEDBACK,
        "projects": project_urls.PROJECTS,
        "project": project,
        "new project": project_urls.NEW_PROJECT,
        "settings": f"{project}/settings",
        "log": f"{project}/log",
        "releases": f"{project}/releases",
        "set-up": f"{project}/set-up",
        "account": "/account",
        "why": list_urls.why(replay_id),
        "trace": replay_urls.trace(TraceId(trace)),
        "sign in": "/sign-in",
        "nowhere": "/there/is/no/such/page",
    }


def _dsn(server: Server, to: Keyed) -> str:
    host = server.base_url.removeprefix("http://")
    return f"http://{to.key}@{host}/{to.id}"
