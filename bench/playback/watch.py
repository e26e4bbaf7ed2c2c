"""Watches one replay of an hour in Chromium, in our page and by one video element a segment.

    python -m bench.playback.watch --minutes 66 --rtt 40 --mbit 20 --runs 3

Starts a server in a folder of its own, sends the replay through its door, and puts a network path
before it. In turns, each player opens the replay, seeks 100 random moments and the last 30 of them
again, and plays at 16x; ours also plays the whole. What a watch asks of the server is also asked
apart. What is on the screen is read from its pixels.
"""

import argparse
import asyncio
import gzip
import json
import os
import random
import re
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from playwright.async_api import Browser, Page, async_playwright

from app.core import clock
from app.web import assets
from bench.playback.film import Segment, film
from bench.playback.path import Detour, path
from tests.support import envelopes, recordings

_HERE: Final = Path(__file__).parent
_REPLAY: Final = "5f" * 16
_SCRIPT: Final = b"/joined/js/replay/begin.js "
"""What our page asks for, in whose place the other way's script comes."""
_TIMES: Final = 40
_IDLE_S: Final = 20
"""How long nobody watches, to know what the server spends anyway."""
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the replay shows: where each frame begins, and where segments lie."""

    starts: list[int]
    segments: list[dict[str, int]]
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Running:
    """The server: its process, port, key, and a link that signs somebody in."""

    pid: int
    port: int
    key: str
    link: str


@asynccontextmanager
async def server(folder: Path) -> AsyncIterator[Running]:
    """Start a server and read what it says of itself."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.cli", "serve", "--port", str(port), "--data-dir", str(folder),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said = ""
    try:
        while "Data " not in said:
            line = await asyncio.wait_for(process.stdout.readline(), 120) if process.stdout else b""
            if not line:
                raise RuntimeError(f"the server ended: {said}")
            said += line.decode()
        (link,) = re.findall(r"/sign-in/\S+", said)
        (key,) = re.findall(r"http://([0-9a-f]{32})@", said)
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

    listener = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listener:
        yield int(listener.sockets[0].getsockname()[1])


def send(running: Running, segments: list[Segment]) -> Facts:
    """Send a replay as a phone does, segment by segment."""
    zero_ms = clock.now_ms() - segments[-1].start_ms - 600_000
    starts: list[int] = []
    placed: list[dict[str, int]] = []
    door = httpx.Client(timeout=60)
    for one in segments:
        at_ms = zero_ms + one.start_ms
        width, height = one.size
        size = {"width": width, "height": height, "size_bytes": len(one.video)}
        note = recordings.video_note(one.number, at_ms, one.duration_ms, **size)
        body = envelopes.replay_video_envelope(
            one.number, replay_id=_REPLAY, replay_started_ms=zero_ms, started_ms=at_ms,
            duration_ms=one.duration_ms, video=one.video,
            events=[recordings.meta(at_ms, width=width, height=height), note],
        )  # fmt: skip
        door.post(
            f"http://127.0.0.1:{running.port}/api/1/envelope/",
            content=envelopes.gzipped(body),
            headers=envelopes.headers(running.key),
        ).raise_for_status()
        starts += [one.start_ms + time_ms for time_ms in one.times_ms]
        placed.append({"id": one.number, "start": one.start_ms, "duration": one.duration_ms})
    door.close()
    return Facts(starts, placed, segments[-1].start_ms + segments[-1].duration_ms)


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


class Bench:
    """One browser at the end of the path, signed in."""

    def __init__(
        self, browser: Browser, origins: tuple[str, str], facts: Facts, running: Running
    ) -> None:
        self._browser = browser
        self._origin, self._other_origin = origins
        self._facts = facts
        self._running = running
        self._cookies: Any = []

    async def sign_in(self) -> None:
        """Follow the link that the server printed."""
        async with await self._browser.new_context() as context:
            page = await context.new_page()
            await page.goto(f"{self._origin}{self._running.link}")
            await page.locator("form button").last.click()
            await page.wait_for_url("**/account/**")
            self._cookies = await context.cookies()

    @asynccontextmanager
    async def page(self, way: str, at_ms: int) -> AsyncIterator[tuple[Page, Any]]:
        """Open the replay; gives the page and what it took until its first right frame."""
        base = f"/projects/1/replays/{_REPLAY}"
        async with await self._browser.new_context(
            viewport={"width": 1280, "height": 900}
        ) as context:
            await context.add_cookies(self._cookies)
            page = await context.new_page()
            without = "delete window.VideoDecoder;" if way == "ours, MSE" else ""
            starts = json.dumps(self._facts.starts)
            probe = (_HERE / "probe.js").read_text()
            await page.add_init_script(
                f"{without}{probe};probe.use({starts});window.begun = probe.first({at_ms});"
            )
            is_other = way == "one video a segment"
            if is_other:
                told = {"segments": self._facts.segments, "base": base, "start_ms": at_ms}
                await page.add_init_script(f"window.bench = {json.dumps(told)};")
            origin = self._other_origin if is_other else self._origin
            await page.goto(f"{origin}{base}?t={at_ms / 1000}")
            first = await page.evaluate("window.begun")
            yield page, first

    async def one_run(self, way: str, seed: int, minutes: float) -> dict[str, Any]:
        """Run every test once."""
        dice = random.Random(seed)  # noqa: S311 - no secret
        times = [dice.randrange(self._facts.duration_ms) for _ in range(100)]
        async with self.page(way, dice.randrange(self._facts.duration_ms)) as (page, first):
            seeks = await page.evaluate("(times) => probe.seeks(times)", times)
            again = await page.evaluate("(times) => probe.seeks(times)", times[:-31:-1])
            last_ms = self._facts.duration_ms - 1000
            start_ms = min(18 * 60_000, last_ms // 2)
            ends = [16, start_ms, min(last_ms, start_ms + minutes * 60_000)]
            play = await page.evaluate("(values) => probe.play(...values)", ends)
        return {
            "way": way,
            "first": first,
            "seek": _summed(seeks),
            "again": _summed(again),
            "play": play,
        }

    async def whole(self) -> dict[str, Any]:
        """Watch the whole replay at 16x in our page, and count what that costs."""
        idle = cpu_ms(self._running.pid)[0]
        await asyncio.sleep(_IDLE_S)
        before = cpu_ms(self._running.pid)
        idle_ms_per_s = (before[0] - idle) / _IDLE_S
        begun = time.monotonic()
        async with self.page("ours", 0) as (page, _):
            session = await page.context.new_cdp_session(page)
            await session.send("HeapProfiler.collectGarbage")
            heap = await page.evaluate("performance.memory.usedJSHeapSize")
            end_ms = self._facts.duration_ms - 1000
            play = await page.evaluate("(values) => probe.play(...values)", [16, 0, end_ms])
            await session.send("HeapProfiler.collectGarbage")
            grown = await page.evaluate("performance.memory.usedJSHeapSize") - heap
            names = await page.evaluate(
                "performance.getEntriesByType('resource').map((one) => one.name)"
            )
            requests = sum("/replays/" in name for name in names)
        after = cpu_ms(self._running.pid)
        idle_ms = idle_ms_per_s * (time.monotonic() - begun)
        return {
            "play": play,
            "requests": requests,
            "server_cpu_ms": round(after[0] - before[0]),
            "of_which_idle_ms": round(idle_ms),
            "postgres_cpu_ms": round(after[1] - before[1]),
            "heap_grown_mb": round(grown / 2**20, 1),
            "js_gzip_kb": round(_packed_kb(names), 1),
        }

    async def costs(self) -> dict[str, float]:
        """Ask for each thing that a watch needs by itself; CPU of the server in ms for one."""
        cookies = {one["name"]: one["value"] for one in self._cookies}
        base = f"http://127.0.0.1:{self._running.port}/projects/1/replays/{_REPLAY}"
        async with httpx.AsyncClient(cookies=cookies, timeout=60) as client:
            index = await client.get(f"{base}/index?t=0")
            stream = f"{base}/stream?v={index.headers['etag'].strip(chr(34))}"
            asked: dict[str, tuple[str, dict[str, str]]] = {
                "page": (base, {}),
                "index": (f"{base}/index?t=60000", {}),
                "gestures": (f"{base}/gestures", {}),
                "pictures": (f"{base}/pictures", {}),
                "range_16_kb": (stream, {"range": "bytes=100000-116383"}),
                "range_512_kb": (stream, {"range": "bytes=100000-624287"}),
                "nothing": (f"http://127.0.0.1:{self._running.port}/health/live", {}),
            }
            spent = {}
            for name, (url, headers) in asked.items():
                before = cpu_ms(self._running.pid)[0]
                for _ in range(_TIMES):
                    (await client.get(url, headers=headers)).raise_for_status()
                spent[name] = round((cpu_ms(self._running.pid)[0] - before) / _TIMES, 1)
        return spent


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _packed_kb(names: list[str]) -> float:
    scripts = {
        match[1]
        for name in names
        if (match := re.search(r"/static/(?:[0-9a-f]+/)?(.+\.js)$", name))
    }
    return sum(len(assets._packed(one, "", "gzip") or b"") for one in scripts) / 1024  # noqa: SLF001 - what the server sends


def _summed(seeks: list[dict[str, Any]]) -> dict[str, Any]:
    """Reduce seeks to their times and faults."""
    took = sorted(one["took"] for one in seeks if one["took"] is not None and not one["same"])
    return {
        "p50_ms": round(statistics.median(took)),
        "p95_ms": round(took[int(len(took) * 0.95)]),
        "never": sum(one["took"] is None for one in seeks),
        "flashed": sum(one["wrong"] > 0 for one in seeks),
    }


async def main() -> None:
    """Measure, and print one JSON line a run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--rtt", type=float, default=40, help="ms")
    parser.add_argument("--mbit", type=float, default=20)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--play", type=float, default=8, help="minutes of the replay, at 16x")
    options = parser.parse_args()
    begun = time.monotonic()
    segments = list(film(options.minutes))
    sys.stderr.write(f"made {len(segments)} segments in {time.monotonic() - begun:.0f} s\n")
    with tempfile.TemporaryDirectory() as folder:
        wire = {"rtt_s": options.rtt / 1000, "bytes_a_second": options.mbit * 125_000}
        async with (
            server(Path(folder)) as running,
            served((_HERE / "per_segment.js").read_bytes()) as aside,
            path(running.port, **wire) as port,
            path(running.port, **wire, detour=Detour(_SCRIPT, aside)) as other_port,
            async_playwright() as playwright,
        ):
            facts = await asyncio.to_thread(send, running, segments)
            await asyncio.sleep(5)
            browser = await playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
            )
            bench = Bench(
                browser,
                (f"http://localhost:{port}", f"http://localhost:{other_port}"),
                facts,
                running,
            )
            await bench.sign_in()
            ways = ["ours", "one video a segment", "ours, MSE"]
            for run in range(options.runs):
                for way in ways if run % 2 == 0 else ways[::-1]:
                    _say(json.dumps(await bench.one_run(way, run, options.play)))
            _say(json.dumps({"server_cpu_ms": await bench.costs()}))
            _say(json.dumps({"whole": await bench.whole()}))
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
