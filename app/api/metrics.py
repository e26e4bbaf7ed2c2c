"""All metrics of a process, for `/metrics`.

Packages count what happens in them with metric objects of their own (`metrics.py` in each). What is
a state, and not a count, is read when the metrics are requested. `docs/metrics.md` describes all.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import override

from fastapi import APIRouter, Response
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app import __version__
from app.api.open_connections import OpenConnections
from app.api.process_metrics import ProcessesCollector
from app.db.engine import Database
from app.ingest.health import IngestMonitor
from app.processes.heartbeat import ProcessHeartbeat


class _IngestCollector(Collector):
    """The health of ingest, read when metrics are requested."""

    def __init__(self, monitor: IngestMonitor) -> None:
        self._monitor = monitor

    @override
    def collect(self) -> Iterator[Metric]:
        health = self._monitor.read_health()
        for name, description, value in (
            (
                "journal_backlog_entries",
                "Accepted envelopes that are not digested yet.",
                health.backlog.entries,
            ),
            (
                "journal_backlog_bytes",
                "Bytes of accepted envelopes that are not digested yet.",
                health.backlog.bytes,
            ),
            ("journal_backlog_oldest_seconds", "Age of the oldest of them.", health.oldest_s),
            (
                "journal_disk_bytes",
                "Disk space of the journals, those of dead processes included.",
                health.journal_bytes,
            ),
            (
                "journal_room_bytes",
                "Disk space left for journals; below 0 no envelope is accepted.",
                health.room_bytes,
            ),
            (
                "journal_kept_bytes",
                "Disk space of digested journal files that are kept for a minute.",
                health.kept_bytes,
            ),
            ("journal_used_ratio", "Used share of the disk space for journals.", health.used),
            (
                "digest_waits",
                "1 while digest waits for Postgres or storage to work, else 0.",
                health.outage is not None,
            ),
            (
                "quarantined_envelopes",
                "Envelopes that failed on their content five times.",
                sum(health.quarantined.values()),
            ),
        ):
            yield GaugeMetricFamily(f"playhead_{name}", description, value)
        for name, description, value in (
            (
                "journal_cut_short_bytes",
                "Bytes of kept journal files that were removed early for want of disk space.",
                health.cut_short_bytes,
            ),
            (
                "postgres_lost_commits",
                "How often Postgres was found to have lost commits, as after a failover.",
                health.lost_commits.times,
            ),
            (
                "journal_entries_read_again",
                "Envelopes that were stored again because Postgres had lost them.",
                health.lost_commits.entries_read_again,
            ),
            (
                "journal_entries_lost",
                "Envelopes that Postgres had lost and whose journal files were gone.",
                health.lost_commits.entries_lost,
            ),
        ):
            yield CounterMetricFamily(f"playhead_{name}", description, value)
        description = "Envelopes refused for a limit or an unknown key, by reason."
        refused = CounterMetricFamily("playhead_envelopes_refused", description, labels=("reason",))
        for reason, quantity in health.refused.items():
            refused.add_metric((reason,), quantity)
        yield refused


@dataclass(frozen=True, slots=True)
class PictureFigures:
    """Counts and times of the drawing of pictures."""

    waiting: int
    spent_s: float
    results: Mapping[str, int]


class _PictureCollector(Collector):
    """The figures of the drawing of pictures, read when metrics are requested."""

    def __init__(self, read: Callable[[], PictureFigures]) -> None:
        self._read = read

    @override
    def collect(self) -> Iterator[Metric]:
        figures = self._read()
        description = "Replays whose small pictures are not drawn yet, in all processes."
        yield GaugeMetricFamily("playhead_pictures_waiting", description, figures.waiting)
        description = "Time spent drawing."
        yield CounterMetricFamily("playhead_pictures_seconds", description, figures.spent_s)
        description = "Replays examined for drawing, by result."
        results = CounterMetricFamily("playhead_pictures", description, labels=("result",))
        for result, count in figures.results.items():
            results.add_metric((result,), count)
        yield results


@dataclass(frozen=True, slots=True)
class ClosingFigures:
    """Counts and times of the closing of replays."""

    open_replays: int
    failing: int
    late_s: float
    closed: int
    step_failures: Mapping[str, int]


class _ClosingCollector(Collector):
    """The figures of the closing of replays, read when metrics are requested."""

    def __init__(self, read: Callable[[], ClosingFigures]) -> None:
        self._read = read

    @override
    def collect(self) -> Iterator[Metric]:
        figures = self._read()
        for name, description, value in (
            ("open_replays", "Replays that may grow or wait for a step.", figures.open_replays),
            (
                "closing_failing_replays",
                "Closed replays of which a step, such as sealing, has failed several times.",
                figures.failing,
            ),
            ("closing_late_seconds", "Time for which the oldest has been due.", figures.late_s),
        ):
            yield GaugeMetricFamily(f"playhead_{name}", description, value)
        description = "Replays that this process has closed, with all steps that follow."
        yield CounterMetricFamily("playhead_closed_replays", description, figures.closed)
        description = "Steps of closed replays that failed and are tried again, by step."
        failures = CounterMetricFamily(
            "playhead_closing_step_failures", description, labels=("step",)
        )
        for step, count in figures.step_failures.items():
            failures.add_metric((step,), count)
        yield failures


class _ConnectionCollector(Collector):
    """Open and closed connections, counted when metrics are requested."""

    def __init__(self, connections: OpenConnections) -> None:
        self._connections = connections

    @override
    def collect(self) -> Iterator[Metric]:
        description = "Connections that are open."
        yield GaugeMetricFamily("playhead_connections", description, len(self._connections))
        description = "Connections closed without an answer, by reason."
        hang_ups = CounterMetricFamily("playhead_hang_ups", description, labels=("reason",))
        for reason, count in self._connections.hang_ups.items():
            hang_ups.add_metric((reason,), count)
        yield hang_ups


class _DatabaseCollector(Collector):
    """The connections to Postgres, counted when metrics are requested."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    def collect(self) -> Iterator[Metric]:
        in_use, idle = self._database.count_connections()
        description = "Connections of this process to Postgres, by state."
        connections = GaugeMetricFamily(
            "playhead_database_connections", description, labels=("state",)
        )
        connections.add_metric(("in_use",), in_use)
        connections.add_metric(("idle",), idle)
        yield connections


@dataclass(frozen=True, slots=True)
class MetricSources:
    """The parts of a process from which its metrics are collected."""

    database: Database
    monitor: IngestMonitor
    read_pictures: Callable[[], PictureFigures]
    read_closing: Callable[[], ClosingFigures]
    connections: OpenConnections
    heartbeat: ProcessHeartbeat
    counted: Iterable[Collector]
    """The metric objects with which packages count."""


def make_registry(sources: MetricSources) -> CollectorRegistry:
    """Make the registry of everything that `/metrics` prints."""
    # The time at which each series began would be a series of its own; `process_start_time_seconds`
    # says the same.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the package lacks this type
    registry = CollectorRegistry()
    for collector in (
        _IngestCollector(sources.monitor),
        _PictureCollector(sources.read_pictures),
        _ClosingCollector(sources.read_closing),
        _ConnectionCollector(sources.connections),
        _DatabaseCollector(sources.database),
        ProcessesCollector(sources.heartbeat),
        *sources.counted,
    ):
        registry.register(collector)
    for make_collector in (ProcessCollector, PlatformCollector, GCCollector):
        make_collector(registry=registry)
    build = Info("playhead_build", "Release of Playhead that runs.", registry=registry)
    build.info({"version": __version__})
    identity = sources.heartbeat.identity
    process = Info("playhead_process", "Host, id and roles of this process.", registry=registry)
    process.info(
        {
            "host": identity.host,
            "pid": str(identity.pid),
            "process_id": identity.process_id,
            "roles": ",".join(identity.roles),
        }
    )
    return registry


def make_metrics_route(read_metrics: Callable[[], Awaitable[bytes]]) -> APIRouter:
    """Make the route of the metrics.

    Args:
        read_metrics: Returns them in the text format of Prometheus.
    """
    router = APIRouter(include_in_schema=False)

    @router.get("/metrics")
    async def metrics() -> Response:
        """Answer with all metrics in the text format of Prometheus."""
        return Response(await read_metrics(), media_type="text/plain; version=0.0.4")

    return router
