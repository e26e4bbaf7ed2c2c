"""Puts the layers together: opens what a server consists of, in the order in which it depends.

    data folder → Postgres → objects → keys → ingest → background work → pages and ingest API

A Postgres that does not answer delays nothing but pages: it is prepared when it comes. Object
storage does not delay the start either, unless it refuses.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

from fastapi import FastAPI
from starlette.types import ASGIApp

from app import __version__, monitoring
from app.administration.people.sign_in_provider import open_sign_in_provider
from app.api import health_checks, metrics
from app.api.drain import Drain
from app.api.endpoint import IngestEndpoint
from app.api.open_connections import OpenConnections, allow_open_files
from app.background import Housekeeper
from app.closing.closer import Closer
from app.closing.sealing.sealer import Sealer
from app.closing.step import ClosingStep
from app.core import units
from app.core.event_loop import EventLoopMonitor
from app.core.settings import Settings
from app.db import embedded
from app.db.engine import Database
from app.db.folder import close_to_others, make_private
from app.erasure.jobs.worker import Eraser
from app.erasure.log.file import ErasureLog
from app.erasure.sweep import Sweeper
from app.ingest.admission.admission import IngestAdmission
from app.ingest.admission.quotas import Quotas
from app.ingest.admission.token_buckets import SenderLimits
from app.ingest.digest.batch_digester import NotePictures
from app.ingest.digest.link_issues import relink_replays
from app.ingest.health import IngestMonitor
from app.ingest.quarantine import QuarantineRetrier
from app.ingest.worker import IngestWorker
from app.playback.pictures.maker import PictureMaker
from app.preparation import DatabasePreparation
from app.processes.heartbeat import ProcessHeartbeat, make_identity
from app.processes.static_releases import StaticReleases, name_own_release
from app.projects.keys import KeyCache
from app.projects.rule_cache import RuleCache
from app.replays.model import ReplayKey
from app.retention.keep_rules import KeepRuleStep
from app.retention.worker import RetentionWorker
from app.storage.choose import describe_store, open_store
from app.storage.measured import MeasuredStore
from app.storage.port import ObjectStore
from app.storage.startup_check import StartupCheck
from app.web import router
from app.web.frame import errors as web_errors
from app.web.frame.middleware.compression import compress_pages
from app.web.frame.middleware.guard import Guard
from app.web.frame.middleware.head_requests import HeadRequests
from app.web.frame.middleware.page_metrics import MeasurePages, PageMetrics
from app.web.frame.rendering.assets import Assets, OtherAssets
from app.web.frame.rendering.renderer import Renderer
from app.web.frame.services import PageServices
from app.web.urls import account_urls

_BUSY_ENTRIES: Final = 200
"""With more envelopes than this to be digested, pictures and the closing of replays wait."""


@dataclass(frozen=True, slots=True)
class Service:
    """A running Playhead without its listener: what tests and the server share."""

    pages: ASGIApp
    endpoint: IngestEndpoint
    page_services: PageServices
    ingest: IngestWorker
    sweeper: Sweeper
    preparation: DatabasePreparation
    maker: PictureMaker
    closer: Closer
    heartbeat: ProcessHeartbeat
    drain: Drain


class _Worker(Protocol):
    """Background work that is started without arguments."""

    def start(self) -> None: ...

    async def stop(self) -> None: ...


@asynccontextmanager
async def open_service(settings: Settings) -> AsyncIterator[Service]:
    """Start everything but the listener, and stop it in the reverse order."""
    data_dir = settings.data_dir.resolve()
    make_private(data_dir)
    close_to_others(data_dir)
    async with AsyncExitStack() as stack:
        database, preparation = await _open_database(settings, data_dir, stack)
        objects = await _open_objects(settings, data_dir, stack)
        keys = await _open_keys(database, stack)
        quotas = _open_quotas(settings, database, stack)
        rules = _open_rules(database, stack)
        maker = PictureMaker(database, objects)
        note_pictures = maker.note if settings.pictures else _ignore_replays
        ingest = _open_ingest(
            settings,
            database,
            objects,
            IngestAdmission(keys, quotas),
            rules,
            note_pictures=note_pictures,
        )
        monitor = IngestMonitor(
            ingest, database, objects, reserve_bytes=settings.journal_reserve_bytes
        )
        heartbeat = _open_heartbeat(settings, database, ingest, monitor, stack)

        def is_busy() -> bool:
            return ingest.journal.backlog().entries > _BUSY_ENTRIES

        if settings.pictures:
            maker.start(is_busy=is_busy)
            stack.push_async_callback(maker.stop)
        closer = _open_closer(settings, database, objects)
        closer.start(is_busy=is_busy)
        stack.push_async_callback(closer.stop)
        sweeper = Sweeper(database, objects)
        eraser = _make_eraser(settings, database, objects, ingest, sweeper)
        retention = RetentionWorker(database, objects, longest_days=settings.keep_days_at_most)
        loop_monitor = EventLoopMonitor()
        for worker in (loop_monitor, monitor, sweeper, eraser, retention, Housekeeper(database)):
            _start_worker(worker, stack)
        renderer = Renderer(static_base=f"/static/{name_own_release()}")
        provider = open_sign_in_provider(
            settings, callback=account_urls.PROVIDER_CALLBACK, signed_out=account_urls.SIGN_IN
        )
        if provider is not None:
            stack.push_async_callback(provider.openid.close)
        connections = OpenConnections(
            limit=allow_open_files(settings.max_connections),
            limit_of_network=settings.max_connections_per_address,
        )
        page_services = PageServices(
            settings,
            database,
            objects,
            keys,
            rules,
            renderer,
            sweeper,
            eraser,
            retention,
            monitor,
            closer,
            QuarantineRetrier(ingest),
            monitoring.server_counts(ingest, connections, maker, closer),
            StaticReleases(database),
            provider,
        )
        stack.push_async_callback(page_services.close)
        drain = Drain(settings.drain_s, heartbeat.note_stopping)
        endpoint = IngestEndpoint(ingest.acceptor, connections)
        parts = monitoring.MonitoredParts(
            database=database,
            objects=objects,
            ingest=ingest,
            monitor=monitor,
            endpoint=endpoint,
            maker=maker,
            closer=closer,
            event_loop=loop_monitor,
            pages=PageMetrics(),
        )
        pages = _build_pages(page_services, parts, drain)
        stack.callback(heartbeat.note_stopping)
        yield Service(
            pages,
            endpoint,
            page_services,
            ingest,
            sweeper,
            preparation,
            maker,
            closer,
            heartbeat,
            drain,
        )


async def _open_database(
    settings: Settings, data_dir: Path, stack: AsyncExitStack
) -> tuple[Database, DatabasePreparation]:
    """Open the database; its preparation goes on in the background while it does not answer."""
    urls = await embedded.start_or_find_postgres(settings, data_dir, stack)
    database = Database.open(urls.app, max_connections=settings.database_connections)
    stack.push_async_callback(database.close)
    preparation = DatabasePreparation(urls, database, settings.erasure_log_path)
    stack.push_async_callback(preparation.stop)
    await preparation.begin()
    return database, preparation


async def _open_objects(settings: Settings, data_dir: Path, stack: AsyncExitStack) -> MeasuredStore:
    """Open the object store; its check goes on in the background while it does not answer."""
    objects = MeasuredStore(open_store(settings, data_dir))
    stack.push_async_callback(objects.close)
    startup_check = StartupCheck(objects)
    stack.push_async_callback(startup_check.stop)
    await startup_check.begin()
    return objects


async def _open_keys(database: Database, stack: AsyncExitStack) -> KeyCache:
    keys = KeyCache()
    await keys.start(database)
    stack.push_async_callback(keys.stop)
    return keys


def _open_rules(database: Database, stack: AsyncExitStack) -> RuleCache:
    rules = RuleCache()
    rules.start(database)
    stack.push_async_callback(rules.stop)
    return rules


def _open_quotas(settings: Settings, database: Database, stack: AsyncExitStack) -> Quotas:
    rates_of_keys, rates_of_unseen = (
        SenderLimits(
            envelopes_per_s=settings.key_envelopes_per_s,
            envelopes=settings.key_envelopes_burst,
            bytes_per_s=settings.key_bytes_per_s,
            size_bytes=settings.key_bytes_burst,
        )
        for _ in range(2)
    )
    quotas = Quotas(rates_of_keys, rates_of_unseen)
    quotas.start(database)
    stack.push_async_callback(quotas.stop)
    return quotas


def _open_ingest(
    settings: Settings,
    database: Database,
    objects: ObjectStore,
    admission: IngestAdmission,
    rules: RuleCache,
    *,
    note_pictures: NotePictures,
) -> IngestWorker:
    return IngestWorker.open(
        database,
        objects,
        admission,
        rules,
        journal_root=settings.data_dir.resolve() / "journal",
        file_bytes=settings.journal_file_bytes,
        reserve_bytes=settings.journal_reserve_bytes,
        memory_bytes=settings.digest_memory_bytes,
        note_pictures=note_pictures,
    )


def _open_heartbeat(
    settings: Settings,
    database: Database,
    ingest: IngestWorker,
    monitor: IngestMonitor,
    stack: AsyncExitStack,
) -> ProcessHeartbeat:
    """Begin to tell the other processes how this one is, until its ingest has ended."""
    heartbeat = ProcessHeartbeat(
        database,
        make_identity(
            version=__version__,
            journal_id=ingest.journal.id,
            store=describe_store(settings),
            database_connections=settings.database_connections,
        ),
        monitor.describe_condition,
        heartbeat_s=settings.heartbeat_s,
        silent_after_s=settings.silent_after_s,
    )

    async def close_ingest() -> None:
        await ingest.close()
        await heartbeat.sign_off(has_left_journal=ingest.journal.path.exists())

    heartbeat.start()
    stack.push_async_callback(close_ingest)
    return heartbeat


def _make_eraser(
    settings: Settings,
    database: Database,
    objects: ObjectStore,
    ingest: IngestWorker,
    sweeper: Sweeper,
) -> Eraser:
    def find_backlog() -> datetime | None:
        if not ingest.digester.has_adopted:
            return datetime.min.replace(tzinfo=UTC)
        oldest_ms = ingest.journal.backlog().oldest_received_ms
        return None if oldest_ms is None else units.at_from_ms(oldest_ms)

    return Eraser(
        database,
        objects,
        ErasureLog(settings.erasure_log_path),
        relink=relink_replays,
        find_backlog=find_backlog,
        hurry_sweep=sweeper.hurry,
    )


def _open_closer(settings: Settings, database: Database, objects: ObjectStore) -> Closer:
    """Make the worker that closes replays, with the steps that follow when one has closed."""
    steps: list[ClosingStep] = [Sealer(database, objects), KeepRuleStep(database)]
    return Closer(database, steps, quiet=timedelta(seconds=settings.replay_quiet_s))


def _ignore_replays(keys: Iterable[ReplayKey]) -> None:
    """Do nothing: the drawing of pictures is switched off."""


def _start_worker(worker: _Worker, stack: AsyncExitStack) -> None:
    worker.start()
    stack.push_async_callback(worker.stop)


def _build_pages(
    page_services: PageServices,
    parts: monitoring.MonitoredParts,
    drain: Drain,
) -> ASGIApp:
    """Make the web application, with the guard before its pages."""
    # A redirect to the address without its last slash would lead to whatever host `Host` names.
    pages = FastAPI(openapi_url=None, redirect_slashes=False)
    pages.state.page_services = page_services
    pages.include_router(
        health_checks.make_health_routes(page_services.db, page_services.ingest_monitor, drain)
    )
    pages.include_router(metrics.make_metrics_route(monitoring.make_registry(parts)))
    pages.include_router(router.pages())
    pages.mount(f"/static/{name_own_release()}", Assets(), name="static")
    pages.mount("/static", OtherAssets(page_services.static_releases))
    web_errors.install(pages)
    return Guard(
        HeadRequests(compress_pages(MeasurePages(pages, parts.pages))),
        base_url=page_services.settings.base_url,
        is_only_origin=page_services.settings.public_url is not None,
        proxies=page_services.proxies,
    )
