"""Sends envelopes to a server on this machine and times its answers.

In a closed loop each connection waits for its answer and then sends the next envelope. In an open
loop envelopes are due at fixed times, and the time for which one waits for a free connection counts
as latency, so that no queue is hidden.
"""

import asyncio
import socket
from collections import Counter, deque
from dataclasses import dataclass
from typing import Final, cast, override

from app.core import clock
from bench.ingest.envelopes import EnvelopeStream

HOST: Final = "127.0.0.1"
"""The only host that envelopes are ever sent to."""
LOST: Final = 0
"""The status that stands for a connection that ended without an answer."""
_PATIENCE_S: Final = 60.0
_WRITE_BUFFER_BYTES: Final = 4 * 1024 * 1024
_SHORTEST_SLEEP_S: Final = 0.0005


@dataclass(frozen=True, slots=True)
class SendTarget:
    """The server and the project that envelopes are sent to."""

    port: int
    project: str
    key: str


@dataclass(frozen=True, slots=True)
class SendingPace:
    """The number of connections, and how long and how often they send."""

    connections: int
    seconds: float
    rate: float = 0.0
    """Envelopes a second in an open loop; 0 for a closed loop."""


@dataclass(frozen=True, slots=True)
class AnswerStatistics:
    """The answers to everything that was sent."""

    statuses: Counter[int]
    seconds: float
    """The time from the first request to the last answer."""
    latencies_ms: list[float]
    """Latencies in ascending order; in an open loop from the time when the envelope was due."""
    unsent: int
    """Envelopes that were due and found no free connection until the end."""

    def count(self) -> int:
        """Return the number of requests."""
        return self.statuses.total()

    def percentile_ms(self, share: float) -> float:
        """Return the latency that this share of the answers did not exceed."""
        return self.latencies_ms[
            min(len(self.latencies_ms) - 1, int(len(self.latencies_ms) * share))
        ]


async def send_envelopes(
    target: SendTarget, stream: EnvelopeStream, pace: SendingPace
) -> AnswerStatistics:
    """Send for so many seconds, and wait for all answers.

    Raises:
        RuntimeError: The server answered nothing.
        TimeoutError: The server does not answer any more.
    """
    load = _Load(target, stream, pace)
    for _ in range(pace.connections):
        await load.connect()
    began_s = clock.monotonic_s()
    await load.send_until_end(began_s)
    async with asyncio.timeout(_PATIENCE_S):
        await load.finish()
    took_s = max(load.last_s - began_s, 1e-6)
    if not load.latencies_ms:
        raise RuntimeError(f"port {target.port} answered nothing: {dict(load.statuses)}")
    return AnswerStatistics(load.statuses, took_s, sorted(load.latencies_ms), len(load.due))


class _Load:
    """The state that all connections share."""

    def __init__(self, target: SendTarget, stream: EnvelopeStream, pace: SendingPace) -> None:
        self.loop = asyncio.get_running_loop()
        self.statuses: Counter[int] = Counter()
        self.latencies_ms: list[float] = []
        self.due: deque[float] = deque()
        self.last_s = 0.0
        self._target, self._stream, self._pace = target, stream, pace
        self._free: list[_Connection] = []
        self._busy = 0
        self._is_sending = False
        self._all_answered = asyncio.Event()
        self._reconnecting: set[asyncio.Task[None]] = set()
        self._head = (
            f"POST /api/{target.project}/envelope/ HTTP/1.1\r\n"
            f"Host: {HOST}:{target.port}\r\n"
            "User-Agent: sentry.java.android/8.53.0\r\n"
            "X-Sentry-Auth: Sentry sentry_version=7,sentry_client=sentry.java.android/8.53.0,"
            f"sentry_key={target.key}\r\n"
            "Content-Type: application/x-sentry-envelope\r\n"
            "Content-Encoding: gzip\r\n"
            "Accept: application/json\r\n"
            "Content-Length: %d\r\n\r\n"
        ).encode()

    async def connect(self) -> None:
        """Open one more connection."""
        await self.loop.create_connection(lambda: _Connection(self), HOST, self._target.port)

    async def send_until_end(self, began_s: float) -> None:
        """Send until the time is over."""
        self._is_sending = True
        end_s = began_s + self._pace.seconds
        if self._pace.rate:
            await self._keep_pace(began_s, end_s)
            return
        free, self._free = self._free, []
        for connection in free:
            self.use(connection)
        await asyncio.sleep(end_s - clock.monotonic_s())

    async def finish(self) -> None:
        """Stop sending, wait for all answers, and close every connection."""
        self._is_sending = False
        if self._busy:
            await self._all_answered.wait()
        for connection in self._free[:]:
            connection.close()

    def use(self, connection: "_Connection") -> None:
        """Send the next envelope on a free connection, if one is due."""
        if not self._is_sending or (self._pace.rate and not self.due):
            self._free.append(connection)
            return
        due_s = self.due.popleft() if self._pace.rate else clock.monotonic_s()
        body = self._stream.next()
        self._busy += 1
        connection.send((self._head % len(body), body), due_s)

    def count_answer(self, connection: "_Connection", status: int, due_s: float) -> None:
        """Count an answer, and use its connection again."""
        self._count(status)
        self.latencies_ms.append((self.last_s - due_s) * 1_000)
        self.use(connection)

    def replace(self, connection: "_Connection", *, was_busy: bool) -> None:
        """Count the request that a closed connection lost, and open another connection."""
        if connection in self._free:
            self._free.remove(connection)
        if was_busy:
            self._count(LOST)
        if self._is_sending:
            task = self.loop.create_task(self.connect())
            self._reconnecting.add(task)
            task.add_done_callback(self._reconnecting.discard)

    def _count(self, status: int) -> None:
        self.last_s = clock.monotonic_s()
        self.statuses[status] += 1
        self._busy -= 1
        if not self._busy and not self._is_sending:
            self._all_answered.set()

    async def _keep_pace(self, due_s: float, end_s: float) -> None:
        while (now_s := clock.monotonic_s()) < end_s:
            while due_s <= now_s:
                self.due.append(due_s)
                due_s += 1 / self._pace.rate
                if self._free:
                    self.use(self._free.pop())
            await asyncio.sleep(max(_SHORTEST_SLEEP_S, due_s - now_s))


class _Connection(asyncio.Protocol):
    """A connection that is kept open, with at most one request at a time."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._answer = b""
        self._due_s: float | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast("asyncio.Transport", transport)  # uvloop's class is not a subclass of it.
        self._transport = stream
        stream.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES)
        self._load.use(self)

    @override
    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, end, body = self._answer.partition(b"\r\n\r\n")
        if not end or self._due_s is None:
            return
        _, _, length = head.lower().partition(b"\r\ncontent-length:")
        if len(body) < int(length.partition(b"\r")[0] or 0):
            return
        due_s, self._due_s, self._answer = self._due_s, None, b""
        self._load.count_answer(self, int(head[9:12]), due_s)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._load.replace(self, was_busy=self._due_s is not None)

    def send(self, request: tuple[bytes, bytes], due_s: float) -> None:
        """Send the head and the body of a request."""
        self._due_s = due_s
        if self._transport is not None:
            self._transport.writelines(request)

    def close(self) -> None:
        """Close the connection, which waits for no answer."""
        if self._transport is not None:
            self._transport.close()
