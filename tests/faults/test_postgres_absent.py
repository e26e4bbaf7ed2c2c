"""When Postgres is absent at the start, nothing is refused or lost, and later all is stored."""

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from app import wiring
from app.accounts import queries as accounts
from app.core import clock
from app.core.ids import ProjectId, PublicKey
from app.db.engine import Database
from app.db.roles import DatabaseUrls
from app.db.server.postmaster import SETTINGS, Postmaster
from app.preparation import DatabasePreparation
from app.projects import queries as projects
from tests.support.builders import envelopes
from tests.support.servers.server import Keyed, alone, keyed
from tests.support.waiting import PATIENCE_S, until

_STRANGE_KEY = "f" * 32


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Make a folder for a Postgres server, with a short path so that its address stays the same."""
    folder = Path(tempfile.mkdtemp(prefix="ph-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def run_postgres(data_dir: Path) -> Iterator[str]:
    """Run a Postgres server on the folder until the block ends."""
    postmaster = Postmaster(data_dir, settings=SETTINGS)
    try:
        yield postmaster.start()
    finally:
        postmaster.stop()


async def send_envelope(sender: httpx2.AsyncClient, to: Keyed, body: bytes) -> int:
    """Send one envelope and return the status of the answer."""
    answer = await sender.post(
        f"/api/{to.id}/envelope/", content=body, headers=envelopes.headers(to.key, encoding=None)
    )
    return answer.status_code


async def count_outcomes(service: wiring.Service, project: Keyed) -> Counter[tuple[str, str, str]]:
    """Return the number of a project's items by type, outcome and reason."""
    since = (clock.now() - timedelta(days=1)).date()
    async with service.page_services.db.reading() as connection:
        outcomes = await projects.list_outcomes(connection, project.id, since=since)
    counts: Counter[tuple[str, str, str]] = Counter()
    for outcome in outcomes:
        counts[outcome.item_type, outcome.outcome, outcome.reason] += outcome.quantity
    return counts


async def wait_until_digested(service: wiring.Service) -> None:
    """Wait until everything that was accepted is digested."""
    journal = service.ingest.journal
    await until(lambda: journal.backlog().entries == 0, deadline_s=PATIENCE_S)


async def test_a_server_starts_without_its_database(data_dir, tmp_path):
    """Without its database a server takes envelopes and its pages say why they are empty."""
    with run_postgres(data_dir) as url:
        pass  # leaves an empty cluster that is not running
    nobody = Keyed(ProjectId(1), PublicKey(_STRANGE_KEY))
    async with alone(url, tmp_path) as (service, sender):
        assert not service.preparation.done.is_set()
        assert await send_envelope(sender, nobody, envelopes.event_envelope()) == 200
        assert (await sender.get("/health/live")).status_code == 200
        assert (await sender.get("/health/ready")).status_code == 503
        page = await sender.get(
            "/replays", headers={"accept": "text/html", "cookie": "playhead=somebody"}
        )
        assert (page.status_code, "The database does not answer" in page.text) == (503, True)
        with run_postgres(data_dir):
            async with asyncio.timeout(PATIENCE_S):
                await service.preparation.done.wait()
            assert (await sender.get("/health/ready")).status_code == 200
            await wait_until_digested(service)
            # Now the key turns out to be unknown, and the envelope is counted as refused.
            assert await count_outcomes(service, nobody) == {("event", "refused", "unknown_key"): 1}
            project = await keyed(service.page_services.db, "My app")
            await service.page_services.keys.refresh()
            assert await send_envelope(sender, project, envelopes.event_envelope()) == 200
            await wait_until_digested(service)
            assert (await count_outcomes(service, project))["event", "kept", ""] == 1


async def test_keys_are_checked_once_the_database_is_back(data_dir, tmp_path):
    """Envelopes taken while Postgres is away are kept once their keys can be checked."""
    with run_postgres(data_dir) as url:
        async with alone(url, tmp_path) as (service, _):
            project = await keyed(service.page_services.db, "My app")
    async with alone(url, tmp_path) as (service, sender):
        bodies = [envelopes.replay_video_envelope(number) for number in range(1, 6)]
        assert [await send_envelope(sender, project, body) for body in bodies] == [200] * 5
        with run_postgres(data_dir):
            async with asyncio.timeout(PATIENCE_S):
                await service.preparation.done.wait()
            await wait_until_digested(service)
            assert await count_outcomes(service, project) == {("replay_video", "kept", ""): 5}


async def test_a_server_that_never_finds_its_database_can_be_stopped(tmp_path):
    """A server without its database stops, and its envelopes stay in the journal."""
    nowhere = f"postgresql://postgres@/postgres?host={tmp_path}"
    nobody = Keyed(ProjectId(1), PublicKey(_STRANGE_KEY))
    async with alone(nowhere, tmp_path) as (service, sender):
        assert await send_envelope(sender, nobody, envelopes.event_envelope()) == 200
        assert "cannot be reached" in service.preparation.reason
    assert any(path.is_file() for path in (tmp_path / "journal").rglob("*.journal"))


async def test_unknown_keys_cannot_fill_the_disk_meanwhile(tmp_path):
    """All made-up keys of an address together may send as much as one key."""
    nowhere = f"postgresql://postgres@/postgres?host={tmp_path}"
    async with alone(nowhere, tmp_path, key_envelopes_per_s=0.001, key_envelopes_burst=3) as (
        service,
        sender,
    ):
        nobodies = [Keyed(ProjectId(1), PublicKey(f"{number:032x}")) for number in range(1, 6)]
        for nobody in nobodies[:3]:
            assert await send_envelope(sender, nobody, envelopes.event_envelope()) == 200
        for nobody in nobodies[3:]:
            with pytest.raises(httpx2.TransportError):
                await send_envelope(sender, nobody, envelopes.event_envelope())
        assert service.ingest.journal.last_seq == 3


async def test_simultaneous_starts_create_one_person_and_project(empty_database_url, tmp_path):
    """Processes that start together on a new database create one admin and one project."""
    database = Database.open(empty_database_url, pool_size=1)
    urls = DatabaseUrls(empty_database_url, empty_database_url)
    starts = [DatabasePreparation(urls, database, tmp_path / "erasures.log") for _ in range(6)]
    await asyncio.gather(*(start.begin() for start in starts))
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*(start.done.wait() for start in starts))
    await asyncio.gather(*(start.stop() for start in starts))
    async with database.reading() as connection:
        assert [person.email for person in await accounts.list_people(connection)] == [
            "admin@localhost"
        ]
        (project,) = await projects.list_all_projects(connection)
        assert len(await projects.list_keys(connection, project.id)) == 1
    await database.close()


async def test_a_failing_migration_stops_the_start(database_url, tmp_path, monkeypatch):
    """A server does not wait for a migration that failed, but stops."""

    async def fail(_url: str) -> bool:
        raise ZeroDivisionError("a bug in a migration")

    monkeypatch.setattr("app.db.migrate.upgrade", fail)
    with pytest.raises(ZeroDivisionError):
        async with alone(database_url, tmp_path):
            pass
