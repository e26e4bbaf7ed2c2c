"""Hand-written connections to the ingest endpoints: the order of answers, and how they end."""

import asyncio
import json
import socket
import struct
from collections.abc import Callable

import pytest

from app.api.connection import HttpConnection
from app.core.errors import ServiceUnavailable
from app.core.limits import LIMITS
from tests.support.builders import envelopes, payloads
from tests.support.raw_http import LIVE, OPTIONS, head, open_raw_connection, post
from tests.support.servers.server import Server
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

BODY = envelopes.event_envelope()


def event_of(number: int) -> bytes:
    """Return an envelope whose event has a number for its id."""
    event_id = f"{number:032x}"
    return envelopes.envelope(
        {"event_id": event_id}, envelopes.item("event", payloads.event(event_id))
    )


class Held:
    """A journal that tells nobody until it is let go."""

    def __init__(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        journal = server.service.ingest.journal
        append = journal.append
        self.waiting: list[Callable[[], None]] = []
        self.is_held = True

        def held(
            *, on_settled: Callable[[ServiceUnavailable | None], None], **facts: object
        ) -> int:
            def told(error: ServiceUnavailable | None) -> None:
                self.waiting.append(lambda: on_settled(error))
                if not self.is_held:
                    self.let_go()

            return append(on_settled=told, **facts)  # type: ignore[arg-type]  # handed on as they are

        monkeypatch.setattr(journal, "append", held)

    async def reached(self, entries: int = 1) -> None:
        """Wait until so many are on disk, and not answered."""
        await until(lambda: len(self.waiting) >= entries)

    def let_go(self) -> None:
        """Let everybody be told, now and from now on."""
        self.is_held = False
        while self.waiting:
            self.waiting.pop(0)()


@pytest.fixture
def held(tenant, monkeypatch):
    """A journal that is held."""
    return Held(tenant, monkeypatch)


@pytest.fixture
def connections(monkeypatch):
    """The connections that are made from now on."""
    made: list[HttpConnection] = []
    real = HttpConnection.connection_made

    def noting(self, transport):
        made.append(self)
        real(self, transport)

    monkeypatch.setattr(HttpConnection, "connection_made", noting)
    return made


async def test_a_connection_is_kept(tenant):
    """One envelope after another on the same connection, pages in between."""
    async with open_raw_connection(tenant) as wire:
        for number in range(1, 4):
            wire.send(post(tenant, event_of(number)))
            answer = await wire.answer()
            assert (answer.status, json.loads(answer.body)["id"]) == (200, f"{number:032x}")
            assert "connection" not in answer.headers
            wire.send(LIVE)
            assert (await wire.answer()).status == 200


async def test_a_repeated_head_is_read_wherever_it_is_cut(tenant):
    """It may have another length, come in two parts, and have the next request right behind it."""
    sizes = [post(tenant, event_of(1)), post(tenant, event_of(10**9) + b"\n" * 7)]
    async with open_raw_connection(tenant) as wire:
        for whole in (*sizes, *sizes):
            wire.send(whole)
            assert (await wire.answer()).status == 200
        for at in (1, 40, sizes[1].index(b"\r\n\r\n") + 2, len(sizes[1]) - 1):
            wire.send(sizes[1][:at])
            await wire.writer.drain()
            await asyncio.sleep(0)
            wire.send(sizes[1][at:])
            answer = await wire.answer()
            assert (answer.status, json.loads(answer.body)["id"]) == (200, f"{10**9:032x}")
        wire.send(sizes[0] + sizes[1] + LIVE + sizes[0])
        assert [(await wire.answer()).status for _ in range(4)] == [200] * 4
    await tenant.settled()
    assert (await tenant.outcomes())[("event", "kept", "")] == 2


async def test_a_repeated_head_can_be_refused(tenant):
    """With a body that is too long: at once; with one that is broken: when it has come."""
    limit = LIMITS.body_bytes
    async with open_raw_connection(tenant) as wire:
        wire.send(post(tenant, BODY))
        assert (await wire.answer()).status == 200
        wire.send(post(tenant, b"{" + BODY))
        assert (await wire.answer()).status == 400
        wire.send(head(tenant, f"Content-Length: {limit + 1}") + b"x")
        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"]) == (413, "close")


async def test_who_expects_to_be_asked_is_asked(tenant):
    """It is asked once, and the next request on the same connection is not."""
    async with open_raw_connection(tenant) as wire:
        wire.send(post(tenant, BODY))
        assert (await wire.answer()).status == 200
        wire.send(head(tenant, "Expect: 100-continue", f"Content-Length: {len(BODY)}"))
        assert (await wire.answer()).status == 100
        wire.send(BODY)
        assert (await wire.answer()).status == 200
        wire.send(head(tenant, f"Content-Length: {len(BODY)}"))
        await wire.writer.drain()
        wire.send(BODY)
        assert (await wire.answer()).status == 200


async def test_an_answer_has_its_headers(tenant):
    """Date and length, what browsers need, and not the name of the server."""
    async with open_raw_connection(tenant) as wire:
        wire.send(post(tenant, BODY))
        answer = await wire.answer()
    assert answer.headers["date"].endswith(" GMT")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "server" not in answer.headers


async def test_pipelined_requests_are_answered_in_order(tenant, held):
    """While the first waits for the disk nothing behind it is answered, page or envelope."""
    async with open_raw_connection(tenant) as wire:
        refused = head(tenant, "Content-Length: 0", path="/api/x/envelope/")
        wire.send(post(tenant, event_of(1)) + LIVE + refused + post(tenant, event_of(2)) + OPTIONS)
        await held.reached()
        assert wire.reader._buffer == b""  # type: ignore[attr-defined]  # what has come
        held.let_go()
        answers = [await wire.answer() for _ in range(5)]
    assert [each.status for each in answers] == [200, 200, 400, 200, 200]
    assert json.loads(answers[0].body) == {"id": f"{1:032x}"}
    assert "access-control-allow-origin" not in answers[1].headers
    assert json.loads(answers[3].body) == {"id": f"{2:032x}"}


async def test_many_pipelined_requests_wait_for_one(tenant, held):
    """Two thousand behind one that waits are answered, each in a turn of its own."""
    async with open_raw_connection(tenant) as wire:
        wire.send(post(tenant, BODY) + OPTIONS * 2_000)
        await held.reached()
        held.let_go()
        assert [(await wire.answer()).status for _ in range(2_001)] == [200] * 2_001


async def test_who_does_not_read_answers_is_not_read_from(tenant, connections):
    """Requests without end, no answer read: the server stops reading, and goes on when it may."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    host, _, port = tenant.base_url.removeprefix("http://").rpartition(":")
    narrow.setblocking(False)
    await asyncio.get_running_loop().sock_connect(narrow, (host, int(port)))
    reader, writer = await asyncio.open_connection(sock=narrow, limit=4_096)
    sent = 0
    while not (
        connections and connections[0].flow.read_paused and connections[0]._delayed_exchange
    ):
        writer.write(OPTIONS * 100)
        sent += 100
        await asyncio.sleep(0)
        assert sent < 1_000_000
    answered = 0
    async with asyncio.timeout(60):
        while answered < sent:
            answered += (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    assert connections[0]._delayed_exchange is None
    writer.close()


@pytest.mark.parametrize(
    ("lines", "version"),
    [(["Connection: close"], "1.1"), ([], "1.0"), (["Connection: keep-alive"], "1.0")],
)
async def test_a_connection_ends_where_the_sender_says(tenant, lines, version):
    """After `Connection: close`, and after a request of HTTP/1.0."""
    async with open_raw_connection(tenant) as wire:
        wire.send(post(tenant, BODY, *lines, version=version))
        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await wire.rest() == b""


async def test_a_sender_may_close_its_half(tenant, held):
    """Who has sent all it will is answered all the same; who stops in the middle is not."""
    async with open_raw_connection(tenant) as wire:
        wire.send(post(tenant, BODY))
        wire.writer.write_eof()
        await held.reached()
        held.let_go()
        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await wire.rest() == b""
    async with open_raw_connection(tenant) as wire:
        wire.send(post(tenant, BODY)[:-1])
        wire.writer.write_eof()
        assert await wire.rest() == b""


@pytest.mark.parametrize("is_reset", [True, False])
async def test_a_sender_that_is_gone_is_not_answered(tenant, held, caplog, is_reset):
    """Its envelope is kept, since it is on disk; nothing is written to a closed connection."""
    async with open_raw_connection(tenant) as wire:
        wire.send(post(tenant, BODY))
        await held.reached()
        if is_reset:
            now = struct.pack("ii", 1, 0)
            wire.writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, now
            )
    if is_reset:
        await until(lambda: tenant.service.endpoint.reading_bytes == 0)
    held.let_go()
    await tenant.settled()
    await until(lambda: tenant.service.endpoint.reading_bytes == 0)
    assert await tenant.outcomes() == {("event", "kept", ""): 1}
    assert [each for each in caplog.records if each.levelname != "INFO"] == []


async def test_a_server_that_stops_answers_what_it_has(tenant, held, connections):
    """An idle connection is closed at once, one that waits for the disk after its answer."""
    async with open_raw_connection(tenant) as idle, open_raw_connection(tenant) as busy:
        busy.send(post(tenant, BODY))
        await held.reached()
        await until(lambda: len(connections) == 2)
        for connection in connections:
            connection.shutdown()
        assert await idle.rest() == b""
        held.let_go()
        answer = await busy.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await busy.rest() == b""


async def test_noise_behind_an_envelope_takes_no_answer(tenant, held):
    """While an envelope waits for the disk, a 400 for what follows would stand in its place."""
    async with open_raw_connection(tenant) as wire:
        wire.send(post(tenant, BODY) + b"no http\r\n\r\n")
        assert await wire.rest() == b""
    held.let_go()
    async with open_raw_connection(tenant) as wire:
        wire.send(b"no http\r\n\r\n")
        assert (await wire.answer()).status == 400
