"""Opens what a process consists of, by its roles, in the order in which its parts depend."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter
from prometheus_client import CollectorRegistry, generate_latest
from starlette.types import ASGIApp

from app import __version__, monitoring
from app.api import health_checks, metrics
from app.api.application import make_application
from app.api.drain import ServerDrain
from app.api.endpoint import IngestEndpoint
from app.api.missing_pages import make_missing_pages_routes
from app.api.worker_metrics import WorkerMetrics
from app.closing.closer import Closer
from app.core import tracing
from app.core.process_roles import ProcessRole
from app.core.running.event_loop import EventLoopMonitor
from app.core.settings import Settings
from app.db.engine import Database
from app.erasure.sweep import Sweeper
from app.ingest.health import IngestMonitor
from app.ingest.worker import IngestWorker
from app.playback.pictures.maker import PictureMaker
from app.preparation import DatabasePreparation
from app.processes.heartbeat import ProcessHeartbeat
from app.web.frame.middleware.page_metrics import PageMetrics
from app.wiring.door import open_door
from app.wiring.heartbeat import open_heartbeat
from app.wiring.shared import SharedParts, WorkerPlace, open_shared_parts
from app.wiring.spill import open_spill_adopter
from app.wiring.work import BackgroundWork, make_background_work, start_background_work

if TYPE_CHECKING:
    from app.web.frame.services import PageServices


_POSTGRES_S: Final = 10.0
"""The longest time for which a process waits for Postgres once its requests have ended: digest
stores what is in memory, and the heartbeat signs off. Together with the time for requests it is
well below the 30 s after which systemd kills the process."""


@dataclass(frozen=True, slots=True)
class Service:
    """A running process without its listener: what tests and the server share."""

    shared: SharedParts
    work: BackgroundWork
    heartbeat: ProcessHeartbeat
    drain: ServerDrain
    endpoint: IngestEndpoint
    application: ASGIApp
    """Answers all requests but those to ingest endpoints."""
    opened_ingest: IngestWorker | None
    opened_pages: "PageServices | None"

    @property
    def ingest(self) -> IngestWorker:
        """The ingest of a process with the role `door`."""
        assert self.opened_ingest is not None  # noqa: S101 - who asks knows the roles
        return self.opened_ingest

    @property
    def page_services(self) -> "PageServices":
        """The services of a process with the role `pages`."""
        assert self.opened_pages is not None  # noqa: S101 - who asks knows the roles
        return self.opened_pages

    @property
    def database(self) -> Database:
        """The pool of the process."""
        return self.shared.database

    def begin_to_stop(self) -> None:
        """Wait for Postgres only for a while from now on.

        Call it when requests have ended, and before the service is closed.
        """
        self.shared.database.end_waiting_after(_POSTGRES_S)

    @property
    def preparation(self) -> DatabasePreparation:
        """The preparation of the database."""
        return self.shared.preparation

    @property
    def sweeper(self) -> Sweeper:
        """Removes objects, if the process has the role `worker`."""
        return self.work.sweeper

    @property
    def maker(self) -> PictureMaker:
        """Draws pictures, if the process has the role `worker`."""
        return self.work.maker

    @property
    def closer(self) -> Closer:
        """Closes replays, if the process has the role `worker`."""
        return self.work.closer


@asynccontextmanager
async def open_service(
    settings: Settings, place: WorkerPlace | None = None
) -> AsyncIterator[Service]:
    """Start everything but the listener, and stop it in the reverse order.

    Args:
        settings: The choices of the operator.
        place: The place among workers of one parent; None for a process that is alone.
    """
    roles = settings.roles
    async with AsyncExitStack() as stack:
        # First of all, since connections to Postgres learn when they are opened whether to record.
        tracing.start_tracing(__version__)
        stack.push_async_callback(asyncio.to_thread, tracing.stop_tracing)
        shared = await open_shared_parts(settings, stack, place)
        ingest = await open_door(shared) if ProcessRole.DOOR in roles else None
        monitor = IngestMonitor(
            ingest,
            shared.database,
            shared.objects,
            journal_root=settings.data_dir.resolve() / "journal",
            reserve_bytes=settings.journal_reserve_bytes,
        )
        heartbeat = open_heartbeat(shared, ingest, monitor)
        shared.start(monitor)
        work = make_background_work(shared, ingest, heartbeat)
        if ProcessRole.WORKER in roles:
            start_background_work(work, shared, ingest, heartbeat.identity.process_id)
        spill_adopter = None
        if settings.has_bucket and set(roles) != {ProcessRole.PAGES}:
            spill_adopter = open_spill_adopter(shared, ingest, heartbeat.identity.process_id)
        drain = ServerDrain(settings.drain_s, heartbeat.note_stopping)
        endpoint = IngestEndpoint(ingest.acceptor if ingest else None, shared.connections)
        heartbeat.read_counts = monitoring.process_counts(ingest, shared.connections)
        event_loop, page_metrics = EventLoopMonitor(), PageMetrics()
        shared.start(event_loop)
        registry = monitoring.make_registry(
            monitoring.MonitoredParts(
                database=shared.database,
                objects=shared.objects,
                ingest=ingest,
                monitor=monitor,
                endpoint=endpoint,
                maker=work.maker,
                closer=work.closer,
                event_loop=event_loop,
                pages=page_metrics,
                spill_adopter=spill_adopter,
                heartbeat=heartbeat,
                symbolication=shared.symbolication.symbolicator.metrics,
                messages=work.alerts.metrics,
                clips=work.clips.metrics,
            )
        )
        routes = APIRouter()
        routes.include_router(
            health_checks.make_health_routes(shared.database, monitor, drain, roles)
        )
        read_metrics = await _open_metrics(registry, place, stack)
        routes.include_router(metrics.make_metrics_route(read_metrics))
        page_services: PageServices | None = None
        if ProcessRole.PAGES in roles:
            from app.wiring import pages, rest  # noqa: PLC0415 - only this role needs the web app

            if ProcessRole.WORKER not in roles:
                work.closer.start_counting()
                stack.push_async_callback(work.closer.stop)
            page_services = pages.open_page_services(
                shared,
                work,
                ingest,
                monitor,
                heartbeat=heartbeat,
                renderer=place.renderer if place else None,
            )
            application = rest.put_rest_before(
                pages.build_pages(page_services, routes, page_metrics),
                shared,
                work.uploads,
                page_metrics=page_metrics,
            )
        else:
            application = make_application()
            application.include_router(routes)
            application.include_router(make_missing_pages_routes(roles))
        stack.callback(heartbeat.note_stopping)
        yield Service(shared, work, heartbeat, drain, endpoint, application, ingest, page_services)


async def _open_metrics(
    registry: CollectorRegistry, place: WorkerPlace | None, stack: AsyncExitStack
) -> Callable[[], Awaitable[bytes]]:
    """Return what reads the metrics of this process, or of all workers beside it."""
    if place is None:

        async def read_own() -> bytes:
            return generate_latest(registry)

        return read_own
    workers = WorkerMetrics(registry, place.metrics_dir, place.number)
    await workers.start()
    stack.push_async_callback(workers.stop)
    return workers.read_all
