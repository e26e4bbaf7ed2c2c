"""Processes share what keys have sent, and see which projects are full."""

import pytest

from app.core.errors import InvalidInput, NotFound, RateLimited, ServiceUnavailable
from app.core.ids import ProjectId, PublicKey
from app.db.engine import Database
from app.formats.wire.envelope import EnvelopeItem
from app.ingest.admission import token_buckets
from app.ingest.admission.quotas import Quotas
from app.ingest.admission.token_buckets import SenderLimits
from app.processes.heartbeat import ProcessHeartbeat, make_identity
from app.processes.model import ProcessCondition
from app.projects import queries, spending, writes
from app.projects.spending import KeySpending

EVENT = (EnvelopeItem("event", memoryview(b"")),)
MADE_UP = PublicKey("f" * 32)


def make_process_limits() -> Quotas:
    """Make limits that allow bursts of 10 envelopes and 1,000 bytes, and hardly more later."""
    rates = SenderLimits(envelopes_per_s=0.001, envelopes=10, bytes_per_s=0.001, size_bytes=1_000)
    return Quotas(rates, rates)


def count_accepted(
    quotas: Quotas, project_key: tuple[ProjectId, PublicKey], size_bytes: int = 0
) -> int:
    """Send envelopes until one is limited, and return how many were accepted."""
    project_id, key = project_key
    for number in range(1_000):
        try:
            quotas.admit(project_id, key, EVENT, size_bytes)
        except RateLimited:
            return number
    raise AssertionError("nothing limits it")


@pytest.fixture
async def project_key(database: Database) -> tuple[ProjectId, PublicKey]:
    """Add a project and return its id with its key."""
    async with database.transaction() as connection:
        project = await writes.add_project(connection, "App")
        key = await writes.add_key(connection, project.id, label="")
    return project.id, key.public_key


@pytest.fixture
async def two_doors(database: Database) -> None:
    """Let two processes be known that take envelopes."""
    for _ in range(2):
        heartbeat = ProcessHeartbeat(
            database,
            make_identity(version="9.9", journal_id=None),
            ProcessCondition,
            heartbeat_s=5,
            silent_after_s=60,
        )
        await heartbeat.work()


@pytest.mark.usefixtures("two_doors")
@pytest.mark.parametrize(("size_bytes", "at_once"), [(0, 10), (100, 10), (600, 2)])
async def test_two_processes_let_through_what_one_would(database, project_key, size_bytes, at_once):
    """Each gives a key that both get envelopes of a half."""
    first, second = make_process_limits(), make_process_limits()
    for quotas in (first, second, first, second):
        await quotas.refresh(database)
    assert count_accepted(first, project_key, size_bytes) == at_once // 2
    assert count_accepted(second, project_key, size_bytes) == at_once // 2
    for quotas in (first, second):
        await quotas.refresh(database)
    assert count_accepted(first, project_key) == 0
    assert count_accepted(second, project_key) == 0


@pytest.mark.usefixtures("two_doors")
async def test_a_key_that_one_process_sees_alone_has_its_whole_burst_there(
    database, project_key, monkeypatch
):
    """A backend whose requests all come to one process is not limited to its half."""
    now_s = 1_000.0
    monkeypatch.setattr(token_buckets, "monotonic_s", lambda: now_s)
    project_id, key = project_key
    first, second = make_process_limits(), make_process_limits()
    for _ in range(2):
        first.admit(project_id, key, EVENT, 1)
        await first.refresh(database)
    now_s += 1e6  # all tokens are back
    assert count_accepted(first, project_key) == 10
    # The other process begins to get some of it: each of the two moves towards its half.
    await second.refresh(database)
    assert count_accepted(second, project_key) == 5
    await second.refresh(database)
    await first.refresh(database)
    now_s += 1e6
    assert count_accepted(second, project_key) == 5
    await second.refresh(database)
    assert count_accepted(first, project_key) == 6
    await first.refresh(database)


async def test_a_quiet_process_charges_nobody(database, project_key):
    """Repeated comparisons charge nothing."""
    project_id, key = project_key
    quotas = make_process_limits()
    quotas.admit(project_id, key, EVENT, 10)
    for _ in range(5):
        await quotas.refresh(database)
    assert count_accepted(quotas, project_key) == 9


async def test_spending_of_unknown_keys_is_not_stored(database, project_key):
    """Only keys of projects get a row, and adding nothing runs no statement."""
    async with database.transaction() as connection:
        spent = {MADE_UP: KeySpending(1, 2), project_key[1]: KeySpending(3, 4)}
        assert await spending.add_spending(connection, spent) == {project_key[1]: KeySpending(3, 4)}
        again = {project_key[1]: KeySpending(1, 1)}
        assert await spending.add_spending(connection, again) == {project_key[1]: KeySpending(4, 5)}
        assert await spending.add_spending(connection, {}) == {}


async def test_storage_limits_are_set_and_lifted(database, project_key):
    """A project has no limit at first; a limit may be set, also to zero, and lifted."""
    project_id, _ = project_key
    async with database.transaction() as connection:
        assert await spending.read_storage_limits(connection) == {}
        await spending.set_storage_limit(connection, project_id, 0)
        assert await spending.read_storage_limits(connection) == {project_id: 0}
        assert (await queries.list_all_projects(connection))[0].stored_bytes_limit == 0
        await spending.set_storage_limit(connection, project_id, None)
        assert await spending.read_storage_limits(connection) == {}
        with pytest.raises(InvalidInput):
            await spending.set_storage_limit(connection, project_id, -1)
        with pytest.raises(NotFound):
            await spending.set_storage_limit(connection, ProjectId(999), 1)


async def test_without_postgres_each_process_keeps_its_own_limits(database, project_key, tmp_path):
    """Limits hold while comparing fails, and spending is reported once Postgres is back."""
    project_id, key = project_key
    quotas = make_process_limits()
    quotas.admit(project_id, key, EVENT, 7)
    away = Database.open(f"postgresql://postgres@/postgres?host={tmp_path}")
    with pytest.raises(ServiceUnavailable):
        await quotas.refresh(away)
    await away.close()
    assert count_accepted(quotas, project_key) == 9
    await quotas.refresh(database)
    async with database.transaction() as connection:
        nothing = {key: KeySpending(0, 0)}
        assert await spending.add_spending(connection, nothing) == {key: KeySpending(10, 7)}
