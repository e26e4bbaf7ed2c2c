"""Processes with one role each serve one installation together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from app.audit import queries as audit
from app.core import clock
from app.core.process_roles import ProcessRole
from app.projects import queries as projects, writes as project_writes
from app.wiring import Service
from tests.support.builders import envelopes
from tests.support.builders.wire import REPLAY_ID
from tests.support.servers import server as servers
from tests.support.servers.server import Keyed
from tests.support.waiting import until


@dataclass(frozen=True, slots=True)
class Deployment:
    """One process of each role, on one database and one folder."""

    door: Service
    pages: Service
    worker: Service
    app: Keyed
    clients: dict[ProcessRole, httpx2.AsyncClient]
    visitor: httpx2.AsyncClient
    """A signed-in admin, at the process with the pages."""

    async def post(self, body: bytes, role: ProcessRole = ProcessRole.DOOR) -> httpx2.Response:
        """Send an envelope to the process of a role."""
        headers = envelopes.headers(self.app.key)
        path = f"/api/{self.app.id}/envelope/"
        return await self.clients[role].post(path, content=body, headers=headers)

    async def take(self, body: bytes) -> None:
        """Send a good envelope to the door, and wait until it is digested."""
        assert (await self.post(body)).status_code == 200
        await until(lambda: self.door.ingest.journal.backlog().entries == 0)

    @property
    def page(self) -> str:
        """The path of the replay's page."""
        return f"/projects/{self.app.id}/replays/{REPLAY_ID}"


@pytest.fixture
async def deployment(database_url: str, tmp_path: Path) -> AsyncIterator[Deployment]:
    """Start a door, pages and a worker; replays close at once."""
    async with AsyncExitStack() as stack:
        services: dict[ProcessRole, Service] = {}
        clients: dict[ProcessRole, httpx2.AsyncClient] = {}
        for role in ProcessRole:
            opened = servers.alone(database_url, tmp_path, roles=role, replay_quiet_s=0)
            services[role], clients[role] = await stack.enter_async_context(opened)
        door, pages, worker = (services[role] for role in ProcessRole)
        app = await servers.keyed(door.database, "App")
        visitor = await stack.enter_async_context(servers.signed_in_as_admin(pages))
        yield Deployment(door, pages, worker, app, clients, visitor)


async def test_three_processes_are_one_installation(deployment: Deployment):
    """The door stores a replay, the pages show it, and the worker seals it."""
    await deployment.take(envelopes.replay_video_envelope())
    assert (await deployment.visitor.get(deployment.page)).status_code == 200
    await until(lambda: deployment.worker.closer.closed == 1)
    assert deployment.door.closer.closed == deployment.pages.closer.closed == 0
    assert (await deployment.visitor.get(deployment.page)).status_code == 200


async def test_worker_sweeps_what_pages_delete(deployment: Deployment, tmp_path: Path):
    """Objects of a replay that was deleted on a page go, although pages do not sweep."""
    await deployment.take(envelopes.replay_video_envelope())
    await until(lambda: deployment.worker.closer.closed == 1)
    assert (await deployment.visitor.post(f"{deployment.page}/delete")).status_code == 303
    assert (await deployment.visitor.get(deployment.page)).status_code == 410
    deployment.worker.sweeper.hurry()
    await until(lambda: not list(tmp_path.glob("objects/*/*/*/sealed-*")))


@pytest.mark.parametrize("role", [ProcessRole.PAGES, ProcessRole.WORKER])
async def test_process_without_door_hangs_up_on_envelopes(deployment: Deployment, role):
    """The sender gets no status line, so that a phone keeps its envelope; it is counted."""
    for _ in range(2):
        with pytest.raises(httpx2.RemoteProtocolError):
            await deployment.post(envelopes.replay_video_envelope(), role)
    metrics = (await deployment.clients[role].get("/metrics")).text
    assert 'playhead_hang_ups_total{reason="no_door"} 2.0' in metrics


async def test_bytes_after_a_refused_head_do_no_harm(deployment: Deployment):
    """A body that comes with its head, and a second request behind it, are dropped."""
    base_url = deployment.pages.shared.settings.base_url
    body = b"x" * 70_000
    head = f"POST /api/1/envelope/ HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
    request = head.encode() + body + b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n"
    assert await servers.exchange(base_url, request) == b""


@pytest.mark.parametrize("role", [ProcessRole.DOOR, ProcessRole.WORKER])
async def test_process_without_pages_says_which_role_is_missing(deployment: Deployment, role):
    """Every address answers 503 in plain text, so that a proxy may ask another process."""
    for path in ("/", "/replays", deployment.page, "/static/x/y.js"):
        answer = await deployment.clients[role].get(path)
        assert answer.status_code == 503
        assert answer.headers["content-type"].startswith("text/plain")
        assert f"this process has the roles {role}, and pages need the role pages" in answer.text
    assert (await deployment.clients[role].post("/sign-in")).status_code == 503


@pytest.mark.parametrize("role", list(ProcessRole))
async def test_every_process_can_be_monitored(deployment: Deployment, role):
    """Each process answers health checks and metrics, whatever its roles are."""
    client = deployment.clients[role]
    assert (await client.get("/health/live")).json() == {"status": "live"}
    assert (await client.get("/health/ready")).json() == {"status": "ready"}
    assert "playhead_journal_backlog_entries 0.0" in (await client.get("/metrics")).text


async def test_only_a_door_has_a_journal(deployment: Deployment, tmp_path: Path):
    """Pages and workers make no folder for a journal, and do not need a disk for it."""
    folders = [path.name for path in (tmp_path / "journal").iterdir()]
    assert folders == [deployment.door.ingest.journal.id]


async def test_a_door_reads_an_envelope_again_that_pages_ask_for(deployment: Deployment):
    """The page notes the wish and says that it waits; a door carries it out."""
    async with deployment.pages.database.transaction() as connection:
        quarantined_id = await project_writes.add_quarantined(
            connection,
            deployment.app.id,
            received_at=clock.now(),
            item_types=("replay_video",),
            reason="ValueError: a strange box",
            body=envelopes.replay_video_envelope(),
        )
    retrier = deployment.door.ingest.retrier
    await retrier.stop()
    for _ in range(2):  # who asks twice waits for the same
        path = f"/server/health/quarantine/{quarantined_id}/retry"
        asked = await deployment.visitor.post(path)
        assert asked.headers["location"] == "/server/health?done=envelope-asked-for"
    assert "waits to be read again" in (await deployment.visitor.get("/server/health")).text
    async with deployment.pages.database.reading() as connection:
        lines = await audit.list_audit_lines(connection, project_id=deployment.app.id)
    assert [line.action for line in lines].count("quarantine_retried") == 1
    retrier.start()
    await until(lambda: deployment.door.ingest.journal.last_seq == 1)
    await until(lambda: deployment.door.ingest.journal.backlog().entries == 0)
    assert (await deployment.visitor.get(deployment.page)).status_code == 200
    async with deployment.pages.database.reading() as connection:
        assert not await projects.list_quarantined(connection, deployment.app.id)
