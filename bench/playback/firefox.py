"""Watches the replay in Firefox with each of its engines: seeks, and plays at 16x over a turn.

It has the bare page of the browser tests, not the server's: a global can be taken away there.
"""

import asyncio
import json
import random
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import uvicorn

from bench.playback.film import Segment
from bench.playback.server import Facts
from tests.browser.player.firefox import Firefox
from tests.browser.player.replays import EPOCH_MS, Replay
from tests.browser.player.serve import Server

_PROBE: Final = Path(__file__).parent / "probe.js"
_WITHOUT: Final = {"Firefox": "", "Firefox, MSE": "VideoDecoder"}
_PART: Final = 20
"""Seeks asked of the page at once: a script may take a minute."""


def watch(port: int, facts: Facts, *, seeks: int, play_s: float) -> Iterator[dict[str, Any]]:
    """Run the tests in each engine.

    Args:
        port: Where `served` is reached.
        facts: What is due when.
        seeks: How many random moments are sought.
        play_s: How long it plays.
    """
    for way, without in _WITHOUT.items():
        with tempfile.TemporaryDirectory() as profile, Firefox(Path(profile)) as browser:
            browser.without = without
            browser.goto(f"http://localhost:{port}/replay/film?t=0")
            browser.evaluate(f"{_PROBE.read_text()};probe.use({json.dumps(facts.starts)})")
            browser.evaluate("player.ready")
            times = random.Random(1).sample(range(facts.duration_ms), seeks)  # noqa: S311 - no secret
            seek_results: list[dict[str, Any]] = []
            for start in range(0, seeks, _PART):
                seek_results += browser.evaluate(
                    "(times) => probe.seeks(times)", times[start : start + _PART]
                )
            ends = facts.part(play_s * 16)
            play = browser.evaluate("(values) => probe.play(...values)", [16, *ends])
            yield {"way": way, "seeks": seek_results, "play": play}


@contextmanager
def served(segments: Sequence[Segment]) -> Iterator[int]:
    """Serve the film's page from a thread; gives the port."""
    replay = Replay()
    for segment in segments:
        start_ms = EPOCH_MS + segment.start_ms
        replay.add(
            segment.number, start_ms, segment.video, ended_at_ms=start_ms + segment.duration_ms
        )
    server = Server()
    server.replays["film"] = replay
    running = uvicorn.Server(uvicorn.Config(server.app(), port=0, log_level="warning"))
    thread = threading.Thread(target=asyncio.run, args=(running.serve(),), daemon=True)
    thread.start()
    while not running.started:
        thread.join(0.05)
    yield running.servers[0].sockets[0].getsockname()[1]
    running.should_exit = True
    thread.join()
