"""Doors for machines that watch: alive, ready, metrics."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, override

from fastapi import APIRouter, Response
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    Info,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from sqlalchemy import text

from app import __version__
from app.api.open_connections import OpenConnections
from app.core.errors import DatabaseUnusable, ServiceUnavailable
from app.db.engine import Database
from app.ingest.health import IngestMonitor

_UNREADY: Final = 503


class _IngestCollector(Collector):
    """The vitals of ingest, looked at when somebody asks."""

    def __init__(self, watch: IngestMonitor) -> None:
        self._watch = watch

    @override
    def collect(self) -> Iterator[Metric]:
        now = self._watch.look()
        for name, words, value in (
            (
                "journal_backlog_entries",
                "Accepted envelopes that are not digested yet.",
                now.backlog.entries,
            ),
            (
                "journal_backlog_bytes",
                "Bytes of accepted envelopes that are not digested yet.",
                now.backlog.bytes,
            ),
            ("journal_backlog_oldest_seconds", "How long the oldest of them waits.", now.oldest_s),
            (
                "journal_disk_bytes",
                "What journals take on disk, those of dead processes included.",
                now.journal_bytes,
            ),
            (
                "journal_room_bytes",
                "What they may still take before nothing is accepted; below 0 nothing is.",
                now.room_bytes,
            ),
            ("journal_used_ratio", "The part of the journal's room that is used.", now.used),
            (
                "digest_waits",
                "1 while digest waits for Postgres or storage to answer as it should; else 0.",
                now.away is not None,
            ),
            (
                "quarantined_envelopes",
                "Envelopes that failed on their content five times.",
                sum(now.quarantined.values()),
            ),
        ):
            yield GaugeMetricFamily(f"playhead_{name}", words, value)
        words = "Envelopes that met a limit, or whose key nobody knows, by reason."
        refused = CounterMetricFamily("playhead_envelopes_refused", words, labels=("reason",))
        for reason, quantity in now.refused.items():
            refused.add_metric((reason,), quantity)
        yield refused


@dataclass(frozen=True, slots=True)
class PictureFigures:
    """What the drawing of pictures counts."""

    waiting: int
    spent_s: float
    results: Mapping[str, int]


class _PictureCollector(Collector):
    """How this process draws pictures, read when somebody asks."""

    def __init__(self, read: Callable[[], PictureFigures]) -> None:
        self._read = read

    @override
    def collect(self) -> Iterator[Metric]:
        figures = self._read()
        words = "Replays whose small pictures are due, in all processes."
        yield GaugeMetricFamily("playhead_pictures_waiting", words, figures.waiting)
        words = "Time that drawing took."
        yield CounterMetricFamily("playhead_pictures_seconds", words, figures.spent_s)
        words = "Replays looked at to draw them, by result."
        results = CounterMetricFamily("playhead_pictures", words, labels=("result",))
        for result, count in figures.results.items():
            results.add_metric((result,), count)
        yield results


class _ConnectionCollector(Collector):
    """What is open and what was hung up on, read when somebody asks."""

    def __init__(self, connections: OpenConnections) -> None:
        self._connections = connections

    @override
    def collect(self) -> Iterator[Metric]:
        words = "Connections that are open."
        yield GaugeMetricFamily("playhead_connections", words, len(self._connections))
        words = "Connections that were ended without an answer, by reason."
        hang_ups = CounterMetricFamily("playhead_hang_ups", words, labels=("reason",))
        for reason, count in self._connections.hang_ups.items():
            hang_ups.add_metric((reason,), count)
        yield hang_ups


def make_health_routes(
    database: Database,
    watch: IngestMonitor,
    read_pictures: Callable[[], PictureFigures],
    connections: OpenConnections,
) -> APIRouter:
    """Make the routes."""
    router = APIRouter(include_in_schema=False)
    registry = CollectorRegistry()
    registry.register(_IngestCollector(watch))
    registry.register(_PictureCollector(read_pictures))
    registry.register(watch.metrics.accepted)
    registry.register(watch.metrics.answer_s)
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    build = Info("playhead_build", "Release of Playhead that runs.", registry=registry)
    build.info({"version": __version__})
    registry.register(_ConnectionCollector(connections))

    @router.get("/health/live")
    async def live() -> dict[str, str]:
        """Answer: the process runs."""
        return {"status": "live"}

    @router.get("/health/ready")
    async def ready(response: Response) -> dict[str, str]:
        """Answer 503 when Postgres does not answer or the journal runs out of room, else 200."""
        vitals = watch.look()
        if vitals.is_filling:
            response.status_code = _UNREADY
            return {"status": "not ready", "detail": "the journal runs out of room"}
        if isinstance(vitals.away, DatabaseUnusable):
            response.status_code = _UNREADY
            return {"status": "not ready", "detail": str(vitals.away)}
        try:
            async with database.reading() as connection:
                await connection.execute(text("select 1"))
        except ServiceUnavailable as error:
            response.status_code = _UNREADY
            return {"status": "not ready", "detail": str(error)}
        return {"status": "ready"}

    @router.get("/metrics")
    async def metrics() -> Response:
        """Answer with the figures in Prometheus's text format."""
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4")

    return router
