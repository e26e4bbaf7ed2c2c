"""A real server in the test's event loop: bytes go in by HTTP, and come out by HTTP and by queries.

    async with running(database_url, tmp_path) as server:
        await server.post(envelopes.replay_video_envelope())
        await server.settled()
        await server.dump(REPLAY_ID)

It has two projects, `app` and `backend`, each with a key, and `web`, a client that is signed in.
Starting one takes most of a second. Tests that do not depend on its state share one as tenants
(`tenant`), with projects and a person of their own.
"""

import asyncio
import functools
import os
import socket
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from fastapi.dependencies import models as dependency_models
from pydantic import SecretStr

from app import main, wiring
from app.accounts import queries as accounts, sign_ins, writes as account_writes
from app.core import clock
from app.core.ids import PersonId, ProjectId, PublicKey, ReplayId
from app.core.settings import Settings
from app.db.engine import Database
from app.ingest.digest import digester, symbolicate
from app.memberships import writes as membership_writes
from app.memberships.model import Role
from app.projects import queries as projects, writes as project_writes
from app.replays.model import ReplayKey
from app.storage import keys
from app.symbolication import found_files
from app.symbolication.event import TimeBudget
from app.web.frame import access
from app.web.frame.rendering.renderer import Renderer
from app.wiring import pages as page_wiring
from tests.support import dump
from tests.support.builders import envelopes
from tests.support.servers.postgres import as_app
from tests.support.waiting import PATIENCE_S, until

# A test sends one envelope and waits for it: its batches would wait for company that never comes.
vars(digester)["_BATCH_INTERVAL_S"] = 0.0
# On a busy machine a debug file may come after the 30 ms that digest waits for it, and an event may
# take longer than 50 ms; it would be left to a worker.
vars(symbolicate)["AT_INGEST"] = TimeBudget(event_s=PATIENCE_S, batch_s=PATIENCE_S)
vars(found_files)["_WAIT_S"] = PATIENCE_S
# Templates are compiled once for all servers, as for the workers of one parent.
vars(page_wiring)["Renderer"] = functools.cache(Renderer)


@dataclass(frozen=True, slots=True)
class Keyed:
    """A project and its key."""

    id: ProjectId
    key: PublicKey


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, and clients that talk to it."""

    service: wiring.Service
    base_url: str
    folder: Path
    app: Keyed
    backend: Keyed
    sender: httpx2.AsyncClient
    """A client that sends as SDKs do, without cookies."""
    web: httpx2.AsyncClient
    """A client that is signed in as the first admin, or as the tenant's own person."""

    @property
    def database(self) -> Database:
        """The server's own pool."""
        return self.service.page_services.db

    def ingest_path(self, project: Keyed | None = None, *, kind: str = "envelope") -> str:
        """Return the path of a project's ingest endpoint."""
        return f"/api/{(project or self.app).id}/{kind}/"

    async def post(
        self,
        body: bytes,
        *,
        project: Keyed | None = None,
        headers: Mapping[str, str] | None = None,
        encoding: str | None = None,
    ) -> httpx2.Response:
        """Send one envelope as a mobile SDK does; `headers` replace the usual ones."""
        to = project or self.app
        usual = envelopes.headers(to.key, encoding=encoding)
        return await self.sender.post(
            self.ingest_path(to), content=body, headers=usual if headers is None else headers
        )

    async def take(self, *bodies: bytes, project: Keyed | None = None) -> None:
        """Send good envelopes, each answered 200, and wait until they are digested."""
        for body in bodies:
            answer = await self.post(body, project=project)
            assert answer.status_code == 200, answer.text
        await self.settled()

    async def settled(self) -> None:
        """Wait until every accepted envelope is digested."""
        journal = self.service.ingest.journal
        await until(lambda: journal.backlog().entries == 0, deadline_s=PATIENCE_S)

    async def outcomes(self, project: Keyed | None = None) -> Counter[tuple[str, str, str]]:
        """Return how many items of a type ended how and why."""
        since = (clock.now() - timedelta(days=1)).date()
        async with self.database.reading() as connection:
            rows = await projects.list_outcomes(connection, (project or self.app).id, since=since)
        counts: Counter[tuple[str, str, str]] = Counter()
        for row in rows:
            counts[row.item_type, row.outcome, row.reason] += row.quantity
        return counts

    async def outcomes_reach(
        self, expected: Mapping[tuple[str, str, str], int], project: Keyed | None = None
    ) -> None:
        """Wait for outcomes that are counted a moment after their answer; then compare all."""
        wanted = sum(expected.values())
        try:
            async with asyncio.timeout(PATIENCE_S):
                while (await self.outcomes(project)).total() < wanted:
                    # Refusals wait in memory for the next batch, or for a second.
                    self.service.ingest.queue.wake()
                    await asyncio.sleep(0.01)
        except TimeoutError:
            pass  # the comparison says what is missing
        assert await self.outcomes(project) == Counter(expected)

    async def dump(self, replay_id: str, project: Keyed | None = None) -> dict[str, Any]:
        """Return a replay with all that belongs to it, except what depends on its arrival."""
        key = ReplayKey((project or self.app).id, ReplayId(replay_id))
        names = {self.app.id: "app", self.backend.id: "backend"}
        return await dump.dump_replay(self.database, self.service.page_services.store, key, names)

    def of(self, app: Keyed) -> "Server":
        """Return the same server with another project as `app`."""
        return replace(self, app=app)

    async def dump_issues(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Return the issues of both projects, except what depends on the arrival of events."""
        async with self.database.reading() as connection:
            names = {self.app.id: "app", self.backend.id: "backend"}
            return await dump.dump_issues(connection, names)

    def page(self, replay_id: str, rest: str = "") -> str:
        """Return the path of a replay's page, or of something under it."""
        return f"/projects/{self.app.id}/replays/{replay_id}{rest}"

    def holds(self, data: bytes) -> bool:
        """Tell whether object storage contains some bytes anywhere."""
        return any(data in path.read_bytes() for path in self.objects())

    def objects(self) -> list[Path]:
        """Return the files in object storage, without the mark by which the database knows it."""
        # Not rglob: a folder that the sweep removes meanwhile would fail it.
        root = self.folder / "objects"
        return sorted(
            Path(folder, name)
            for folder, _, names in os.walk(root)
            for name in names
            if Path(folder) != root / keys.STORE_MARK_PREFIX.rstrip("/")
        )


@asynccontextmanager
async def running(database_url: str, folder: Path, **changes: Any) -> AsyncIterator[Server]:
    """Start a server on a free port and stop it.

    Args:
        database_url: A migrated database; projects that are there are taken over.
        folder: For journal and objects; keep it to start another server on the same data.
        changes: Settings to change.
    """
    database = Database.open(database_url, pool_size=2)
    app = await keyed(database, "App")
    backend = await keyed(database, "Backend")
    await database.close()
    async with AsyncExitStack() as stack:
        service, sender = await stack.enter_async_context(alone(database_url, folder, **changes))
        web = await stack.enter_async_context(signed_in_as_admin(service))
        base_url = service.page_services.settings.base_url
        yield Server(service, base_url, folder, app, backend, sender, web)


@asynccontextmanager
async def alone(
    database_url: str | None,
    folder: Path,
    **changes: Any,
) -> AsyncIterator[tuple[wiring.Service, httpx2.AsyncClient]]:
    """Start a server that knows of no project, whether or not its database is there.

    Args:
        database_url: Of a database; None for the embedded one.
        folder: For journal and objects, and the embedded database.
        changes: Settings to change.
    """
    async with AsyncExitStack() as stack:
        stack.callback(_forget_routes)
        listener = stack.enter_context(_listen())
        port = listener.getsockname()[1]
        values: dict[str, Any] = {
            "data_dir": folder,
            "port": port,
            "public_url": f"http://127.0.0.1:{port}",
            "database_url": SecretStr(as_app(database_url)) if database_url else None,
            "journal_reserve_bytes": 0,
            # Tests of a Postgres that loses commits keep files; the others look whether they go.
            "journal_keep_s": 0,
            "pictures": False,
            "key_envelopes_per_s": 0,
            "key_bytes_per_s": 0,
            **changes,
        }
        settings = Settings(**values)
        service = await stack.enter_async_context(wiring.open_service(settings))
        await stack.enter_async_context(_listening(settings, service, listener))
        yield service, await stack.enter_async_context(_client(settings.base_url))


def _forget_routes() -> None:
    """Let what the routes of a server refer to go with the server.

    FastAPI remembers of thousands of functions how they are called. Those of health checks refer to
    the database and its statements, so a run of tests would keep all its servers.
    """
    for function in vars(dependency_models).values():
        if hasattr(function, "cache_clear"):
            function.cache_clear()


@asynccontextmanager
async def tenant(server: Server) -> AsyncIterator[Server]:
    """Offer a running server with two fresh projects, and one who owns these two only."""
    name = uuid.uuid4().hex
    app = await keyed(server.database, f"App {name}")
    backend = await keyed(server.database, f"Backend {name}")
    async with server.database.transaction() as connection:
        person = await account_writes.add_person(connection, f"{name}@example.com")
        for project in (app, backend):
            await membership_writes.set_member(connection, project.id, person.id, Role.OWNER)
    await server.service.page_services.keys.refresh()
    async with _signed_in(server.service, person.id) as web:
        yield replace(server, app=app, backend=backend, web=web)


async def keyed(database: Database, name: str) -> Keyed:
    """Return the project of this name and its key; they are made if they are not there."""
    async with database.transaction() as connection:
        known = [
            project
            for project in await projects.list_all_projects(connection)
            if project.name == name
        ]
        if known:
            keys = await projects.list_keys(connection, known[0].id)
            return Keyed(known[0].id, keys[0].public_key)
        project = await project_writes.add_project(connection, name)
        key = await project_writes.add_key(connection, project.id, label="tests")
    return Keyed(project.id, key.public_key)


async def exchange(base_url: str, request: bytes, *, source: str | None = None) -> bytes:
    """Send bytes over a connection of their own; return all that comes until it is closed.

    Args:
        base_url: The address of the server or proxy.
        request: A whole request, after which the connection ends.
        source: The local address to send from, such as `127.0.0.2`.
    """
    host, _, port = base_url.removeprefix("http://").rpartition(":")
    local = (source, 0) if source else None
    reader, writer = await asyncio.open_connection(host, int(port), local_addr=local)
    writer.write(request)
    try:
        return await asyncio.wait_for(reader.read(), PATIENCE_S)
    except (ConnectionResetError, BrokenPipeError):
        return b""
    finally:
        writer.close()


def _listen() -> socket.socket:
    """Listen on a free port.

    asyncio switches Nagle's algorithm off only where the protocol is named, as uvloop does always:
    without that each answer takes 40 ms.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    return listener


@asynccontextmanager
async def _listening(
    settings: Settings, service: wiring.Service, listener: socket.socket
) -> AsyncIterator[None]:
    server = uvicorn.Server(main.make_server_config(settings, service))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await until(lambda: server.started or serving.done())
    assert server.started
    try:
        yield
    finally:
        service.begin_to_stop()
        server.should_exit = True
        await serving


def _client(base_url: str, **options: Any) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=base_url, trust_env=False, timeout=PATIENCE_S, **options)


@asynccontextmanager
async def signed_in_as_admin(service: wiring.Service) -> AsyncIterator[httpx2.AsyncClient]:
    """Offer a client that acts for the first admin of the server."""
    async with service.database.reading() as connection:
        people = await accounts.list_people(connection)
    admin = next(person for person in people if person.is_admin)
    async with _signed_in(service, admin.id) as client:
        yield client


@asynccontextmanager
async def _signed_in(
    service: wiring.Service, person_id: PersonId
) -> AsyncIterator[httpx2.AsyncClient]:
    """Offer a client that acts for a person, as a browser on our own pages does."""
    async with service.page_services.db.transaction() as connection:
        token = await sign_ins.start_sign_in(connection, person_id, user_agent="tests")
    base_url = service.page_services.settings.base_url
    async with _client(
        base_url,
        headers={"origin": base_url, "accept": "text/html"},
        cookies={access.cookie_name(service.page_services): token},
    ) as client:
        yield client
