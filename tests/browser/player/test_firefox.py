"""Recorded replays in Firefox, through each of its engines: the drawn second is the one due."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from playwright.sync_api import Page

from tests.browser.player import truth
from tests.browser.player.conftest import Running
from tests.browser.player.firefox import Firefox
from tests.browser.player.truth import Shown, Truth
from tests.browser.player.watching import Watching, wrong

_WITHOUT = {"webcodecs": "", "mse": "VideoDecoder"}


@pytest.fixture
def firefox(tmp_path: Path) -> Iterator[Firefox]:
    """Start one Firefox: it takes a while."""
    with Firefox(tmp_path) as running:
        yield running


def test_firefox_shows_what_is_due(server: Running, firefox: Firefox):
    """After every seek, and on every refresh of fast play, over borders, turns and twins."""
    watching = Watching(cast("Page", firefox), server.url)
    for engine, without in _WITHOUT.items():
        firefox.without = without
        for family, rate in (("android-rotation-a", 16), ("android-vfr-a", 8)):
            facts = truth.of_family(family)
            state = watching.open(family)
            assert (state["engine"], state["duration_ms"]) == (engine, facts.duration_ms)
            _seek_around(watching, facts, random.Random(family).sample(facts.frames, 10))
            seen = watching.look("play", rate, facts.duration_ms + 1)
            assert len(seen) > 20
            assert wrong(seen, facts) == [], (engine, family)


def _seek_around(watching: Watching, facts: Truth, frames: list[Shown]) -> None:
    """Seek frames, none of which may be preceded by a third picture; then the start."""
    before = facts.at(0).colour
    for frame in [*frames, facts.frames[0]]:
        seen = watching.look("seek", frame.at_ms, frame.at_ms)
        assert seen in ([before, frame.colour], [frame.colour]), frame
        before = frame.colour
