"""A simulated network path: a delay of half a round trip each way, and a limited bandwidth."""

import asyncio
import re
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

_CHUNK_BYTES = 16 * 1024
_Way = asyncio.Queue[tuple[float, bytes]]


class _Link:
    """Bytes that share a bandwidth leave one after the other."""

    def __init__(self, bytes_a_second: float) -> None:
        self._bytes_a_second = bytes_a_second
        self._free_at = 0.0

    def leaves_at(self, size: int, now: float) -> float:
        """Return when these bytes have left, sent now."""
        self._free_at = max(self._free_at, now) + size / self._bytes_a_second
        return self._free_at


@dataclass(frozen=True, slots=True)
class Detour:
    """Requests whose text holds `mark` are answered at another local port.

    What the first port answers comes without `hidden`: blanks stand there.
    """

    mark: bytes
    port: int
    hidden: re.Pattern[bytes]


@asynccontextmanager
async def path(
    port: int, *, rtt_s: float, bytes_a_second: float, detour: Detour | None = None
) -> AsyncIterator[int]:
    """Open a way to a local port.

    Yields:
        The port at whose end the browser stands.
    """
    narrow = _Link(bytes_a_second)
    running: set[asyncio.Task[None]] = set()

    async def meet(reader: StreamReader, writer: StreamWriter) -> None:
        await asyncio.sleep(rtt_s)  # The handshake, which loopback does in no time.
        there, back = await asyncio.open_connection("127.0.0.1", port)
        hidden = detour.hidden if detour else None
        ways = [_carry(there, lambda _: writer, rtt_s / 2, narrow, hidden)]
        aside = back
        if detour:
            other, aside = await asyncio.open_connection("127.0.0.1", detour.port)
            ways.append(_carry(other, lambda _: writer, rtt_s / 2, narrow))

        def pick(request: bytes) -> StreamWriter:
            return aside if detour and detour.mark in request else back

        for work in (_carry(reader, pick, rtt_s / 2), *ways):
            task = asyncio.create_task(work)
            running.add(task)
            task.add_done_callback(running.discard)

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in list(running):
            task.cancel()


async def _carry(
    reader: StreamReader,
    pick: Callable[[bytes], StreamWriter],
    delay_s: float,
    link: _Link | None = None,
    hidden: re.Pattern[bytes] | None = None,
) -> None:
    """Carry one direction of a connection until it ends."""
    loop = asyncio.get_running_loop()
    way: _Way = asyncio.Queue(256)
    delivery = asyncio.create_task(_deliver(way, pick))
    try:
        while data := await reader.read(_CHUNK_BYTES):
            if hidden:
                data = hidden.sub(lambda found: b" " * len(found[0]), data)
            now = loop.time()
            leaves_at = link.leaves_at(len(data), now) if link else now
            await way.put((leaves_at + delay_s, data))
        await way.put((loop.time() + delay_s, b""))
        await delivery
    except OSError:
        pick(b"").close()
    finally:
        delivery.cancel()


async def _deliver(way: _Way, pick: Callable[[bytes], StreamWriter]) -> None:
    """Hand on what is due; nothing means the end."""
    while True:
        at, data = await way.get()
        await asyncio.sleep(max(0.0, at - asyncio.get_running_loop().time()))
        writer = pick(data)
        if not data:
            writer.close()
            return
        writer.write(data)
        await writer.drain()
