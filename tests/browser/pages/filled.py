"""Runs a real server with the demo and more on it, in a thread: a page of every kind to look at.

The driver of the browser keeps an event loop running in the main thread.
"""

import asyncio
import queue
import re
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.core import clock
from app.core.ids import ReplayId, TraceId
from app.demo import send
from app.web.urls import list_urls, project_urls, replay_urls
from tests.support.builders import envelopes
from tests.support.servers import postgres
from tests.support.servers.server import Keyed, Server, running
from tests.support.waiting import PATIENCE_S

GONE: Final = "d" * 32
BROKEN: Final = "b" * 32
NOWHERE: Final = "0" * 32
PANELS: Final = ("activity", "network", "errors", "trace", "logs", "segments", "details")


@dataclass(frozen=True, slots=True)
class FilledServer:
    """The address of the server, the cookies of a signed-in person, and its pages by name."""

    base_url: str
    cookies: Mapping[str, str]
    paths: Mapping[str, str]


NAMES: Final = (
    "list", "list, nothing found", *(f"replay, {panel}" for panel in PANELS), "replay, broken",
    "replay, deleted", "replay, not found", "replay, to delete", "request", "issues", "issue",
    "issue, replays", "issue, feedback", "feedback", "projects", "project", "new project",
    "settings", "log", "log of the server", "releases", "set-up", "account", "why", "trace",
    "sign in", "nowhere", "share", "share of a part", "share, unknown",
)  # fmt: skip


@contextmanager
def run_filled_server(postgres_url: str, template: str, folder: Path) -> Iterator[FilledServer]:
    """Run a server, play the demo into it, and send what the demo lacks."""
    with run_server(postgres_url, template, folder, _fill_with_demo, pictures=True) as server:
        yield server


@contextmanager
def run_server(
    postgres_url: str,
    template: str,
    folder: Path,
    fill: Callable[[Server], Awaitable[Mapping[str, str]]],
    **changes: Any,
) -> Iterator[FilledServer]:
    """Run a server in a thread of its own.

    Args:
        postgres_url: Where to make its database.
        template: The database to copy.
        folder: For its journal and objects.
        fill: Sends what it shows, and returns its pages by name.
        changes: Settings to change.
    """
    results: queue.Queue[FilledServer | BaseException] = queue.Queue()
    end = threading.Event()

    async def serve() -> None:
        async for url in postgres._fresh_database(postgres_url, template=template):
            async with running(url, folder, **changes) as server:
                paths = await fill(server)
                cookies = {cookie.name: cookie.value or "" for cookie in server.web.cookies.jar}
                results.put(FilledServer(server.base_url, cookies, paths))
                await asyncio.to_thread(end.wait)

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001 - handed over to the test's thread
            results.put(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        result = results.get(timeout=PATIENCE_S)
        if isinstance(result, BaseException):
            raise result
        yield result
    finally:
        end.set()
        thread.join()


async def _fill_with_demo(server: Server) -> Mapping[str, str]:
    demo = await send.send_demo(
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
    return await _find_paths(server, demo.replay_id)


async def _find_paths(server: Server, replay_id: ReplayId) -> dict[str, str]:
    """Return the address of each page; random ids are read from the replay page."""
    project = project_urls.project(server.app.id)
    replay_path = server.page(replay_id)
    replay_html = (await server.web.get(replay_path)).text
    (issue, *_) = re.findall(rf'href="({project}/issues/\w+)', replay_html)
    (trace, *_) = re.findall(r"/traces/(\w{32})", replay_html)
    shares = {
        "share": await _share(server, replay_path, *PANELS),
        "share of a part": await _share(
            server, replay_path, "activity", "network", "errors", to="20000", **{"from": "8000"}
        ),
        "share, unknown": "/s/" + "a" * 43,
    }
    paths = shares | {f"replay, {panel}": f"{replay_path}?t=30&tab={panel}" for panel in PANELS}
    return paths | {
        "list": list_urls.REPLAYS,
        "list, nothing found": list_urls.replays(q="user.email:nobody"),
        "replay, broken": server.page(BROKEN),
        "replay, deleted": server.page(GONE),
        "replay, not found": server.page(NOWHERE),
        "replay, to delete": f"{replay_path}/delete",
        "request": f"{replay_path}/requests/0",
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
        "log of the server": "/server/log",
        "releases": f"{project}/releases",
        "set-up": f"{project}/set-up",
        "account": "/account",
        "why": list_urls.why(replay_id),
        "trace": replay_urls.trace(TraceId(trace)),
        "sign in": "/sign-in",
        "nowhere": "/there/is/no/such/page",
    }


async def _share(server: Server, replay_path: str, *panels: str, **fields: str) -> str:
    """Hand a replay out; returns the path of the link."""
    answer = await server.web.post(
        f"{replay_path}/shares",
        data={"panel": list(panels), "days": "7", **fields},
        headers={"accept": "application/json"},
    )
    return str(answer.json()["path"])


def _dsn(server: Server, to: Keyed) -> str:
    host = server.base_url.removeprefix("http://")
    return f"http://{to.key}@{host}/{to.id}"
