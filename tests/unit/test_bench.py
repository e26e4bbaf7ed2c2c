"""The benchmarks name functions that exist, and report what they measured."""

import re
from typing import Any

import pytest

from app.formats.wire import encoding
from bench import quick_readers
from bench.ingest.stages import ACCEPT, DIGEST
from bench.ingest.watches import Watches
from bench.playback import summary


def test_every_function_of_a_stage_exists():
    """Every function that a stage names can be watched, so none is counted elsewhere."""
    with Watches(ACCEPT), Watches(DIGEST):
        pass


@pytest.mark.parametrize("reader", quick_readers.READERS)
def test_every_quick_reader_can_be_switched_off(reader):
    """Every function that the benchmark replaces exists."""
    with quick_readers.without(reader):
        pass


def test_watches_measure_time_and_restore_functions():
    """Time belongs to the innermost watch, and the functions are restored afterwards."""
    original = encoding.inflate
    with Watches({"inflate": ["app.formats.wire.encoding:inflate"]}) as watches:
        assert encoding.inflate is not original
        assert encoding.inflate(b"{}", None, limit_bytes=10) == b"{}"
    assert encoding.inflate is original
    assert set(watches.spent_s) == {"inflate"}
    assert watches.spent_s["inflate"] >= 0


def test_measured_playback_is_summarised_in_one_table():
    """The table has medians of times, sums of faults and the worst play, for each player."""

    def run(way: str, first_ms: float, *, flashed: int = 0) -> dict[str, Any]:
        seeks = [{"ms": 1, "took": took, "wrong": flashed, "same": False} for took in (50, 70, 90)]
        play = {"wrong_percent": 1.24, "stall_ms": 9, "stall_at_ms": 5, "refresh_ms": 20}
        firsts = [{"ms": first_ms, "requests": 1, "kb": 2.5}]
        return summary.reduced(
            {"way": way, "firsts": firsts, "seeks": seeks, "again": seeks, "play": play}
        )

    results = [
        run("ours", 200),
        run(summary.OTHER, 400, flashed=1),
        run("ours, MSE", 300),
        {"x": 1},
    ]
    lines = dict(
        re.split(r"\s{2,}", line, maxsplit=1) for line in summary.table(results).split("\n")[2:-2]
    )
    assert lines["first picture, ms"].split() == ["200", "400", "300"]
    assert lines["seek p50, ms"].split() == ["70", "70", "70"]
    assert lines["seeks with a wrong picture"].split() == ["0", "6", "0"]
    assert lines["wrong at 16x, %"].split() == ["1.2", "1.2", "1.2"]
    assert "ours: 0.50 of the time" in summary.table(results)
