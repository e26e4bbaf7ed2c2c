"""The benchmarks name functions that exist, and report what they measured."""

import re
from collections import Counter
from typing import Any

import pytest

from app.formats.wire import encoding
from bench import quick_readers
from bench.endurance import overload, samples, soak
from bench.endurance.overload import OverloadFigures
from bench.endurance.samples import ServerSample
from bench.endurance.soak import SoakFigures
from bench.endurance.viewers import Viewings
from bench.ingest.load import LOST, AnswerStatistics
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
        summary.reduced({"way": summary.EMPTY, "firsts": [{"ms": 100, "requests": 0, "kb": 0}]}),
        {"x": 1},
    ]
    lines = dict(
        re.split(r"\s{2,}", line, maxsplit=1) for line in summary.table(results).split("\n")[2:-4]
    )
    assert lines["first picture, ms"].split() == ["200", "400", "300", "100"]
    assert lines["seek p50, ms"].split() == ["70", "70", "70"]
    assert lines["seeks with a wrong picture"].split() == ["0", "6", "0", "0"]
    assert lines["wrong at 16x, %"].split() == ["1.2", "1.2", "1.2"]
    assert "ours: 0.50 of the time" in summary.table(results)
    assert "ours: 100 ms above an empty page, 0.33 of what" in summary.table(results)


def make_answers(**statuses: int) -> AnswerStatistics:
    """Make answers by status, as `s200=5`, all within 4 ms."""
    counts = Counter({int(name[1:]): count for name, count in statuses.items()})
    return AnswerStatistics(counts, 60.0, [4.0] * counts.total(), 0)


def find_broken(promises: Any) -> list[str]:
    """Return the first words of the promises that are broken."""
    return [
        promise.words.split(":")[0].split(" at ")[0] for promise in promises if not promise.is_kept
    ]


def test_a_soak_tells_growth_from_what_is_due():
    """Memory that grows, files that stay open, and what is lost or fails are broken promises."""

    def make_soak(
        mib_per_hour: float, *, kept: int, statuses: dict[int, int], leaked: int = 0
    ) -> SoakFigures:
        taken = [
            ServerSample(
                at_s,
                200 + mib_per_hour * at_s / 3600,
                # Connections come and go.
                60 + at_s % 30 + leaked * at_s // 7_200,
                1,
                0.2,
                5_000 * at_s,
                at_s,
                files_by_kind=Counter(connections=at_s % 30),
                table_bytes=Counter(issues=50, segments=400 * at_s + at_s**2 // 100),
            )
            for at_s in range(0, 7_200, 10)
        ]
        viewings = Viewings(Counter(statuses), [12.0])
        outcomes = Counter(kept=kept, deleted=1)
        return SoakFigures(make_answers(s200=10), taken, viewings, outcomes, 250.0)

    assert find_broken(soak.judge_soak(make_soak(0.9, kept=9, statuses={200: 5, 404: 1}))) == []
    leaking = make_soak(40, kept=8, statuses={200: 5, 500: 1}, leaked=60)
    gains = leaking.list_table_gains()
    assert find_broken(soak.judge_soak(leaking)) == [
        "of 10 envelopes, 8 are stored and 1 belong to deleted replays",
        "memory grew by +40.00 MiB an hour, 1 is allowed",
        "open files",
        "1 replays were watched and 0 deleted; answers by status",
    ]
    assert samples.measure_slope([(5.0, 1.0)]) == 0
    assert samples.find_extremes(leaking.second_half) == {"connections": (0, 20)}
    assert [(name, round(first), round(second)) for name, first, second in gains] == [
        ("segments", 490, 526),
        ("issues", 0, 0),
    ]


def test_an_overload_allows_hang_ups_and_nothing_else():
    """A 5xx, an accepted envelope that is lost, an idle digest, and much memory are faults."""

    def make_overload(
        kept: int, peak_mib: float, idle_looks: int, **statuses: int
    ) -> OverloadFigures:
        return OverloadFigures(
            digest_per_s=100.0,
            answers=make_answers(**statuses),
            drain_s=9.0,
            kept=kept,
            accepted=10,
            most_backlog=500,
            looks=20,
            idle_looks=idle_looks,
            peak_mib=peak_mib,
        )

    assert LOST == 0
    good = make_overload(10, 300, 0, s200=10, s0=5, s429=2)
    assert find_broken(overload.judge_overload(good)) == []
    bad = make_overload(9, 600, 3, s200=10, s503=1)
    assert find_broken(overload.judge_overload(bad)) == [
        "answers are 200, 429 or a hang-up; others",
        "9 of 10 accepted envelopes are stored",
        "digest had work whenever it was looked at",
        "memory was 600 MiB",
    ]
