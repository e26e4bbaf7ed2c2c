"""Sends envelopes to a server on this machine and times its answers.

Closed loop: each connection waits for its answer, then sends the next. Open loop: envelopes are due
at fixed times, whoever is busy; waiting for a free connection counts, so no queue is hidden.
"""

import asyncio
import socket
from collections import Counter, deque
from dataclasses import dataclass
from typing import Final, cast, override

from app.core import clock
from bench.ingest.envelopes import Stream

HOST: Final = "127.0.0.1"
"""The only place that is ever sent to."""
LOST: Final = 0
"""Stands for the status of an envelope whose connection ended without an answer."""
_PATIENCE_S: Final = 60.0
_WRITE_BUFFER_BYTES: Final = 4 * 1024 * 1024
_SHORTEST_SLEEP_S: Final = 0.0005


@dataclass(frozen=True, slots=True)
class Door:
    """Where envelopes go."""

    port: int
    project: str
    key: str


@dataclass(frozen=True, slots=True)
class Pace:
    """How they are sent."""

    connections: int
    seconds: float
    rate: float = 0.0
    """Envelopes a second in open loop; 0: closed loop."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What came back."""

    statuses: Counter[int]
    seconds: float
    """From the first request to the last answer."""
    latencies_ms: list[float]
    """Sorted; in open loop from when the envelope was due."""
    unsent: int
    """Due, but no connection was free until the end."""

    def count(self) -> int:
        """Return how many requests were made."""
        return self.statuses.total()

    def percentile_ms(self, share: float) -> float:
        """Return the latency that this share of the answers kept within."""
        return self.latencies_ms[
            min(len(self.latencies_ms) - 1, int(len(self.latencies_ms) * share))
        ]


async def send(door: Door, stream: Stream, pace: Pace) -> Answers:
    """Send for so many seconds, and wait for the answers to what was sent.

    Raises:
        RuntimeError: It answered nothing.
        TimeoutError: It does not answer any more.
    """
    load = _Load(door, stream, pace)
    for _ in range(pace.connections):
        await load.connect()
    began_s = clock.monotonic_s()
    await load.go(began_s)
    async with asyncio.timeout(_PATIENCE_S):
        await load.rest()
    took_s = max(load.last_s - began_s, 1e-6)
    if not load.latencies_ms:
        raise RuntimeError(f"port {door.port} answered nothing: {dict(load.statuses)}")
    return Answers(load.statuses, took_s, sorted(load.latencies_ms), len(load.due))


class _Load:
    """What all connections share."""

    def __init__(self, door: Door, stream: Stream, pace: Pace) -> None:
        self.loop = asyncio.get_running_loop()
        self.statuses: Counter[int] = Counter()
        self.latencies_ms: list[float] = []
        self.due: deque[float] = deque()
        self.last_s = 0.0
        self._door, self._stream, self._pace = door, stream, pace
        self._free: list[_Connection] = []
        self._busy = 0
        self._is_sending = False
        self._at_rest = asyncio.Event()
        self._reconnecting: set[asyncio.Task[None]] = set()
        self._head = (
            f"POST /api/{door.project}/envelope/ HTTP/1.1\r\n"
            f"Host: {HOST}:{door.port}\r\n"
            "User-Agent: sentry.java.android/8.53.0\r\n"
            "X-Sentry-Auth: Sentry sentry_version=7,sentry_client=sentry.java.android/8.53.0,"
            f"sentry_key={door.key}\r\n"
            "Content-Type: application/x-sentry-envelope\r\n"
            "Content-Encoding: gzip\r\n"
            "Accept: application/json\r\n"
            "Content-Length: %d\r\n\r\n"
        ).encode()

    async def connect(self) -> None:
        """Open one more connection."""
        await self.loop.create_connection(lambda: _Connection(self), HOST, self._door.port)

    async def go(self, began_s: float) -> None:
        """Send until the time is over."""
        self._is_sending = True
        end_s = began_s + self._pace.seconds
        if self._pace.rate:
            await self._keep_pace(began_s, end_s)
            return
        free, self._free = self._free, []
        for one in free:
            self.take(one)
        await asyncio.sleep(end_s - clock.monotonic_s())

    async def rest(self) -> None:
        """Send no more; return when all is answered and every connection closed."""
        self._is_sending = False
        if self._busy:
            await self._at_rest.wait()
        for one in self._free[:]:
            one.close()

    def take(self, one: "_Connection") -> None:
        """Give a free connection something to do."""
        if not self._is_sending or (self._pace.rate and not self.due):
            self._free.append(one)
            return
        due_s = self.due.popleft() if self._pace.rate else clock.monotonic_s()
        body = self._stream.next()
        self._busy += 1
        one.send((self._head % len(body), body), due_s)

    def answered(self, one: "_Connection", status: int, due_s: float) -> None:
        """Count an answer, and go on."""
        self._count(status)
        self.latencies_ms.append((self.last_s - due_s) * 1_000)
        self.take(one)

    def gone(self, one: "_Connection", *, was_busy: bool) -> None:
        """Count what a connection took with it, and open another."""
        if one in self._free:
            self._free.remove(one)
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
            self._at_rest.set()

    async def _keep_pace(self, due_s: float, end_s: float) -> None:
        while (now_s := clock.monotonic_s()) < end_s:
            while due_s <= now_s:
                self.due.append(due_s)
                due_s += 1 / self._pace.rate
                if self._free:
                    self.take(self._free.pop())
            await asyncio.sleep(max(_SHORTEST_SLEEP_S, due_s - now_s))


class _Connection(asyncio.Protocol):
    """One connection that is kept, with one request on its way at most."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._answer = b""
        self._due_s: float | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self._transport = stream
        stream.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES)
        self._load.take(self)

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
        self._load.answered(self, int(head[9:12]), due_s)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._load.gone(self, was_busy=self._due_s is not None)

    def send(self, request: tuple[bytes, bytes], due_s: float) -> None:
        """Send head and body."""
        self._due_s = due_s
        if self._transport is not None:
            self._transport.writelines(request)

    def close(self) -> None:
        """End the connection; nothing is on its way."""
        if self._transport is not None:
            self._transport.close()
