"""Processes tell one another through the database that they run, and how they are."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.core import clock
from app.db.engine import Database
from app.processes import records
from app.processes.heartbeat import ProcessHeartbeat, make_identity, measure_clock_ahead
from app.processes.model import ROLES, ProcessCondition, ProcessState
from app.processes.roles_served import find_unreplaced

BUSY = ProcessCondition(
    backlog_entries=7,
    backlog_bytes=900,
    oldest_received_at=datetime(2026, 11, 1, 12, tzinfo=UTC),
    spilled_seq=3,
    journal_bytes=4_096,
    room_bytes=1 << 40,
    reserve_bytes=1 << 20,
    outage="the bucket is away",
    outage_kind="storage",
    counts={"accepted": 9, "refused": {"key_rate": 2}},
)


def make_heartbeat(
    database: Database,
    condition: ProcessCondition = BUSY,
    *,
    journal_id: str | None = "a" * 32,
    roles: Iterable[str] = ROLES,
) -> ProcessHeartbeat:
    """Make a heartbeat that beats when it is told to."""
    return ProcessHeartbeat(
        database,
        make_identity(version="9.9", journal_id=journal_id, roles=roles, store="/data/objects"),
        lambda: condition,
        heartbeat_s=5,
        silent_after_s=60,
    )


async def let_time_pass(database: Database, process_id: str, seconds: float) -> None:
    """Make the heartbeats of a process older."""
    async with database.transaction() as connection:
        await connection.execute(
            text(
                "update processes set seen_at = seen_at - cast(:age as interval),"
                " started_at = started_at - cast(:age as interval) where process_id = :id"
            ),
            {"age": timedelta(seconds=seconds), "id": process_id},
        )


async def test_a_heartbeat_tells_the_others_how_a_process_is(database):
    """Every process reads the whole row of each other one."""
    first, second = (
        make_heartbeat(database),
        make_heartbeat(database, ProcessCondition(), journal_id=None),
    )
    first.read_counts = lambda: BUSY.counts
    await first.work()
    await second.work()
    by_id = {each.identity.process_id: each for each in second.records}
    assert by_id.keys() == {first.identity.process_id, second.identity.process_id}
    busy = by_id[first.identity.process_id]
    assert busy.identity == first.identity
    assert busy.condition == BUSY
    assert busy.state is ProcessState.LIVE
    assert busy.condition.read_count("refused") == 2
    assert busy.condition.read_counts("refused") == {"key_rate": 2}
    assert second.list_current() == second.records
    async with database.reading() as connection:
        assert await records.count_running(connection, "door", silent_after_s=60) == 2


@pytest.mark.parametrize(
    ("age_s", "state"),
    [(0, ProcessState.LIVE), (20, ProcessState.LATE), (61, ProcessState.SILENT)],
)
async def test_a_process_that_is_not_heard_of_is_late_and_then_silent(database, age_s, state):
    """The clock of Postgres decides whether a process counts as alive."""
    other, own = make_heartbeat(database), make_heartbeat(database)
    await other.work()
    await let_time_pass(database, other.identity.process_id, age_s)
    await own.work()
    (record,) = (each for each in own.records if each.identity == other.identity)
    assert record.state is state
    async with database.reading() as connection:
        dead = await records.list_dead_journals(connection, silent_after_s=60)
        doors = await records.count_running(connection, "door", silent_after_s=60)
    assert doors == (1 if state is ProcessState.SILENT else 2)
    assert dead == (["a" * 32] if state is ProcessState.SILENT else [])


async def test_a_process_that_stops_cleanly_leaves_no_row(database):
    """A process with an empty journal is forgotten; one that left entries is dead at once."""
    clean, laden = make_heartbeat(database), make_heartbeat(database, journal_id="b" * 32)
    for heartbeat in (clean, laden):
        await heartbeat.work()
    await clean.sign_off(has_left_journal=False)
    await laden.sign_off(has_left_journal=True)
    async with database.transaction() as connection:
        assert await records.list_dead_journals(connection, silent_after_s=60) == ["b" * 32]
        (left,) = await records.list_processes(connection, heartbeat_s=5, silent_after_s=60)
        assert left.state is ProcessState.STOPPED
        await records.delete_owner_of_journal(connection, "b" * 32)
        assert not await records.list_processes(connection, heartbeat_s=5, silent_after_s=60)


async def test_a_process_that_ended_while_postgres_was_away_is_no_dead_one(database, tmp_path):
    """The process leaves a note in its data folder, and the next one there deletes its row."""
    notes = tmp_path / "ended-processes"
    ended, following = (
        ProcessHeartbeat(
            database,
            make_identity(version="9.9", journal_id="a" * 32),
            ProcessCondition,
            heartbeat_s=5,
            silent_after_s=60,
            notes=notes,
        )
        for _ in range(2)
    )
    await ended.work()
    database.block("Postgres is away")
    await ended.sign_off(has_left_journal=False)
    database.unblock()
    assert notes.read_text() == f"{ended.identity.process_id}\n"
    with notes.open("ab") as file:
        file.write(b"half a li")  # the disk was full then
    await following.work()
    await following.work()
    assert [each.identity for each in following.records] == [following.identity]
    assert not notes.exists()


async def test_a_process_that_stops_says_so_first(database):
    """The others see that a process ends while it finishes its work."""
    heartbeat = make_heartbeat(database)
    heartbeat.note_stopping()
    await heartbeat.work()
    (record,) = heartbeat.records
    assert record.state is ProcessState.STOPPING
    assert record.is_running


async def test_a_process_that_was_taken_for_dead_comes_back(database):
    """Its next heartbeat writes the row again."""
    heartbeat = make_heartbeat(database)
    await heartbeat.work()
    async with database.transaction() as connection:
        assert await records.delete_process(connection, heartbeat.identity.process_id)
        assert not await records.delete_process(connection, heartbeat.identity.process_id)
    await heartbeat.work()
    assert [each.identity for each in heartbeat.records] == [heartbeat.identity]


@pytest.mark.parametrize(
    ("hours", "is_replaced", "is_forgotten"),
    [(2, False, False), (25, False, True), (2, True, True), (0.9, True, False)],
)
async def test_dead_processes_without_a_journal_are_forgotten(
    database, hours, is_replaced, is_forgotten
):
    """They are told for a day, or until another one does their work. A row with a journal stays."""
    with_journal = make_heartbeat(database, roles=("door",))
    without = make_heartbeat(database, journal_id=None, roles=("worker",))
    for heartbeat in (with_journal, without):
        await heartbeat.work()
        await let_time_pass(database, heartbeat.identity.process_id, hours * 3_600)
    if is_replaced:
        await make_heartbeat(database, journal_id=None).work()
    async with database.transaction() as connection:
        await records.delete_dead_processes(connection, heartbeat_s=5, silent_after_s=60)
        left = await records.list_processes(connection, heartbeat_s=5, silent_after_s=60)
    ids = {each.identity.process_id for each in left}
    assert with_journal.identity.process_id in ids
    assert (without.identity.process_id not in ids) is is_forgotten


async def test_of_two_dead_processes_one_is_told_although_the_other_is_replaced(database):
    """Only one of them has a successor, so the other one is named for a day."""
    pair = [make_heartbeat(database, journal_id=None, roles=("worker",)) for _ in range(2)]
    for dead in [*pair, *pair]:
        await dead.work()  # the second time, both have started
    for dead in pair:
        await let_time_pass(database, dead.identity.process_id, 7_200)
    await make_heartbeat(database, journal_id=None, roles=("worker",)).work()
    async with database.transaction() as connection:
        await records.delete_dead_processes(connection, heartbeat_s=5, silent_after_s=60)
        left = await records.list_processes(connection, heartbeat_s=5, silent_after_s=60)
    assert len(find_unreplaced(left)) == 1


@pytest.mark.parametrize(
    ("ahead_s", "least", "most"), [(0, 0, 0), (40, 39_000, 40_000), (-40, -40_000, -39_000)]
)
async def test_the_clock_is_compared_with_that_of_postgres(
    database, monkeypatch, ahead_s, least, most
):
    """The difference is told in milliseconds, without what the round trip can explain."""
    right = clock.now
    monkeypatch.setattr(clock, "now", lambda: right() + timedelta(seconds=ahead_s))
    async with database.reading() as connection:
        assert least <= await measure_clock_ahead(connection) <= most
