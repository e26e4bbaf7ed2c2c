"""Puts the floors together: keepers first, then stories, then doors, then the server.

lock folder → Postgres → migrations → objects, journal, keys → digest, sweep → doors → listen

A Postgres that does not answer holds up nothing but pages: it is prepared when it comes. Nor does
object storage hold up the start, unless it says no.
"""

import asyncio
import functools
import hashlib
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, override

import uvicorn
import uvloop
from fastapi import FastAPI
from starlette.types import ASGIApp

from app.accounts import links, queries as account_queries
from app.api import health
from app.api.connection import HttpConnection
from app.api.endpoint import IngestEndpoint
from app.api.open_connections import OpenConnections, allow_open_files
from app.background import Housekeeper
from app.core import log, runtime, shipped
from app.core.errors import ReplayError, ServiceUnavailable
from app.core.settings import Settings
from app.db import embedded
from app.db.engine import Database
from app.db.folder import make_private, tighten
from app.erasure.sweep import Sweeper
from app.formats.wire import credentials
from app.ingest.accept import Turns
from app.ingest.digest import NotePictures
from app.ingest.lane import Lane
from app.ingest.quotas import Quotas
from app.ingest.rates import SenderRates
from app.ingest.vitals import Watch
from app.playback.pictures.make import PictureResult
from app.playback.pictures.maker import PictureMaker
from app.preparation import Preparation
from app.projects import queries as project_queries
from app.projects.keys import KeyCache
from app.replays.model import ReplayKey
from app.storage.choose import open_store
from app.storage.first_look import FirstLook
from app.storage.port import ObjectStore
from app.web import router
from app.web.frame import assets, errors as web_errors
from app.web.frame.assets import Assets
from app.web.frame.compression import compressed
from app.web.frame.guard import Guard
from app.web.frame.head_requests import HeadRequests
from app.web.frame.house import House
from app.web.frame.render import Renderer

_AGAIN_S: Final = 1.0
_BUSY_ENTRIES: Final = 200
"""With more envelopes than this to be digested, pictures wait."""
_BACKLOG: Final = 1024
"""Connections the kernel holds while the process is busy."""

_logger: Final = log.get_logger("main")


class PortTaken(ReplayError):
    """Another program listens where this one should."""


@dataclass(frozen=True, slots=True)
class Started:
    """What a person needs to know once the server listens."""

    base_url: str
    sign_in_link: str | None
    """For the first admin, as long as they have no password."""
    dsn: str
    project_id: int


@dataclass(frozen=True, slots=True)
class Service:
    """A running Playhead without its listener: what tests and the server share."""

    pages: ASGIApp
    endpoint: IngestEndpoint
    house: House
    lane: Lane
    sweeper: Sweeper
    preparation: Preparation
    maker: PictureMaker


def run(
    settings: Settings,
    on_ready: Callable[[Started], None],
    on_waiting: Callable[[str], None] = lambda _reason: None,
) -> None:
    """Serve until the process is told to stop.

    Args:
        settings: Read once, at start.
        on_ready: Called when the server listens and the database can be used.
        on_waiting: Called when the server listens and the database cannot be used yet.

    Raises:
        PortTaken: The address is in use.
        ServiceUnavailable: The embedded Postgres, the journal or the object storage cannot be
            started.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, on_ready, on_waiting))


async def _serve(
    settings: Settings, on_ready: Callable[[Started], None], on_waiting: Callable[[str], None]
) -> None:
    runtime.return_freed_memory()
    # The port is taken before anything else starts, so that a second start fails at once.
    with _listen(settings) as listener:
        async with opened(settings) as service:
            telling = _tell(settings, service, on_ready, on_waiting)
            await _serve_on(listener, settings, service, telling)


async def _serve_on(
    listener: socket.socket,
    settings: Settings,
    service: Service,
    telling: Coroutine[Any, Any, None],
) -> None:
    # What is here by now stays: the garbage collector need not look at it with every envelope.
    runtime.tune_interpreter()
    server = _Server(_server_config(settings, service))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event
        await asyncio.sleep(0.01)
    if not server.started:
        telling.close()
        await serving
        return
    service.house.begin(asyncio.to_thread(_prepare_pages, service.house.renderer), name="pages")
    told = asyncio.create_task(telling, name="banner")
    await serving
    told.cancel()
    with suppress(asyncio.CancelledError):
        await told


def _prepare_pages(renderer: Renderer) -> None:
    """Make now what the first visitor would wait for."""
    renderer.prepare()
    assets.prepare()


async def _tell(
    settings: Settings,
    service: Service,
    on_ready: Callable[[Started], None],
    on_waiting: Callable[[str], None],
) -> None:
    """Say how the start went, which may be long after it."""
    preparation = service.preparation
    if not preparation.done.is_set():
        on_waiting(preparation.reason)
    await preparation.done.wait()
    while True:
        try:
            on_ready(await _introduce(settings, service.house.db))
        except ServiceUnavailable:
            await asyncio.sleep(_AGAIN_S)  # it went away again
        else:
            return


class _Server(uvicorn.Server):
    """A server that leaves the end of the process to its caller.

    uvicorn raises a caught signal again when it has stopped, which would end the process before
    the journal is closed and Postgres is stopped.
    """

    @contextmanager
    @override
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


def _server_config(settings: Settings, service: Service) -> uvicorn.Config:
    return uvicorn.Config(
        service.pages,
        http=functools.partial(HttpConnection, service.endpoint),  # type: ignore[arg-type]  # is called only
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=_BACKLOG,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=10,
    )


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server(
            (settings.host, settings.port), family=family, backlog=_BACKLOG, reuse_port=False
        )
    except OSError as error:
        raise PortTaken(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}"
        ) from error


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Service]:
    """Start everything but the listener, and stop it in the reverse order."""
    data_dir = settings.data_dir.resolve()
    make_private(data_dir)
    tighten(data_dir)
    async with AsyncExitStack() as stack:
        urls = await embedded.start_or_find(settings, data_dir, stack)
        database = Database.open(urls.app)
        stack.push_async_callback(database.close)
        preparation = Preparation(urls, database)
        stack.push_async_callback(preparation.stop)
        await preparation.begin()
        objects = open_store(settings, data_dir)
        stack.push_async_callback(objects.close)
        first_look = FirstLook(objects)
        stack.push_async_callback(first_look.stop)
        await first_look.begin()
        keys = KeyCache()
        await keys.start(database)
        stack.push_async_callback(keys.stop)
        maker = PictureMaker(
            database,
            objects,
            is_busy=lambda: lane.gate.journal.backlog().entries > _BUSY_ENTRIES,
        )
        note_pictures = maker.note if settings.pictures else _forget
        lane = await _open_lane(
            settings, database, objects, keys, note_pictures=note_pictures, stack=stack
        )
        if settings.pictures:
            maker.start()
            stack.push_async_callback(maker.stop)
        watch = Watch(lane, database, objects, reserve_bytes=settings.journal_reserve_bytes)
        watch.start()
        stack.push_async_callback(watch.stop)
        sweeper = Sweeper(database, objects)
        sweeper.start()
        stack.push_async_callback(sweeper.stop)
        housekeeper = Housekeeper(database)
        housekeeper.start()
        stack.push_async_callback(housekeeper.stop)
        house = House(
            settings,
            database,
            objects,
            keys,
            Renderer(static_base=_static_base()),
            sweeper,
            watch,
        )
        stack.push_async_callback(house.close)
        connections = OpenConnections(
            most=allow_open_files(settings.max_connections),
            most_of_network=settings.max_connections_per_address,
        )
        endpoint = IngestEndpoint(Turns(lane.gate), connections)
        yield Service(
            _build(house, maker, connections), endpoint, house, lane, sweeper, preparation, maker
        )


def _build(house: House, maker: PictureMaker, connections: OpenConnections) -> ASGIApp:
    """Put the guard before the pages."""
    # A redirect to the address without its last slash would lead to whatever host `Host` names.
    pages = FastAPI(openapi_url=None, redirect_slashes=False)
    pages.state.house = house
    pages.include_router(
        health.make_health_routes(house.db, house.watch, _figures(maker), connections)
    )
    pages.include_router(router.pages())
    pages.mount(_static_base(), Assets(), name="static")
    web_errors.install(pages)
    return Guard(
        HeadRequests(compressed(pages)),
        base_url=house.settings.base_url,
        is_only_origin=house.settings.public_url is not None,
        proxies=house.proxies,
    )


def _forget(keys: Iterable[ReplayKey]) -> None:
    """Take no note of replays: pictures are off."""


def _figures(maker: PictureMaker) -> Callable[[], health.PictureFigures]:
    """Let the metrics read what the maker counts, which lives on another floor."""
    return lambda: health.PictureFigures(
        waiting=maker.waiting,
        spent_s=maker.spent_s,
        results={result.value: maker.results[result] for result in PictureResult},
    )


@functools.cache
def _static_base() -> str:
    """Name the static files by their content, so that browsers may keep them for ever."""
    digest = hashlib.sha256()
    for path in sorted(shipped.STATIC.rglob("*")):
        if path.is_file():
            digest.update(path.read_bytes())
    return f"/static/{digest.hexdigest()[:12]}"


async def _open_lane(
    settings: Settings,
    database: Database,
    objects: ObjectStore,
    keys: KeyCache,
    *,
    note_pictures: NotePictures,
    stack: AsyncExitStack,
) -> Lane:
    of_keys, of_unseen = (
        SenderRates(
            envelopes_per_s=settings.key_envelopes_per_s,
            envelopes=settings.key_envelopes_burst,
            bytes_per_s=settings.key_bytes_per_s,
            size_bytes=settings.key_bytes_burst,
        )
        for _ in range(2)
    )
    quotas = Quotas(of_keys, of_unseen)
    quotas.start(database)
    stack.push_async_callback(quotas.stop)
    lane = Lane.open(
        database,
        objects,
        keys,
        quotas,
        journal_root=settings.data_dir.resolve() / "journal",
        file_bytes=settings.journal_file_bytes,
        reserve_bytes=settings.journal_reserve_bytes,
        memory_bytes=settings.digest_memory_bytes,
        note_pictures=note_pictures,
    )
    stack.push_async_callback(lane.close)
    return lane


async def _introduce(settings: Settings, database: Database) -> Started:
    async with database.transaction() as connection:
        people = await account_queries.everybody(connection)
        first = next((one for one in people if one.is_admin and one.disabled_at is None), None)
        link = None
        if first is not None and not first.has_password:
            link = f"{settings.base_url}/sign-in/{await links.make(connection, first.id)}"
        project = (await project_queries.list_all_projects(connection))[0]
        keys = await project_queries.keys_of(connection, project.id)
    dsn = next(
        (
            credentials.make_dsn(settings.base_url, key.public_key, project.id)
            for key in keys
            if key.is_active
        ),
        "none: every key of the first project is switched off",
    )
    return Started(settings.base_url, link, dsn, project.id)
