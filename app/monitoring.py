"""Gives the metrics and the page of the server's health what they read.

The API and the pages do not know the workers whose figures they show: this module knows both.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from app.administration.server.server_health import ServerCounts
from app.alerts.metrics import MessageMetrics
from app.api import metrics
from app.api.endpoint import IngestEndpoint
from app.api.open_connections import OpenConnections
from app.closing.closer import Closer
from app.core.running.event_loop import EventLoopMonitor
from app.db.engine import Database
from app.ingest.health import IngestMonitor
from app.ingest.spill.adopter import SpillAdopter
from app.ingest.worker import IngestWorker
from app.playback.clips.metrics import ClipMetrics
from app.playback.pictures.make import PictureResult
from app.playback.pictures.maker import PictureMaker
from app.processes.heartbeat import ProcessHeartbeat, ReadCounts
from app.storage.measured import MeasuredStore
from app.symbolication.metrics import SymbolicationMetrics
from app.web.frame.middleware.page_metrics import PageMetrics


@dataclass(frozen=True, slots=True)
class MonitoredParts:
    """The parts of a running server that count something."""

    database: Database
    objects: MeasuredStore
    ingest: IngestWorker | None
    """None in a process without the role `door`."""
    monitor: IngestMonitor
    endpoint: IngestEndpoint
    maker: PictureMaker
    closer: Closer
    event_loop: EventLoopMonitor
    pages: PageMetrics
    spill_adopter: SpillAdopter | None
    """None without a bucket."""
    heartbeat: ProcessHeartbeat
    symbolication: SymbolicationMetrics
    messages: MessageMetrics
    clips: ClipMetrics


def make_registry(parts: MonitoredParts) -> CollectorRegistry:
    """Make the registry of everything that `/metrics` prints."""
    ingest = parts.ingest
    counted_by_ingest = (
        (*ingest.acceptor.metrics.collectors, *ingest.digester.metrics.collectors) if ingest else ()
    )
    counted_by_spilling = (
        *(ingest.spiller.metrics.collectors if ingest and ingest.spiller else ()),
        *(parts.spill_adopter.metrics.collectors if parts.spill_adopter else ()),
    )
    return metrics.make_registry(
        metrics.MetricSources(
            parts.database,
            parts.monitor,
            _picture_figures(parts.maker),
            _closing_figures(parts.closer),
            parts.endpoint.connections,
            parts.heartbeat,
            counted=(
                *counted_by_ingest,
                *counted_by_spilling,
                parts.endpoint.answers.answers,
                *parts.database.metrics.collectors,
                *parts.objects.metrics.collectors,
                *parts.pages.collectors,
                *parts.symbolication.collectors,
                *parts.messages.collectors,
                *parts.clips.collectors,
                parts.event_loop.delay_s,
            ),
        )
    )


def _picture_figures(maker: PictureMaker) -> Callable[[], metrics.PictureFigures]:
    """Let the metrics read what the maker counts: the API does not know the maker."""
    return lambda: metrics.PictureFigures(
        waiting=maker.waiting,
        spent_s=maker.spent_s,
        results={result.value: maker.results[result] for result in PictureResult},
    )


def server_counts(
    ingest: IngestWorker | None, connections: OpenConnections, maker: PictureMaker, closer: Closer
) -> Callable[[], ServerCounts]:
    """Let the page of the server's health read what the metrics have."""

    def read_counts() -> ServerCounts:
        return ServerCounts(
            accepted=ingest.acceptor.metrics.count_accepted() if ingest else 0,
            connections=len(connections),
            hang_ups=dict(connections.hang_ups),
            pictures_waiting=maker.waiting,
            replays_open=closer.counts.open,
            closings_failing=closer.counts.failing,
        )

    return read_counts


def process_counts(ingest: IngestWorker | None, connections: OpenConnections) -> ReadCounts:
    """Let the other processes read what the page of the server's health adds up."""

    def read_counts() -> Mapping[str, int | Mapping[str, int]]:
        return {
            "accepted": ingest.acceptor.metrics.count_accepted() if ingest else 0,
            "connections": len(connections),
            "hang_ups": dict(connections.hang_ups),
            "refused": dict(ingest.admission.quotas.refused) if ingest else {},
        }

    return read_counts


def _closing_figures(closer: Closer) -> Callable[[], metrics.ClosingFigures]:
    """Let the metrics read what the closer counts: the API does not know it."""
    return lambda: metrics.ClosingFigures(
        open_replays=closer.counts.open,
        failing=closer.counts.failing,
        late_s=closer.counts.late_s,
        closed=closer.closed,
        step_failures=dict(closer.step_failures),
    )
