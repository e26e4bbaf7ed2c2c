"""Starts a server for the playback bench, sends a replay to it, and measures what it uses."""

import asyncio
import gzip
import os
import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from app.core import clock
from bench.playback.film import Segment
from tests.support.builders import envelopes, recordings

REPLAY: Final = "5f" * 16
_BEFORE_TURN_MS: Final = 18 * 60_000
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Facts:
    """The contents of the replay: where each frame begins, and where segments lie."""

    starts: list[int]
    segments: list[dict[str, int]]
    duration_ms: int

    def part(self, length_s: float) -> tuple[int, int]:
        """Return a part of the replay for playing: over a turn, if it is long enough."""
        last_ms = self.duration_ms - 1000
        start_ms = min(_BEFORE_TURN_MS, last_ms // 2)
        return start_ms, min(last_ms, start_ms + round(length_s * 1000))


@dataclass(frozen=True, slots=True)
class Running:
    """The server: its process, port, key, and a link that signs somebody in."""

    pid: int
    port: int
    key: str
    link: str


@asynccontextmanager
async def server(folder: Path, *, quiet_s: float = 600.0) -> AsyncIterator[Running]:
    """Start a server and read what it says of itself.

    Args:
        folder: Its data folder.
        quiet_s: The time after which it seals a replay.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.cli", "serve", "--port", str(port), "--data-dir", str(folder),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PLAYHEAD_REPLAY_QUIET_S": str(quiet_s)},
    )  # fmt: skip
    output = ""
    try:
        while "Data " not in output:
            line = await asyncio.wait_for(process.stdout.readline(), 120) if process.stdout else b""
            if not line:
                raise RuntimeError(f"the server ended: {output}")
            output += line.decode()
        (link,) = re.findall(r"/sign-in/\S+", output)
        (key,) = re.findall(r"http://([0-9a-f]{32})@", output)
        yield Running(process.pid, port, key, link)
    finally:
        process.terminate()
        await process.communicate()


@asynccontextmanager
async def served(script: bytes) -> AsyncIterator[int]:
    """Serve a script, packed, whatever is asked; gives the port."""
    body = gzip.compress(script)
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: text/javascript\r\nContent-Encoding: gzip\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(head + body)
        writer.close()

    # Not `async with`: since Python 3.12 that waits for browsers to let go of their connections.
    listener = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield int(listener.sockets[0].getsockname()[1])
    finally:
        listener.close()


def send(running: Running, segments: list[Segment]) -> Facts:
    """Send a replay as a phone does, segment by segment."""
    zero_ms = clock.now_ms() - segments[-1].start_ms - 600_000
    starts: list[int] = []
    placed: list[dict[str, int]] = []
    client = httpx2.Client(timeout=60)
    for segment in segments:
        at_ms = zero_ms + segment.start_ms
        width, height = segment.size
        size = {"width": width, "height": height, "size_bytes": len(segment.video)}
        note = recordings.video_note(segment.number, at_ms, segment.duration_ms, **size)
        body = envelopes.replay_video_envelope(
            segment.number, replay_id=REPLAY, replay_started_ms=zero_ms, started_ms=at_ms,
            duration_ms=segment.duration_ms, video=segment.video,
            events=[recordings.meta(at_ms, width=width, height=height), note],
        )  # fmt: skip
        client.post(
            f"http://127.0.0.1:{running.port}/api/1/envelope/",
            content=envelopes.gzipped(body),
            headers=envelopes.headers(running.key),
        ).raise_for_status()
        starts += [segment.start_ms + time_ms for time_ms in segment.times_ms]
        placed.append(
            {"id": segment.number, "start": segment.start_ms, "duration": segment.duration_ms}
        )
    client.close()
    return Facts(starts, placed, segments[-1].start_ms + segments[-1].duration_ms)


async def wait_until_settled(running: Running, *, is_sealed: bool) -> None:
    """Wait until the replay is digested, and sealed if it is to be."""
    await asyncio.sleep(5)
    async with httpx2.AsyncClient(timeout=60) as client, asyncio.timeout(120):
        while is_sealed:
            metrics = await client.get(f"http://127.0.0.1:{running.port}/metrics")
            if "\nplayhead_closed_replays_total 1.0" in metrics.text:
                return
            await asyncio.sleep(0.5)


def cpu_ms(pid: int) -> tuple[float, float]:
    """Return the CPU time of a process, and of its children: Postgres, the media child."""
    own = children = 0.0
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        spent = (int(fields[11]) + int(fields[12])) * 1000 / _TICKS
        if int(folder.name) == pid:
            own = spent
        elif _is_below(int(fields[1]), pid):
            children += spent
    return own, children


def _is_below(parent: int, pid: int) -> bool:
    while parent > 1:
        if parent == pid:
            return True
        try:
            parent = int(Path(f"/proc/{parent}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return False
    return False
