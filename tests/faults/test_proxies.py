"""What a phone sees through nginx and Caddy: 200, a refusal, or the end of its connection."""

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from app.core.errors import ServiceUnavailable
from app.core.limits import LIMITS
from app.db.engine import Database
from tests.support import programme_size
from tests.support.builders import envelopes
from tests.support.report import Report
from tests.support.servers import process, proxies
from tests.support.servers.server import Keyed, Server, exchange, keyed
from tests.support.waiting import until, until_asked

KINDS = ("caddy", "nginx")
SENDERS = 8
RESTARTS = programme_size.rounds(ci=2, nightly=25)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each proxy in turn."""
    found: str = request.param
    return found


@pytest.fixture
async def proxy(server: Server, tmp_path: Path, kind: str) -> AsyncIterator[str]:
    """The address of a proxy in front of the server."""
    upstream = server.base_url.removeprefix("http://")
    async with proxies.in_front_of(upstream, tmp_path / "proxy", kind=kind) as address:
        yield address


def request_of(to: Keyed, body: bytes) -> bytes:
    """A whole request; the sender wants no other."""
    head = (
        f"POST /api/{to.id}/envelope/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        f"X-Sentry-Auth: {envelopes.auth_header(to.key)}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def status_of(answer: bytes) -> str:
    """The status of an answer; empty if there was no answer at all."""
    return answer.split(b" ")[1].decode() if answer else ""


async def test_good_and_bad_pass(server: Server, proxy: str):
    """An envelope is answered 200 with its id, one that can never be kept is refused with words."""
    good = await exchange(proxy, request_of(server.app, envelopes.event_envelope()))
    assert status_of(good) == "200"
    assert b'{"id": "' in good
    bad = await exchange(proxy, request_of(server.app, b"no envelope"))
    assert status_of(bad) == "400"
    assert b"envelope header" in bad
    await server.settled()
    assert (await server.outcomes())["event", "kept", ""] == 1


async def test_what_cannot_be_kept_now_ends_the_connection(
    server: Server, proxy: str, monkeypatch: pytest.MonkeyPatch
):
    """The journal cannot write: not one byte reaches the phone, so it keeps its envelope."""

    def fail(*_args: object, **_fields: object) -> int:
        raise ServiceUnavailable("the disk is full")

    request = request_of(server.app, envelopes.event_envelope())
    with monkeypatch.context() as broken:
        broken.setattr(server.service.ingest.journal, "append", fail)
        assert await exchange(proxy, request) == b""
    assert status_of(await exchange(proxy, request)) == "200"


async def test_largest_body_passes(server: Server, proxy: str):
    """Proxies let through what Playhead takes, and what is larger is refused as it would be."""
    line = b'{"event_id":"%s"}\n{"type":"profile","length":%d}\n' % (b"a" * 32, 100_000_000)
    rest = LIMITS.body_bytes - len(line)
    largest = line.replace(b"100000000", str(rest).encode()) + bytes(rest)
    assert len(largest) == LIMITS.body_bytes
    assert status_of(await exchange(proxy, request_of(server.app, largest))) == "200"
    beyond = request_of(server.app, largest + b"\n")
    assert status_of(await exchange(proxy, beyond)) in {"413", ""}


async def test_metrics_stay_inside(server: Server, proxy: str):
    """The world sees pages and the ingest doors, not the figures."""
    ask = b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    assert status_of(await exchange(proxy, ask % b"/metrics")) == "404"
    assert status_of(await exchange(proxy, ask % b"/health/live")) == "200"


async def test_server_that_is_away_is_no_answer(tmp_path: Path, kind: str):
    """Nobody listens: phones see a connection that ends, people a page that says so."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        upstream = f"127.0.0.1:{free.getsockname()[1]}"
    to = Keyed(1, "a" * 32)  # type: ignore[arg-type] # nobody is there to look at them
    async with proxies.in_front_of(upstream, tmp_path / "proxy", kind=kind) as proxy:
        for path in (b"/api/1/envelope/", b"/api/1/store/", b"/api/envelope/", b"/api/store"):
            request = request_of(to, b"{}").replace(b"/api/1/envelope/", path)
            assert await exchange(proxy, request) == b""
        page = b"GET /replays HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        assert status_of(await exchange(proxy, page)) == "502"


async def test_rolling_restart_loses_nothing(
    database_url: str, tmp_path: Path, report: Report, kind: str
):
    """Restarted under load, no 5xx is seen, and every envelope that got a 200 is there."""
    database = Database.open(database_url, pool_size=1)
    to = await keyed(database, "App")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    seen: set[str] = set()
    kept: set[str] = set()
    over = asyncio.Event()

    async def send(proxy: str) -> None:
        while not over.is_set():
            event_id = uuid.uuid4().hex
            request = request_of(to, envelopes.event_envelope(event_id=event_id))
            # A phone keeps what was not answered, and sends it again.
            status = ""
            while not status and not over.is_set():
                status = status_of(await exchange(proxy, request))
                seen.add(status)
                await asyncio.sleep(0 if status else 0.2)
            if status == "200":
                kept.add(event_id)

    async with (
        proxies.in_front_of(f"127.0.0.1:{port}", tmp_path / "proxy", kind=kind) as proxy,
        asyncio.TaskGroup() as senders,
    ):
        for _ in range(SENDERS):
            senders.create_task(send(proxy))
        for _ in range(RESTARTS):
            await _serve_a_while(database_url, tmp_path / "data", port, kept)
        over.set()
    assert seen - {""} == {"200"}

    async def are_all_stored() -> bool:
        async with database.reading() as connection:
            rows = (await connection.execute(text("select event_id from events"))).scalars()
            return kept <= {each.hex for each in rows}

    with process.launch_and_wait(database_url, tmp_path / "data", port=port):
        await until_asked(are_all_stored)
    await database.close()
    report.round(proxy=kind, restarts=RESTARTS, acks=len(kept), kept=len(kept), lost=0)


async def _serve_a_while(database_url: str, folder: Path, port: int, kept: set[str]) -> None:
    """Run a server until it has taken some more, then tell it to stop."""
    before = len(kept)
    serving = process.launch_and_wait(database_url, folder, port=port)
    await asyncio.to_thread(serving.__enter__)
    try:
        await until(lambda: len(kept) > before + 5 * SENDERS)
    finally:
        await asyncio.to_thread(serving.__exit__, None, None, None)
