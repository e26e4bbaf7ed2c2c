"""Serves Playhead until the process is told to stop.

take the port → open the service (`wiring/`) → accept connections → report how to sign in
"""

import asyncio
import functools
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final, override

import uvicorn
import uvloop

from app.accounts import links, queries as account_queries
from app.api.connection import HttpConnection
from app.core.errors import ServiceUnavailable
from app.core.running import runtime
from app.core.settings import Settings
from app.db.engine import Database
from app.formats.wire import credentials
from app.projects import queries as project_queries
from app.web.urls import account_urls
from app.wiring import Service, WorkerPlace, open_service
from app.wiring.port import BACKLOG, TakenPort, explain_refusal

_RETRY_S: Final = 1.0
_REQUESTS_S: Final = 10
"""The longest time for which a server that stops waits for its open requests."""


@dataclass(frozen=True, slots=True)
class StartReport:
    """The facts that a person needs once the server can be used."""

    base_url: str
    sign_in_link: str | None
    """A link for the first admin, as long as they have no password."""
    dsn: str
    project_id: int


def _tell_nobody() -> None:
    """Do nothing: nobody waits for the listener."""


@dataclass(frozen=True, slots=True)
class StartEvents:
    """Functions that are told how a start goes."""

    on_ready: Callable[[StartReport], None] | None
    """Called when the server listens and the database can be used; None if another one tells."""
    on_waiting: Callable[[str], None]
    """Called with the reason when the server listens and the database cannot be used yet."""
    on_listening: Callable[[], None] = _tell_nobody
    """Called when connections are accepted."""


def run_server(
    settings: Settings,
    on_ready: Callable[[StartReport], None],
    on_waiting: Callable[[str], None] = lambda _reason: None,
) -> None:
    """Serve until the process is told to stop.

    Args:
        settings: Read once, at the start.
        on_ready: Called when the server listens and the database can be used.
        on_waiting: Called with the reason when the server listens and the database cannot be
            used yet.

    Raises:
        PortInUse: Another program listens on the address.
        ServiceUnavailable: The embedded Postgres, the journal or the object storage cannot be
            started.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings, on_ready, on_waiting))


async def serve(
    settings: Settings, on_ready: Callable[[StartReport], None], on_waiting: Callable[[str], None]
) -> None:
    """Serve in the running event loop; otherwise as `run_server` does."""
    runtime.return_freed_memory()
    # The port is taken before anything else starts, so that a second start fails at once.
    with TakenPort(settings) as port:
        await port.listen_if_alone()
        events = StartEvents(on_ready, on_waiting, port.note_listening)
        await serve_on(port.listener, settings, events)


async def serve_on(
    listener: socket.socket,
    settings: Settings,
    events: StartEvents,
    place: WorkerPlace | None = None,
) -> None:
    """Serve on a socket, in the running event loop.

    Args:
        listener: The socket, which is bound and may listen already; it is closed at the end.
        settings: The choices of the operator.
        events: Told how the start goes.
        place: The place among workers of one parent; None for a process that is alone.
    """
    async with open_service(settings, place) as service:
        try:
            await _serve_requests(listener, settings, service, events)
        finally:
            # Only now: a slow request has 10 s of its own, and must not use up the time for what
            # is still to be written to a Postgres that answers.
            service.begin_to_stop()


async def _serve_requests(
    listener: socket.socket, settings: Settings, service: Service, events: StartEvents
) -> None:
    # What is in memory by now stays: the garbage collector need not visit it with every envelope.
    runtime.tune_interpreter()
    server = _Server(make_server_config(settings, service), service)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event
        await asyncio.sleep(0.01)
    if not server.started:
        try:
            await serving
        except OSError as error:  # another program began to listen since this one took the port
            raise explain_refusal(settings, error) from error
        return
    events.on_listening()
    if service.opened_pages is not None:
        service.opened_pages.begin_warming_up()
    reporting = asyncio.create_task(_report_start(settings, service, events), name="banner")
    await serving
    reporting.cancel()
    with suppress(asyncio.CancelledError):
        await reporting


async def _report_start(settings: Settings, service: Service, events: StartEvents) -> None:
    """Report that the server is ready, which may be long after it began to listen."""
    on_ready = events.on_ready
    if on_ready is None:
        return
    preparation = service.preparation
    if not preparation.done.is_set():
        events.on_waiting(preparation.reason)
    await preparation.done.wait()
    while True:
        try:
            on_ready(await _make_start_report(settings, service.database))
        except ServiceUnavailable:
            await asyncio.sleep(_RETRY_S)  # the database went away again
        else:
            return


class _Server(uvicorn.Server):
    """A server that leaves the end of the process to its caller, and drains before it stops.

    uvicorn raises a caught signal again when it has stopped, which would end the process before
    the journal is closed and Postgres is stopped.
    """

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._service.endpoint.is_stopping = True
        await super().shutdown(sockets)

    @contextmanager
    @override
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        stop = functools.partial(self.handle_exit, signal.SIGTERM, None)
        loop.add_signal_handler(signal.SIGTERM, self._service.drain.begin, stop)
        # A person who presses Ctrl-C does not want to wait.
        loop.add_signal_handler(signal.SIGINT, self.handle_exit, signal.SIGINT, None)
        yield


def make_server_config(settings: Settings, service: Service) -> uvicorn.Config:
    """Make the configuration of uvicorn: our own HTTP connection, and no log but ours."""
    return uvicorn.Config(
        service.application,
        http=functools.partial(HttpConnection, service.endpoint),  # type: ignore[arg-type]  # is called only
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_REQUESTS_S,
    )


async def _make_start_report(settings: Settings, database: Database) -> StartReport:
    async with database.transaction() as connection:
        people = await account_queries.list_people(connection)
        admins = [person for person in people if person.is_admin and person.disabled_at is None]
        link = None
        if admins and not admins[0].has_password:
            token = await links.make_sign_in_link(connection, admins[0].id)
            link = f"{settings.base_url}{account_urls.sign_in_link(token)}"
        project = (await project_queries.list_all_projects(connection))[0]
        key = await project_queries.find_active_key(connection, project.id)
    dsn = "none: every key of the first project is switched off"
    if key is not None:
        dsn = credentials.make_dsn(settings.base_url, key.public_key, project.id)
    return StartReport(settings.base_url, link, dsn, project.id)
