"""Reports in numbers what a test of faults or hostile input did, as one line of JSON each.

A test tells its rounds with `report.round(...)`. At its end one line has their sums; outside of CI
each round has a line of its own as well, at once.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import pytest
from _pytest.capture import CaptureManager
from _pytest.terminal import TerminalReporter

from app.core import clock
from tests.support import programme_size

_HIGHEST: Final = ("settle_s", "slowest_ms", "memory_mib")


class Report:
    """The rounds of one programme."""

    def __init__(self, programme: str, plugins: pytest.PytestPluginManager) -> None:
        self._programme = programme
        terminal = plugins.get_plugin("terminalreporter")
        capture = plugins.get_plugin("capturemanager")
        assert isinstance(terminal, TerminalReporter)
        assert isinstance(capture, CaptureManager)
        self._terminal = terminal
        self._capture = capture
        self._began_s = clock.monotonic_s()
        self._rounds = 0
        self._sums: Counter[str] = Counter()
        self._highest: dict[str, float] = {}
        self.facts: dict[str, Any] = {}
        """More to tell at the end."""

    def round(self, **facts: Any) -> None:
        """Tell one round; numbers are added up, of durations the highest is kept."""
        self._rounds += 1
        for name, value in facts.items():
            if name in _HIGHEST:
                self._highest[name] = max(value, self._highest.get(name, 0))
            elif isinstance(value, int) and name not in ("seed", "step"):
                self._sums[name] += value
        if not programme_size.IS_CI:
            self._write({"programme": self._programme, "seed": programme_size.SEED, **facts})

    def total(self) -> None:
        """Tell what all rounds amount to."""
        took_s = round(clock.monotonic_s() - self._began_s, 1)
        self._write(
            {
                "programme": self._programme,
                "seed": programme_size.SEED,
                "rounds": self._rounds,
                **self._sums,
                **self._highest,
                **self.facts,
                "took_s": took_s,
            }
        )

    def _write(self, facts: dict[str, Any]) -> None:
        with self._capture.global_and_fixture_disabled():
            self._terminal.ensure_newline()
            self._terminal.write_line(json.dumps(facts))


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Iterator[Report]:
    """The report of this test; its sums are written at the end, whatever the end is."""
    name = request.node.name.removeprefix("test_")
    test_report = Report(name, request.config.pluginmanager)
    yield test_report
    test_report.total()
