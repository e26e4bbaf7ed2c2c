"""Starts the parent of workers: the port, Postgres, then the workers, which share its memory."""

import asyncio
import functools
import gc
import importlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uvloop

from app.core.process_roles import ProcessRole
from app.core.running import runtime
from app.core.settings import Settings
from app.db import roles
from app.db.roles import DatabaseUrls
from app.main import StartEvents, serve_on
from app.supervisor.postgres import SupervisedPostgres, share_connections
from app.supervisor.supervisor import StartObserver, Supervisor
from app.supervisor.worker_process import WorkerVoice
from app.wiring import WorkerPlace
from app.wiring.port import TakenPort

if TYPE_CHECKING:
    from app.web.frame.rendering.renderer import Renderer

_PATIENCE_S: Final = 40.0
"""A worker has 10 s for its answers and 10 s for digest; a busy machine may need longer."""
_PRELOADED: Final = ("uvicorn.loops.auto", "uvicorn.lifespan.off", "asyncpg", "uvloop")


def serve_workers(settings: Settings, observer: StartObserver) -> None:
    """Serve with several workers until the process is told to stop.

    Args:
        settings: Read once, at the start; `workers` says how many there are.
        observer: Told about the start, once in all.

    Raises:
        PortInUse: Another program listens on the address.
        ServiceUnavailable: The embedded Postgres or the workers cannot be started.
    """
    runtime.return_freed_memory()
    with TakenPort(settings) as port, _run_postgres(settings) as (postgres, urls):
        asyncio.run(port.listen_if_alone())
        metrics_dir = Path(tempfile.mkdtemp(prefix="playhead-workers-"))
        try:
            plan = _WorkerPlan(port, settings, metrics_dir, urls, _preload(settings))
            Supervisor(
                functools.partial(_run_worker, plan),
                settings.workers,
                observer=observer,
                postgres=postgres,
                close_listener=port.close,
                patience_s=_PATIENCE_S + settings.drain_s,
            ).run()
        finally:
            shutil.rmtree(metrics_dir, ignore_errors=True)


@contextmanager
def _run_postgres(settings: Settings) -> Iterator[tuple[SupervisedPostgres | None, DatabaseUrls]]:
    external = roles.read_external_urls(settings)
    if external is not None:
        yield None, external
        return
    postgres = SupervisedPostgres(
        settings.data_dir.resolve(), bin_dir=settings.postgres_bin, workers=settings.workers
    )
    try:
        yield postgres, postgres.start()
    finally:
        postgres.stop()


def _preload(settings: Settings) -> "Renderer | None":
    """Import and make what workers need, so that they share its memory instead of having copies.

    Returns:
        What renders pages, if the workers have pages.
    """
    for name in _PRELOADED:
        importlib.import_module(name)
    if settings.storage != "local":
        importlib.import_module("app.storage.s3")
    renderer = None
    if ProcessRole.PAGES in settings.roles:
        from app.web.frame.rendering import assets  # noqa: PLC0415 - only for this role
        from app.wiring import pages  # noqa: PLC0415

        renderer = pages.make_renderer(settings)
        renderer.prepare()
        assets.prepare_assets()
    # The garbage collector writes into objects that it visits: then a page is not shared any more.
    gc.collect()
    gc.freeze()
    return renderer


@dataclass(frozen=True, slots=True)
class _WorkerPlan:
    """The parts that all workers of a parent share."""

    port: TakenPort
    settings: Settings
    metrics_dir: Path
    urls: DatabaseUrls
    renderer: "Renderer | None"


def _run_worker(plan: _WorkerPlan, number: int, voice: WorkerVoice) -> None:
    """Be a worker, in a process of its own."""
    settings = plan.settings
    if settings.database_url is None:
        connections = share_connections(settings.workers, settings.database_connections)
        settings = settings.model_copy(update={"database_connections": connections})

    def tell_listening() -> None:
        plan.port.note_listening()  # the copy of this process; the parent has its own
        voice.tell_listening()

    events = StartEvents(
        on_ready=voice.tell_ready if voice.is_reporter else None,
        on_waiting=voice.tell_waiting,
        on_listening=tell_listening,
    )
    place = WorkerPlace(number, plan.metrics_dir, plan.urls, plan.renderer)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve_on(plan.port.listener, settings, events, place))
