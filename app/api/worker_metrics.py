"""Metrics of all workers behind one port: whichever is asked, answers for all of them.

    /metrics ─► this worker ─┬─ its own registry
                             └─ 1.sock, 2.sock …: one Unix socket for each worker ─► text

Each series gets the label `worker`, and nothing is added up: when a worker starts again, its
counters begin at 0 as Prometheus expects it, which a sum over the workers that live would hide.
That is also why this is not the mode of prometheus_client for several processes: it keeps files of
the dead, knows no collectors that read their values when they are asked, and takes longer to count.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, override

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from app.core import log

_PATIENCE_S: Final = 2.0
"""Time that a worker has for its answer; one that is held up longer is left out."""

_logger: Final = log.get_logger("api.metrics")


class WorkerMetrics:
    """Tells the other workers the metrics of this one, and asks them for theirs."""

    def __init__(self, registry: CollectorRegistry, folder: Path, number: int) -> None:
        """Make it for the worker of a number; nobody hears of it before `start`.

        Args:
            registry: Metrics of this worker.
            folder: Folder with the sockets of all workers.
            number: Number of this worker.
        """
        self._registry = registry
        self._folder = folder
        self._number = str(number)
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to answer the other workers, in place of a worker with the same number."""
        unborn = self._folder / f"{self._number}.new"
        unborn.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._answer, unborn)
        unborn.rename(self._folder / f"{self._number}.sock")

    async def stop(self) -> None:
        """Answer nobody any more; the socket stays, since it may be a successor's by now."""
        if self._server is not None:
            self._server.close()

    async def read_all(self) -> bytes:
        """Return the metrics of all workers in the text format of Prometheus."""
        numbers = sorted(path.stem for path in self._folder.glob("*.sock"))
        others = [number for number in numbers if number != self._number]
        texts = dict(zip(others, await asyncio.gather(*map(self._ask, others)), strict=True))
        texts[self._number] = generate_latest(self._registry).decode()
        merged = CollectorRegistry()
        merged.register(_MergedMetrics(texts))
        return generate_latest(merged)

    async def _ask(self, number: str) -> str:
        """Return the metrics of another worker; none if it does not answer."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                reader, writer = await asyncio.open_unix_connection(self._folder / f"{number}.sock")
                try:
                    return (await reader.read()).decode()
                finally:
                    writer.close()
        except (OSError, TimeoutError) as error:
            _logger.warning("a worker tells no metrics", worker=number, error=str(error))
            return ""

    async def _answer(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(generate_latest(self._registry))
        writer.close()
        await writer.wait_closed()


class _MergedMetrics(Collector):
    """The metrics of several workers, family by family."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """Read them.

        Args:
            texts: Metrics in the text format, by the number of their worker.
        """
        self._families: dict[str, Metric] = {}
        for number, text in sorted(texts.items()):
            self._add(number, text_string_to_metric_families(text))

    @override
    def collect(self) -> Iterator[Metric]:
        yield from self._families.values()

    def _add(self, number: str, families: Iterable[Metric]) -> None:
        for family in families:
            merged = self._families.setdefault(
                family.name, Metric(family.name, family.documentation, family.type)
            )
            merged.samples += [
                sample._replace(labels={"worker": number, **sample.labels})
                for sample in family.samples
            ]
