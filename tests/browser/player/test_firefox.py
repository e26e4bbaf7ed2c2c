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
from tests.browser.player.truth import DueFrame, Truth
from tests.browser.player.watching import Watching, find_wrong_refreshes

_WITHOUT = {"webcodecs": "", "mse": "VideoDecoder"}


@pytest.fixture
def firefox(tmp_path: Path) -> Iterator[Firefox]:
    """Start one Firefox for each test."""
    with Firefox(tmp_path) as running:
        yield running


def test_firefox_shows_the_due_frame(server: Running, firefox: Firefox):
    """Firefox shows the due frame after every seek and on every refresh of fast play."""
    watching = Watching(cast("Page", firefox), server.url)
    for engine, without in _WITHOUT.items():
        firefox.without = without
        for family, rate in (("android-rotation-a", 16), ("android-vfr-a", 8)):
            facts = truth.of_family(family)
            state = watching.open(family)
            assert (state["engine"], state["duration_ms"]) == (engine, facts.duration_ms)
            _seek_around(watching, facts, random.Random(family).sample(facts.frames, 10))
            refreshes = watching.look("play", rate, facts.duration_ms + 1)
            assert len(refreshes) > 20
            assert find_wrong_refreshes(refreshes, facts) == [], (engine, family)


def _seek_around(watching: Watching, facts: Truth, frames: list[DueFrame]) -> None:
    """Seek frames and then the start, and check that no third picture appears on the way."""
    previous_colour = facts.at(0).colour
    for frame in [*frames, facts.frames[0]]:
        colours = watching.look("seek", frame.at_ms, frame.at_ms)
        assert colours in ([previous_colour, frame.colour], [frame.colour]), frame
        previous_colour = frame.colour
