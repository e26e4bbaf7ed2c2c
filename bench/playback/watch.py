"""Watches a replay of an hour in Chromium, in our page and with one video element per segment.

    python -m bench.playback.watch --minutes 60 --rtt 40 --mbit 20 --runs 2 --whole

Starts a server in a folder of its own, sends it the replay, and puts a network path
before it. First all ways open the replay in turns, `--openings` times; one of them is the other way
with its script in the page, where it costs nothing to fetch. An empty page is opened in turn with
them, to tell what is the browser's own. Then each seeks 60 random moments and
the last 20 of them again, and plays at 16x over a turn; Firefox does so on a bare page. With
`--whole` our page also plays the whole at 16x, and the server is asked once more for all that this
took. What is on the screen is read from its pixels. `--runs 0` measures the first picture alone.

After `make run`, `PLAYHEAD_BUNDLED=.venv/bundled` before the command measures the pages as they are
served there and from the wheel, with their scripts bundled; without it, module by module. With
`--sealed` the replay is sealed before anybody watches: run it in turns with and without.

Prints a line of JSON for each test and a summary at the end.
"""

import argparse
import asyncio
import gzip
import json
import random
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx2
from playwright.async_api import Browser, Page, Request, async_playwright

from app.web.frame.rendering import assets, inlined_assets
from bench.playback import firefox, summary
from bench.playback.film import film
from bench.playback.path import Detour, path
from bench.playback.server import (
    REPLAY,
    Facts,
    Running,
    cpu_ms,
    send,
    served,
    server,
    wait_until_settled,
)

_HERE: Final = Path(__file__).parent
_PLAYER: Final = _HERE / "per_segment.js"
_BASE: Final = f"/projects/1/replays/{REPLAY}"
_EMPTY: Final = "/health/live"
"""A page with a few letters, without scripts and styles."""
_SCRIPT: Final = "/per_segment.js"
"""Where the other way's script is fetched from, as such players are."""
_LOADER: Final = """new MutationObserver((_, watch) => {
  if (!document.head) return;
  watch.disconnect();
  const script = document.createElement("script");
  script.type = "module";
  const policy = trustedTypes.createPolicy("bench", { createScriptURL: (url) => url });
  script.src = policy.createScriptURL("%s");
  document.head.append(script);
}).observe(document, { childList: true, subtree: true });"""
"""Begins to fetch it as soon as there is a head."""
_PERMIT: Final = re.compile(rb"(?<=script-src 'self') 'sha256-[^']+'")
"""The part of the policy that lets our inline script run."""
_SEEKS: Final = 60
_AGAIN: Final = 20
_TIMES: Final = 40
_MEMORY_S: Final = 10


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
    async def page(
        self, way: str, at_ms: int, asked: list[tuple[str, str]] | None = None
    ) -> AsyncIterator[tuple[Page, Any]]:
        """Open the replay in a fresh browser; gives the page and what its first picture took."""
        async with await self._browser.new_context(
            viewport={"width": 1280, "height": 900}
        ) as context:
            await context.add_cookies(self._cookies)
            page = await context.new_page()

            def note(request: Request) -> None:
                if asked is not None:
                    asked.append((request.url, request.headers.get("range", "")))

            page.on("request", note)
            without = "delete window.VideoDecoder;" if way == "ours, MSE" else ""
            starts = json.dumps(self._facts.starts)
            probe = (_HERE / "probe.js").read_text()
            begun = "drawn()" if way == summary.EMPTY else f"first({at_ms})"
            await page.add_init_script(
                f"{without}{probe};probe.use({starts});window.begun = probe.{begun};"
            )
            is_other = way in {summary.OTHER, summary.OTHER_INSIDE}
            if is_other:
                facts = {"segments": self._facts.segments, "base": _BASE, "start_ms": at_ms}
                player = _LOADER % _SCRIPT if way == summary.OTHER else _PLAYER.read_text()
                await page.add_init_script(f"window.bench = {json.dumps(facts)};{{{player}}}")
            origin = self._other_origin if is_other else self._origin
            address = _EMPTY if way == summary.EMPTY else f"{_BASE}?t={at_ms / 1000}"
            await page.goto(f"{origin}{address}")
            first = await page.evaluate("window.begun")
            yield page, first

    async def firsts(self, openings: int) -> list[dict[str, Any]]:
        """Open the replay by each way in turns, at moments that all share."""
        dice = random.Random(0)  # noqa: S311 - no secret
        by_way: dict[str, list[Any]] = {way: [] for way in summary.OPENED}
        for _ in range(openings):
            at_ms = dice.randrange(self._facts.duration_ms)
            for way, firsts in by_way.items():
                async with self.page(way, at_ms) as (_, first):
                    firsts.append(first)
        return [{"way": way, "firsts": firsts} for way, firsts in by_way.items()]

    async def one_run(self, way: str, seed: int, play_s: float) -> dict[str, Any]:
        """Run every test of a way once."""
        dice = random.Random(seed)  # noqa: S311 - no secret
        times = [dice.randrange(self._facts.duration_ms) for _ in range(_SEEKS)]
        async with self.page(way, dice.randrange(self._facts.duration_ms)) as (page, _):
            seeks = await page.evaluate("(times) => probe.seeks(times)", times)
            again = await page.evaluate("(times) => probe.seeks(times)", times[: -_AGAIN - 1 : -1])
            ends = [16, *self._facts.part(play_s * 16)]
            play = await page.evaluate("(values) => probe.play(...values)", ends)
        return {"way": way, "seeks": seeks, "again": again, "play": play}

    async def whole(self) -> dict[str, Any]:
        """Watch the whole replay at 16x in our page, and count what that costs."""
        asked: list[tuple[str, str]] = []
        async with self.page("ours", 0, asked) as (page, _):
            session = await page.context.new_cdp_session(page)
            await session.send("HeapProfiler.collectGarbage")
            heap = await page.evaluate("performance.memory.usedJSHeapSize")
            memory = asyncio.create_task(self._memory())
            ends = [16, 0, self._facts.duration_ms - 1000]
            play = await page.evaluate("(values) => probe.play(...values)", ends)
            memory.cancel()
            await session.send("HeapProfiler.collectGarbage")
            grown = await page.evaluate("performance.memory.usedJSHeapSize") - heap
            names = await page.evaluate(
                "performance.getEntriesByType('resource').map((entry) => entry.name)"
            )
        return {
            "play": play,
            "requests": sum("/replays/" in url for url, _ in asked),
            "server_cpu_ms": await self._cost_of(asked),
            "heap_grown_mb": round(grown / 2**20, 1),
            "tab_mb": self._memory_mb,
            "js_gzip_kb": round(_packed_kb(names), 1),
        }

    async def _memory(self) -> None:
        """Note every now and then what the tab takes: resident memory of the largest renderer."""
        self._memory_mb: list[int] = []
        session = await self._browser.new_browser_cdp_session()
        while True:
            processes = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
            pids = [process["id"] for process in processes if process["type"] == "renderer"]
            self._memory_mb.append(max(_resident_mb(pid) for pid in pids))
            await asyncio.sleep(_MEMORY_S)

    async def _cost_of(self, asked: list[tuple[str, str]]) -> float:
        """Ask for all that a watch has asked, by itself; the server's CPU of the median round."""
        here = f"http://127.0.0.1:{self._running.port}"
        rounds = []
        async with httpx2.AsyncClient(cookies=self._jar(), timeout=60) as client:
            for _ in range(5):
                before = cpu_ms(self._running.pid)[0]
                for url, wanted in asked:
                    headers = {"range": wanted} if wanted else {}
                    address = url.replace(self._origin, here)
                    (await client.get(address, headers=headers)).raise_for_status()
                rounds.append(cpu_ms(self._running.pid)[0] - before)
        return sorted(rounds)[len(rounds) // 2]

    async def costs(self) -> dict[str, float]:
        """Ask for each thing that a watch needs by itself; CPU of the server in ms for one."""
        base = f"http://127.0.0.1:{self._running.port}{_BASE}"
        async with httpx2.AsyncClient(cookies=self._jar(), timeout=60) as client:
            index = await client.get(f"{base}/index?t=0")
            stream = f"{base}/stream?v={index.headers['etag'].strip(chr(34))}"
            asked: dict[str, tuple[str, dict[str, str]]] = {
                "page": (base, {}),
                "index": (f"{base}/index?t=60000", {}),
                "gestures": (f"{base}/gestures", {}),
                "pictures": (f"{base}/pictures", {}),
                "range_16_kb": (stream, {"range": "bytes=100000-116383"}),
                "range_1_mb": (stream, {"range": "bytes=100000-1148575"}),
                "nothing": (f"http://127.0.0.1:{self._running.port}/health/live", {}),
            }
            spent = {}
            for name, (url, headers) in asked.items():
                before = cpu_ms(self._running.pid)[0]
                for _ in range(_TIMES):
                    (await client.get(url, headers=headers)).raise_for_status()
                spent[name] = round((cpu_ms(self._running.pid)[0] - before) / _TIMES, 1)
        return spent

    def _jar(self) -> dict[str, str]:
        return {cookie["name"]: cookie["value"] for cookie in self._cookies}


def _resident_mb(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 // 2**20
    except OSError:
        return 0


def _packed_kb(names: list[str]) -> float:
    scripts = {
        match[1]
        for name in names
        if (match := re.search(r"/static/(?:[0-9a-f]+/)?(.+\.js)$", name))
    }
    own = len(gzip.compress(inlined_assets.inline_replay_assets("").script.encode(), 9))
    fetched = sum(len(gzip.compress(assets.read_asset(script) or b"", 9)) for script in scripts)
    return (own + fetched) / 1024


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main() -> None:
    """Measure, print one JSON line a test, then the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--rtt", type=float, default=40, help="ms")
    parser.add_argument("--mbit", type=float, default=20)
    parser.add_argument("--openings", type=int, default=10)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--play", type=float, default=15, help="seconds, at 16x")
    parser.add_argument("--whole", action="store_true", help="play the whole, too: 4 minutes")
    parser.add_argument("--sealed", action="store_true", help="watch it once it is sealed")
    options = parser.parse_args()
    begun = time.monotonic()
    segments = film(options.minutes)
    sys.stderr.write(f"made {len(segments)} segments in {time.monotonic() - begun:.0f} s\n")
    wire = {"rtt_s": options.rtt / 1000, "bytes_a_second": options.mbit * 125_000}
    results: list[dict[str, Any]] = []

    def tell(result: dict[str, Any]) -> None:
        results.append(result)
        _say(json.dumps(result))

    with tempfile.TemporaryDirectory() as folder, firefox.served(segments) as bare:
        async with (
            server(Path(folder), quiet_s=5 if options.sealed else 600) as running,
            served(_PLAYER.read_bytes()) as aside,
            path(running.port, **wire) as port,
            path(
                running.port, **wire, detour=Detour(_SCRIPT.encode(), aside, _PERMIT)
            ) as other_port,
            path(bare, **wire) as bare_port,
            async_playwright() as playwright,
        ):
            facts = await asyncio.to_thread(send, running, segments)
            await wait_until_settled(running, is_sealed=options.sealed)
            browser = await playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
            )
            origins = (f"http://localhost:{port}", f"http://localhost:{other_port}")
            bench = Bench(browser, origins, facts, running)
            await bench.sign_in()
            for result in await bench.firsts(options.openings):
                tell(summary.reduced(result))
            for run in range(options.runs):
                for way in summary.WAYS if run % 2 == 0 else summary.WAYS[::-1]:
                    tell(summary.reduced(await bench.one_run(way, run, options.play)))
            tell({"costs_ms": await bench.costs()})
            if options.whole:
                tell({"whole": await bench.whole()})
            await browser.close()
            if options.runs:
                for result in await asyncio.to_thread(
                    lambda: list(firefox.watch(bare_port, facts, seeks=_SEEKS, play_s=options.play))
                ):
                    tell(summary.reduced(result))
    _say(summary.table(results))
    sys.stderr.write(f"took {time.monotonic() - begun:.0f} s\n")


if __name__ == "__main__":
    asyncio.run(main())
