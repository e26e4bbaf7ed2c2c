"""Doors for machines that watch: alive, ready, metrics."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import text
from typing_extensions import override

from app.core import clock
from app.core.errors import Unavailable
from app.db.engine import Database
from app.journal.writer import Journal

_UNREADY: Final = 503
_OLDEST_S: Final = 60.0


class _JournalFigures(Collector):
    """The backlog of this process's journal, read when somebody asks."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    @override
    def collect(self) -> Iterator[Metric]:
        backlog = self._journal.backlog()
        for name, words, value in (
            ("entries", "Accepted envelopes that are not digested yet.", backlog.entries),
            ("bytes", "Bytes of accepted envelopes that are not digested yet.", backlog.bytes),
            ("oldest_seconds", "Age of the oldest of them.", _age_s(backlog.oldest_received_ms)),
        ):
            yield GaugeMetricFamily(f"playhead_journal_backlog_{name}", words, value)


@dataclass(frozen=True, slots=True)
class PictureFigures:
    """What the drawing of pictures counts."""

    waiting: int
    spent_s: float
    results: Mapping[str, int]


class _Pictures(Collector):
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


def doors(
    database: Database, journal: Journal, read_pictures: Callable[[], PictureFigures]
) -> APIRouter:
    """Make the routes."""
    router = APIRouter(include_in_schema=False)
    registry = CollectorRegistry()
    registry.register(_JournalFigures(journal))
    registry.register(_Pictures(read_pictures))

    @router.get("/health/live")
    async def live() -> dict[str, str]:
        """Answer: the process runs."""
        return {"status": "live"}

    @router.get("/health/ready")
    async def ready(response: Response) -> dict[str, str]:
        """Answer 200 when Postgres does, else 503; envelopes are accepted all the same."""
        try:
            async with database.reading() as connection:
                await connection.execute(text("select 1"))
        except Unavailable as error:
            response.status_code = _UNREADY
            return {"status": "not ready", "detail": str(error)}
        return {"status": "ready"}

    @router.get("/metrics")
    async def metrics() -> Response:
        """Answer with the figures in Prometheus's text format."""
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4")

    return router


def _age_s(received_ms: int | None) -> float:
    return 0.0 if received_ms is None else (clock.now_ms() - received_ms) / 1000
