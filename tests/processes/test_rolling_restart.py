"""A5: two servers behind one proxy restart in turn, and neither phones nor people notice."""

import asyncio
import contextlib
import itertools
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import text

from app.accounts import queries as accounts, sign_ins
from app.db.engine import Database
from tests.support import programme_size
from tests.support.builders import envelopes
from tests.support.report import Report
from tests.support.servers import process, proxies
from tests.support.servers.ports import find_free_port
from tests.support.servers.postgres import as_app
from tests.support.servers.process import ServerProcess
from tests.support.servers.server import Keyed, exchange, keyed
from tests.support.waiting import until, until_asked

SENDERS: Final = 6
VISITORS: Final = 3
PAUSE_S: Final = 0.03
"""The pause of a sender after each answer: the servers are to be busy, and no more."""
LOOK_S: Final = 0.1
"""The pause of a visitor after each page, which costs a server as much as ten envelopes."""
ROUNDS: Final = programme_size.rounds(ci=1, nightly=20)
"""How often each of the two servers is stopped, and how often it is killed."""
DRAIN_S: Final = {"caddy": 2.0, "nginx": 0.1}
"""Caddy asks for the health of a server each second; nginx notices a closed port only."""
NOTICED_S: Final = {"caddy": 2.0, "nginx": 0.0}
"""The time after which a proxy knows that a server is back: docs/deployment.md says to wait so long
before the next one is stopped. Until then Caddy knows of nobody to send an envelope to."""
MOST_HANG_UPS: Final = 0.01
"""The share of envelopes that kills may hang up on, where there are enough to tell."""
ENVELOPES_BETWEEN: Final = 30
"""Envelopes that are kept between two restarts, so that both servers are busy."""


@dataclass(slots=True)
class Traffic:
    """Phones that send errors and people who open pages, each with an address of their own."""

    proxy: str
    to: Keyed
    cookie: str
    is_over: asyncio.Event = field(default_factory=asyncio.Event)
    statuses: Counter[str] = field(default_factory=Counter)
    """Answers to phones by status; an empty string stands for a hang-up."""
    page_statuses: Counter[str] = field(default_factory=Counter)
    kept: set[str] = field(default_factory=set)
    """Events whose envelopes were answered 200."""

    async def send(self, source: str) -> None:
        """Send errors until it is over; one that got no answer is sent again."""
        while not self.is_over.is_set():
            event_id = uuid.uuid4().hex
            body = envelopes.event_envelope(event_id=event_id)
            head = (
                f"POST /api/{self.to.id}/envelope/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                f"X-Sentry-Auth: {envelopes.auth_header(self.to.key)}\r\n"
                f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            status = ""
            while not status and not self.is_over.is_set():
                status = read_status(
                    await exchange(self.proxy, head.encode() + body, source=source)
                )
                self.statuses[status] += 1
                await asyncio.sleep(PAUSE_S)
            if status == "200":
                self.kept.add(event_id)

    async def visit(self, source: str) -> None:
        """Open pages until it is over."""
        for path in itertools.cycle(("/replays", "/issues", "/account")):
            if self.is_over.is_set():
                return
            request = (
                f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {self.cookie}\r\n"
                "Connection: close\r\n\r\n"
            )
            answer = await exchange(self.proxy, request.encode(), source=source)
            self.page_statuses[read_status(answer)] += 1
            await asyncio.sleep(LOOK_S)

    async def flow(self) -> None:
        """Wait until some more envelopes were kept and some more pages came."""
        envelopes_wanted = len(self.kept) + ENVELOPES_BETWEEN
        pages_wanted = self.page_statuses.total() + 2 * VISITORS
        await until(
            lambda: (
                len(self.kept) >= envelopes_wanted and self.page_statuses.total() >= pages_wanted
            )
        )


def read_status(answer: bytes) -> str:
    """Return the status of an answer, or an empty string if there was no answer."""
    return answer.split(b" ")[1].decode() if answer else ""


class RestartingServer:
    """A server on one port and folder, which can be started again and again."""

    def __init__(self, database_url: str, folder: Path, *, drain_s: float) -> None:
        self.port = find_free_port()
        self._place = (database_url, folder)
        self._drain_s = drain_s
        self._stack = contextlib.ExitStack()
        self.process: ServerProcess

    async def start(self) -> None:
        """Start it and wait until it listens."""
        launch = process.launch_and_wait(*self._place, port=self.port, drain_s=self._drain_s)
        self.process = await asyncio.to_thread(self._stack.enter_context, launch)

    async def stop(self) -> None:
        """End it as an operator does."""
        await asyncio.to_thread(self.process.stop)

    async def kill(self) -> None:
        """End it as a fault does."""
        await asyncio.to_thread(self.process.kill)

    async def close(self) -> None:
        """End it for good, without a drain."""
        await self.kill()
        await asyncio.to_thread(self._stack.close)


@pytest.fixture
async def servers(
    database_url: str, tmp_path: Path, kind: str
) -> AsyncIterator[list[RestartingServer]]:
    """Two running servers on one database and one storage, each with its journal."""
    both = [
        RestartingServer(as_app(database_url), tmp_path / "data", drain_s=DRAIN_S[kind])
        for _ in range(2)
    ]
    await asyncio.gather(*(server.start() for server in both))
    yield both
    await asyncio.gather(*(server.close() for server in both))


async def sign_in(database: Database) -> str:
    """Return the cookie of the first admin."""
    async with database.transaction() as connection:
        person = (await accounts.list_people(connection))[0]
        token = await sign_ins.start_sign_in(connection, person.id, user_agent="")
    return f"playhead={token}"


@pytest.mark.parametrize("kind", ["caddy", "nginx"])
async def test_servers_that_restart_in_turn_are_not_missed(
    database: Database,
    servers: list[RestartingServer],
    tmp_path: Path,
    report: Report,
    kind: str,
):
    """Phones and people never see a 5xx, nothing is lost, and a stop hangs up on nobody."""
    to = await keyed(database, "App")
    upstreams = [f"127.0.0.1:{server.port}" for server in servers]
    hang_ups = {}
    async with proxies.in_front_of(*upstreams, folder=tmp_path / "proxy", kind=kind) as proxy:
        traffic = Traffic(proxy, to, await sign_in(database))
        async with asyncio.TaskGroup() as clients:
            jobs: list[Coroutine[Any, Any, None]] = [
                traffic.send(f"127.0.1.{number}") for number in range(SENDERS)
            ]
            jobs += [traffic.visit(f"127.0.2.{number}") for number in range(VISITORS)]
            for job in jobs:
                clients.create_task(job)
            await traffic.flow()
            for way, pause_s in (
                (RestartingServer.stop, NOTICED_S[kind]),
                (RestartingServer.kill, 0.0),
            ):
                before = traffic.statuses[""]
                for server in servers * ROUNDS:
                    await way(server)
                    await server.start()
                    await asyncio.sleep(pause_s)
                    await traffic.flow()
                hang_ups[way.__name__] = traffic.statuses[""] - before
            traffic.is_over.set()
    assert set(traffic.statuses) <= {"200", ""}
    assert set(traffic.page_statuses) == {"200"}
    assert hang_ups["stop"] == 0
    # nginx itself sends an envelope to the other server. Caddy hangs up on those that were on their
    # way, and on some that it sends over connections whose end it has not noticed yet.
    assert hang_ups["kill"] <= (0 if kind == "nginx" else 2 * ROUNDS * 3 * SENDERS)
    if not programme_size.IS_CI:
        assert hang_ups["kill"] <= MOST_HANG_UPS * traffic.statuses.total()
    await wait_until_all_are_stored(database, traffic.kept)
    report.round(
        proxy=kind, acks=len(traffic.kept), pages=traffic.page_statuses.total(), **hang_ups
    )


async def wait_until_all_are_stored(database: Database, kept: set[str]) -> None:
    """Wait until every event of an envelope that was answered 200 has a row."""

    async def are_all_stored() -> bool:
        async with database.reading() as connection:
            rows = (await connection.execute(text("select event_id from events"))).scalars()
            return kept <= {event_id.hex for event_id in rows}

    await until_asked(are_all_stored)
