"""Through nginx and Caddy a phone sees a 200, a refusal, or the end of its connection."""

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import text

from app.core.errors import ServiceUnavailable
from app.core.limits import LIMITS
from app.db.engine import Database
from app.rest import entry
from tests.support import programme_size
from tests.support.builders import envelopes
from tests.support.builders.api_tokens import make_token
from tests.support.report import Report
from tests.support.servers import process, proxies
from tests.support.servers.ports import find_free_port
from tests.support.servers.server import Keyed, Server, exchange, keyed
from tests.support.waiting import PATIENCE_S, until, until_asked

KINDS = ("caddy", "nginx")
SENDERS = 8
RESTARTS = programme_size.rounds(ci=2, nightly=25)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Return the name of each proxy in turn."""
    name: str = request.param
    return name


@pytest.fixture
async def proxy(server: Server, tmp_path: Path, kind: str) -> AsyncIterator[str]:
    """Run a proxy in front of the server and return its address."""
    upstream = server.base_url.removeprefix("http://")
    async with proxies.in_front_of(upstream, folder=tmp_path / "proxy", kind=kind) as address:
        yield address


def make_request(to: Keyed, body: bytes) -> bytes:
    """Make a whole request, after which the connection ends."""
    head = (
        f"POST /api/{to.id}/envelope/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        f"X-Sentry-Auth: {envelopes.auth_header(to.key)}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def read_status(answer: bytes) -> str:
    """Return the status of an answer, or an empty string if there was no answer."""
    return answer.split(b" ")[1].decode() if answer else ""


async def test_answers_and_refusals_pass_the_proxy(server: Server, proxy: str):
    """A good envelope is answered 200 with its id, and a bad one is refused with a reason."""
    accepted = await exchange(proxy, make_request(server.app, envelopes.event_envelope()))
    assert read_status(accepted) == "200"
    assert b'{"id": "' in accepted
    refused = await exchange(proxy, make_request(server.app, b"no envelope"))
    assert read_status(refused) == "400"
    assert b"envelope header" in refused
    await server.settled()
    assert (await server.outcomes())["event", "kept", ""] == 1


async def test_an_envelope_that_cannot_be_kept_ends_the_connection(
    server: Server, proxy: str, monkeypatch: pytest.MonkeyPatch
):
    """While the journal cannot write, no byte reaches the phone, so it keeps its envelope."""

    def fail(*_args: object, **_fields: object) -> int:
        raise ServiceUnavailable("the disk is full")

    request = make_request(server.app, envelopes.event_envelope())
    with monkeypatch.context() as broken:
        broken.setattr(server.service.ingest.journal, "append", fail)
        assert await exchange(proxy, request) == b""
    assert read_status(await exchange(proxy, request)) == "200"


async def test_answers_to_build_servers_pass_the_proxy(
    server: Server, proxy: str, monkeypatch: pytest.MonkeyPatch
):
    """Below /api/0/ a 503 passes as it is, for a new try, and names keep their encoded slash."""
    secret = await make_token(server.database, server.app.id)
    async with httpx2.AsyncClient(
        base_url=proxy,
        headers={"Authorization": f"Bearer {secret}"},
        trust_env=False,
        timeout=PATIENCE_S,
    ) as client:
        releases = "/api/0/organizations/playhead/releases/"
        answer = await client.post(releases, json={"version": "a/b%2Fc"})
        assert answer.status_code == 201, answer.text
        shown = await client.get(f"{releases}a%2Fb%252Fc/")
        assert shown.json()["version"] == "a/b%2Fc"
        monkeypatch.setattr(entry, "_MOST_REQUESTS", 0)
        busy = await client.get("/api/0/")
        assert (busy.status_code, busy.headers["retry-after"]) == (503, "2")


async def test_the_largest_body_passes_the_proxy(server: Server, proxy: str):
    """Proxies pass the largest body that Playhead takes, and anything larger is refused."""
    head_lines = b'{"event_id":"%s"}\n{"type":"profile","length":%d}\n' % (b"a" * 32, 100_000_000)
    payload_bytes = LIMITS.body_bytes - len(head_lines)
    largest = head_lines.replace(b"100000000", str(payload_bytes).encode()) + bytes(payload_bytes)
    assert len(largest) == LIMITS.body_bytes
    assert read_status(await exchange(proxy, make_request(server.app, largest))) == "200"
    too_large = make_request(server.app, largest + b"\n")
    assert read_status(await exchange(proxy, too_large)) in {"413", ""}


async def test_a_proxy_hides_the_metrics(server: Server, proxy: str):
    """The proxy passes pages and ingest endpoints, but not the metrics."""
    request_format = b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    assert read_status(await exchange(proxy, request_format % b"/metrics")) == "404"
    assert read_status(await exchange(proxy, request_format % b"/health/live")) == "200"


async def test_a_proxy_without_its_server_hangs_up_on_phones(tmp_path: Path, kind: str):
    """Without the server phones get no answer, and people learn that there is none."""
    upstream = f"127.0.0.1:{find_free_port()}"
    to = Keyed(1, "a" * 32)  # type: ignore[arg-type] # no server checks these ids
    async with proxies.in_front_of(upstream, folder=tmp_path / "proxy", kind=kind) as proxy:
        page = b"GET /replays HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        requests = [
            make_request(to, b"{}").replace(b"/api/1/envelope/", path)
            for path in (b"/api/1/envelope/", b"/api/1/store/", b"/api/envelope/", b"/api/store")
        ]
        # At once: Caddy waits some seconds for the server to come back.
        answers = await asyncio.gather(*(exchange(proxy, each) for each in (*requests, page)))
    assert answers[:-1] == [b""] * 4
    assert read_status(answers[-1]) in {"502", "503"}


@pytest.mark.parametrize(("kind", "statuses"), [("nginx", {"200"}), ("caddy", {"200", ""})])
async def test_a_door_that_hangs_is_given_up_before_the_phone_does(
    server: Server, tmp_path: Path, kind: str, statuses: set[str]
):
    """Nginx asks the next door, Caddy hangs up; no phone waits for the door or sees a 5xx."""
    request = make_request(server.app, envelopes.event_envelope())
    with socket.create_server(("127.0.0.1", 0), backlog=64) as hanging:
        upstreams = (
            f"127.0.0.1:{hanging.getsockname()[1]}", server.base_url.removeprefix("http://"),
        )  # fmt: skip
        folder = tmp_path / "proxy"
        async with proxies.in_front_of(
            *upstreams, folder=folder, kind=kind, is_impatient=True
        ) as proxy:
            answers = await asyncio.gather(
                *(exchange(proxy, request, source=f"127.0.1.{number}") for number in range(8))
            )
        hanging.setblocking(False)
        hanging.accept()[0].close()  # the proxy has asked it
    assert {read_status(answer) for answer in answers} == statuses


async def test_a_restart_under_load_loses_nothing(
    database_url: str, tmp_path: Path, report: Report, kind: str
):
    """No 5xx is seen during restarts under load, and every envelope with a 200 is kept."""
    database = Database.open(database_url, pool_size=1)
    to = await keyed(database, "App")
    port = find_free_port()
    statuses: set[str] = set()
    kept: set[str] = set()
    over = asyncio.Event()

    async def send(proxy: str) -> None:
        while not over.is_set():
            event_id = uuid.uuid4().hex
            request = make_request(to, envelopes.event_envelope(event_id=event_id))
            # A phone keeps an envelope that got no answer, and sends it again.
            status = ""
            while not status and not over.is_set():
                status = read_status(await exchange(proxy, request))
                statuses.add(status)
                await asyncio.sleep(0 if status else 0.2)
            if status == "200":
                kept.add(event_id)

    async with (
        proxies.in_front_of(f"127.0.0.1:{port}", folder=tmp_path / "proxy", kind=kind) as proxy,
        asyncio.TaskGroup() as senders,
    ):
        for _ in range(SENDERS):
            senders.create_task(send(proxy))
        for _ in range(RESTARTS):
            await _serve_a_while(database_url, tmp_path / "data", port, kept)
        over.set()
    assert statuses - {""} == {"200"}

    async def are_all_stored() -> bool:
        async with database.reading() as connection:
            rows = (await connection.execute(text("select event_id from events"))).scalars()
            return kept <= {event_id.hex for event_id in rows}

    with process.launch_and_wait(database_url, tmp_path / "data", port=port):
        await until_asked(are_all_stored)
    await database.close()
    report.round(proxy=kind, restarts=RESTARTS, acks=len(kept), kept=len(kept), lost=0)


async def _serve_a_while(database_url: str, folder: Path, port: int, kept: set[str]) -> None:
    """Run a server until it has taken some more envelopes, then stop it."""
    count_before = len(kept)
    serving = process.launch_and_wait(database_url, folder, port=port)
    await asyncio.to_thread(serving.__enter__)
    try:
        await until(lambda: len(kept) > count_before + 5 * SENDERS)
    finally:
        await asyncio.to_thread(serving.__exit__, None, None, None)
