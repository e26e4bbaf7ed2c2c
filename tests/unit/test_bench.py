"""The benchmarks know the code they measure, and tell what they saw."""

import re
from typing import Any

import pytest

from app.formats.wire import encoding
from bench import quick_readers
from bench.ingest.stages import ACCEPT, DIGEST
from bench.ingest.watches import Watches
from bench.playback import summary


def test_every_stage_is_there():
    """What a stage names can be watched: one that has moved would count as something else."""
    with Watches(ACCEPT), Watches(DIGEST):
        pass


@pytest.mark.parametrize("reader", quick_readers.READERS)
def test_every_quick_reader_can_be_switched_off(reader):
    """What the benchmark replaces is there: one that has moved would save nothing."""
    with quick_readers.without(reader):
        pass


def test_watches_count_what_runs_and_go_again():
    """Time belongs to the innermost watch; afterwards the functions are as they were."""
    plain = encoding.inflate
    with Watches({"inflate": ["app.formats.wire.encoding:inflate"]}) as watches:
        assert encoding.inflate is not plain
        assert encoding.inflate(b"{}", None, limit_bytes=10) == b"{}"
    assert encoding.inflate is plain
    assert set(watches.spent_s) == {"inflate"}
    assert watches.spent_s["inflate"] >= 0


def test_a_watch_is_told_in_one_table():
    """Medians of what takes time, sums of faults, the worst of playing; ours against the other."""

    def run(way: str, first_ms: float, *, flashed: int = 0) -> dict[str, Any]:
        seeks = [{"ms": 1, "took": took, "wrong": flashed, "same": False} for took in (50, 70, 90)]
        play = {"wrong_percent": 1.24, "stall_ms": 9, "stall_at_ms": 5, "refresh_ms": 20}
        firsts = [{"ms": first_ms, "requests": 1, "kb": 2.5}]
        return summary.reduced(
            {"way": way, "firsts": firsts, "seeks": seeks, "again": seeks, "play": play}
        )

    told = [run("ours", 200), run(summary.OTHER, 400, flashed=1), run("ours, MSE", 300), {"x": 1}]
    lines = dict(
        re.split(r"\s{2,}", line, maxsplit=1) for line in summary.table(told).split("\n")[2:-2]
    )
    assert lines["first picture, ms"].split() == ["200", "400", "300"]
    assert lines["seek p50, ms"].split() == ["70", "70", "70"]
    assert lines["seeks with a wrong picture"].split() == ["0", "6", "0"]
    assert lines["wrong at 16x, %"].split() == ["1.2", "1.2", "1.2"]
    assert "ours: 0.50 of the time" in summary.table(told)
