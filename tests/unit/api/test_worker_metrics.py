"""Metrics of several workers in one answer."""

import re
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from app.api.worker_metrics import WorkerMetrics


def make_worker(folder: Path, number: int, count: int) -> WorkerMetrics:
    """Make a worker that has counted so far."""
    registry = CollectorRegistry()
    counter = Counter("things", "Things.", ["kind"], registry=registry)
    counter.labels('a "quoted" one').inc(count)
    Gauge("open", "Open.", registry=registry).set(number)
    histogram = Histogram("time_seconds", "Time.", buckets=(1, 5), registry=registry)
    histogram.observe(count)
    return WorkerMetrics(registry, folder, number)


async def test_each_series_has_the_number_of_its_worker(tmp_path: Path):
    """Counters, gauges and histograms of all workers stand in one family each."""
    workers = [make_worker(tmp_path, number, number * 3) for number in (1, 2)]
    for worker in workers:
        await worker.start()
    answers = [(await worker.read_all()).decode() for worker in workers]
    for worker in workers:
        await worker.stop()
    assert answers[0] == answers[1]
    (text, _) = answers
    assert len(re.findall("^# TYPE", text, re.MULTILINE)) == len(
        set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    )
    assert 'things_total{kind="a \\"quoted\\" one",worker="1"} 3.0' in text
    assert 'things_total{kind="a \\"quoted\\" one",worker="2"} 6.0' in text
    assert 'open{worker="2"} 2.0' in text
    assert 'time_seconds_bucket{le="5.0",worker="1"} 1.0' in text
    assert 'time_seconds_bucket{le="5.0",worker="2"} 0.0' in text
    assert 'time_seconds_count{worker="2"} 1.0' in text


async def test_a_dead_worker_is_left_out(tmp_path: Path):
    """The socket of a worker that was killed stays; the others answer without it."""
    dead, living = make_worker(tmp_path, 1, 1), make_worker(tmp_path, 2, 1)
    await dead.start()
    await dead.stop()
    await living.start()
    text = (await living.read_all()).decode()
    await living.stop()
    assert 'open{worker="2"}' in text
    assert 'worker="1"' not in text


async def test_a_successor_takes_the_place_of_a_worker(tmp_path: Path):
    """While the old worker still ends, its number stands for the new one."""
    old, new, other = (make_worker(tmp_path, *counts) for counts in ((1, 9), (1, 4), (2, 1)))
    await old.start()
    await other.start()
    await new.start()
    await old.stop()
    text = (await other.read_all()).decode()
    for worker in (new, other):
        await worker.stop()
    assert re.findall(r'^things_total{.*worker="1"} (.*)$', text, re.MULTILINE) == ["4.0"]
