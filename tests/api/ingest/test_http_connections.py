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
from tests.support.waiting import PATIENCE_S, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

BODY = envelopes.event_envelope()


def event_envelope(number: int) -> bytes:
    """Return an envelope whose event has this number as its id."""
    event_id = f"{number:032x}"
    return envelopes.envelope(
        {"event_id": event_id}, envelopes.item("event", payloads.event(event_id))
    )


class HeldJournal:
    """A journal that writes entries, but reports no result until it is released."""

    def __init__(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        journal = server.service.ingest.journal
        append = journal.append
        self.waiting: list[Callable[[], None]] = []
        self.is_held = True

        def append_and_hold(
            *, on_settled: Callable[[ServiceUnavailable | None], None], **facts: object
        ) -> int:
            def hold_result(error: ServiceUnavailable | None) -> None:
                self.waiting.append(lambda: on_settled(error))
                if not self.is_held:
                    self.release()

            return append(on_settled=hold_result, **facts)  # type: ignore[arg-type]  # handed on as they are

        monkeypatch.setattr(journal, "append", append_and_hold)

    async def wait_for_entries(self, entries: int = 1) -> None:
        """Wait until this many entries are on disk and have no answer."""
        await until(lambda: len(self.waiting) >= entries)

    def release(self) -> None:
        """Report all results, now and from now on."""
        self.is_held = False
        while self.waiting:
            self.waiting.pop(0)()


@pytest.fixture
def held_journal(tenant, monkeypatch):
    """Hold the journal of the tenant's server."""
    return HeldJournal(tenant, monkeypatch)


@pytest.fixture
def connections(monkeypatch):
    """Record the connections that are made from now on."""
    recorded: list[HttpConnection] = []
    original = HttpConnection.connection_made

    def record_connection(self, transport):
        recorded.append(self)
        original(self, transport)

    monkeypatch.setattr(HttpConnection, "connection_made", record_connection)
    return recorded


async def test_a_connection_is_kept_for_further_requests(tenant):
    """One envelope after another is read from the same connection, with pages in between."""
    async with open_raw_connection(tenant) as wire:
        for number in range(1, 4):
            wire.send(post(tenant, event_envelope(number)))
            answer = await wire.answer()
            assert (answer.status, json.loads(answer.body)["id"]) == (200, f"{number:032x}")
            assert "connection" not in answer.headers
            wire.send(LIVE)
            assert (await wire.answer()).status == 200


async def test_a_repeated_head_is_read_wherever_it_is_cut(tenant):
    """A head may give another length, come in two parts, and have the next request behind it."""
    requests = [post(tenant, event_envelope(1)), post(tenant, event_envelope(10**9) + b"\n" * 7)]
    async with open_raw_connection(tenant) as wire:
        for request in (*requests, *requests):
            wire.send(request)
            assert (await wire.answer()).status == 200
        for at in (1, 40, requests[1].index(b"\r\n\r\n") + 2, len(requests[1]) - 1):
            wire.send(requests[1][:at])
            await wire.writer.drain()
            await asyncio.sleep(0)
            wire.send(requests[1][at:])
            answer = await wire.answer()
            assert (answer.status, json.loads(answer.body)["id"]) == (200, f"{10**9:032x}")
        wire.send(requests[0] + requests[1] + LIVE + requests[0])
        assert [(await wire.answer()).status for _ in range(4)] == [200] * 4
    await tenant.settled()
    assert (await tenant.outcomes())[("event", "kept", "")] == 2


async def test_a_repeated_head_can_be_refused(tenant):
    """A body that is too long is refused at once, and a broken one when it has come."""
    limit = LIMITS.body_bytes
    async with open_raw_connection(tenant) as wire:
        wire.send(post(tenant, BODY))
        assert (await wire.answer()).status == 200
        wire.send(post(tenant, b"{" + BODY))
        assert (await wire.answer()).status == 400
        wire.send(head(tenant, f"Content-Length: {limit + 1}") + b"x")
        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"]) == (413, "close")


async def test_a_sender_that_expects_100_continue_gets_it_once(tenant):
    """The next request on the same connection is not asked for its body."""
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


async def test_an_answer_has_the_headers_that_senders_need(tenant):
    """An answer has date, length and CORS headers, and does not name the server."""
    async with open_raw_connection(tenant) as wire:
        wire.send(post(tenant, BODY))
        answer = await wire.answer()
    assert answer.headers["date"].endswith(" GMT")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "server" not in answer.headers


async def test_pipelined_requests_are_answered_in_order(tenant, held_journal):
    """While the first request waits for the disk, no page and no envelope behind it is answered."""
    async with open_raw_connection(tenant) as wire:
        refused = head(tenant, "Content-Length: 0", path="/api/x/envelope/")
        wire.send(
            post(tenant, event_envelope(1))
            + LIVE
            + refused
            + post(tenant, event_envelope(2))
            + OPTIONS
        )
        await held_journal.wait_for_entries()
        assert wire.reader._buffer == b""  # type: ignore[attr-defined]  # what has come
        held_journal.release()
        answers = [await wire.answer() for _ in range(5)]
    assert [answer.status for answer in answers] == [200, 200, 400, 200, 200]
    assert json.loads(answers[0].body) == {"id": f"{1:032x}"}
    assert "access-control-allow-origin" not in answers[1].headers
    assert json.loads(answers[3].body) == {"id": f"{2:032x}"}


async def test_many_pipelined_requests_wait_for_the_first_one(tenant, held_journal):
    """Two thousand requests behind one that waits are answered, each in its turn."""
    async with open_raw_connection(tenant) as wire:
        wire.send(post(tenant, BODY) + OPTIONS * 2_000)
        await held_journal.wait_for_entries()
        held_journal.release()
        assert [(await wire.answer()).status for _ in range(2_001)] == [200] * 2_001


async def test_a_sender_that_reads_no_answers_is_not_read_from(tenant, connections):
    """The server stops reading endless requests, and goes on when the sender reads answers."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    host, _, port = tenant.base_url.removeprefix("http://").rpartition(":")
    narrow.setblocking(False)
    await asyncio.get_running_loop().sock_connect(narrow, (host, int(port)))
    reader, writer = await asyncio.open_connection(sock=narrow, limit=4_096)
    sent_requests = 0
    while not (
        connections and connections[0].flow.read_paused and connections[0]._delayed_exchange
    ):
        writer.write(OPTIONS * 100)
        sent_requests += 100
        await asyncio.sleep(0)
        assert sent_requests < 1_000_000
    read_answers = 0
    async with asyncio.timeout(PATIENCE_S):
        while read_answers < sent_requests:
            read_answers += (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    assert connections[0]._delayed_exchange is None
    writer.close()


@pytest.mark.parametrize(
    ("lines", "version"),
    [(["Connection: close"], "1.1"), ([], "1.0"), (["Connection: keep-alive"], "1.0")],
)
async def test_a_connection_ends_after_the_request_that_says_so(tenant, lines, version):
    """The request has `Connection: close`, or is one of HTTP/1.0."""
    async with open_raw_connection(tenant) as wire:
        wire.send(post(tenant, BODY, *lines, version=version))
        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await wire.read_to_end() == b""


async def test_a_sender_may_close_its_half_of_the_connection(tenant, held_journal):
    """A sender that has sent a whole request gets its answer; one that stops in it does not."""
    async with open_raw_connection(tenant) as wire:
        wire.send(post(tenant, BODY))
        wire.writer.write_eof()
        await held_journal.wait_for_entries()
        held_journal.release()
        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await wire.read_to_end() == b""
    async with open_raw_connection(tenant) as wire:
        wire.send(post(tenant, BODY)[:-1])
        wire.writer.write_eof()
        assert await wire.read_to_end() == b""


@pytest.mark.parametrize("is_reset", [True, False])
async def test_a_sender_that_is_gone_is_not_answered(tenant, held_journal, caplog, is_reset):
    """The envelope is kept, since it is on disk, and nothing is written to the connection."""
    async with open_raw_connection(tenant) as wire:
        wire.send(post(tenant, BODY))
        await held_journal.wait_for_entries()
        if is_reset:
            linger = struct.pack("ii", 1, 0)
            wire.writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, linger
            )
    if is_reset:
        await until(lambda: tenant.service.endpoint.reading_bytes == 0)
    held_journal.release()
    await tenant.settled()
    await until(lambda: tenant.service.endpoint.reading_bytes == 0)
    assert await tenant.outcomes() == {("event", "kept", ""): 1}
    assert [record for record in caplog.records if record.levelname != "INFO"] == []


async def test_a_server_that_stops_answers_the_requests_it_has(tenant, held_journal, connections):
    """An idle connection is closed soon, one that waits for the disk after its answer."""
    async with open_raw_connection(tenant) as idle, open_raw_connection(tenant) as busy:
        busy.send(post(tenant, BODY))
        await held_journal.wait_for_entries()
        await until(lambda: len(connections) == 2)
        for connection in connections:
            connection.shutdown()
        assert await idle.read_to_end() == b""
        held_journal.release()
        answer = await busy.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await busy.read_to_end() == b""


async def test_a_request_that_comes_while_the_server_stops_is_answered(tenant, connections):
    """A sender that did not know is not hung up on: its connection ends with the answer."""
    async with open_raw_connection(tenant) as wire:
        wire.send(post(tenant, BODY))
        assert (await wire.answer()).status == 200
        for connection in connections:
            connection.shutdown()
        wire.send(post(tenant, BODY))
        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await wire.read_to_end() == b""


async def test_a_connection_that_comes_too_late_ends_after_its_answer(tenant, monkeypatch):
    """The listener had accepted it when the others were told that the server stops."""
    monkeypatch.setattr(tenant.service.endpoint, "is_stopping", True)
    async with open_raw_connection(tenant) as idle, open_raw_connection(tenant) as wire:
        wire.send(post(tenant, BODY))
        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await wire.read_to_end() == await idle.read_to_end() == b""


async def test_noise_behind_an_envelope_does_not_get_its_answer(tenant, held_journal):
    """A 400 for the noise would look like the answer to the envelope that waits for the disk."""
    async with open_raw_connection(tenant) as wire:
        wire.send(post(tenant, BODY) + b"no http\r\n\r\n")
        assert await wire.read_to_end() == b""
    held_journal.release()
    async with open_raw_connection(tenant) as wire:
        wire.send(b"no http\r\n\r\n")
        assert (await wire.answer()).status == 400
