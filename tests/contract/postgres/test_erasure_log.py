"""The log of erasures repeats deletions of issues and debug files in a restored database."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text

from app.core import clock
from app.core.ids import IssueId, PersonId, ProjectId
from app.db.engine import Database
from app.debug_files import receipts
from app.debug_files.model import DebugFile, DeletionCause
from app.erasure.issue import erase_issue
from app.erasure.jobs import rows
from app.erasure.jobs.model import Erasure, ErasureKind, ErasureState
from app.erasure.jobs.phases import PARTS, SWEEP
from app.erasure.log import reapply
from app.erasure.log.file import ErasureLog
from app.erasure.log.reapply import apply_log
from app.ingest.digest.link_issues import relink_replays
from app.retention.debug_files import expire_debug_files
from app.storage.disk.local import LocalStore
from app.web.words.privacy.erasures import describe_subject
from tests.support.builders.aged_data import AgedData
from tests.support.builders.debug_files import make_debug_file, store_debug_file
from tests.support.builders.people import make_person, make_project

GONE, ANEW, OTHER = "1" * 32, "2" * 32, "3" * 32


@pytest_asyncio.fixture
async def data(database: Database, tmp_path: Path) -> AsyncIterator[AgedData]:
    """A server without data, whose data of earlier days a test makes."""
    objects = LocalStore(tmp_path / "objects", threads=2)
    yield AgedData(database, objects)
    await objects.close()


async def delete_issues(data: AgedData, project_id: ProjectId, person_id: PersonId) -> None:
    """Delete two of the issues as a person does."""
    for issue_id in (GONE, ANEW):
        key = project_id, IssueId(issue_id)
        await erase_issue(data.database, key, person_id=person_id, at=clock.now())


async def add_issues(data: AgedData, project_id: ProjectId) -> None:
    """Add three issues of two events each, as they were when the backup was made."""
    for issue_id in (GONE, ANEW, OTHER):
        for age in (2, 1):
            await data.add_event(project_id, age=age, issue_id=issue_id, has_file=age == 1)


async def follow_log(data: AgedData, log: ErasureLog) -> list[Erasure]:
    """Let the database forget what it knew of the log, and follow it; returns the receipts."""
    async with data.database.transaction() as connection:
        await connection.execute(text("delete from erasure_logs"))
    assert await apply_log(data.database, log.path, relink_replays) > 0
    assert await apply_log(data.database, log.path, relink_replays) == 0
    async with data.database.reading() as connection:
        return await rows.list_erasures(connection, None, limit=9)


async def count_events(data: AgedData, project_id: ProjectId) -> dict[str, int]:
    """Return the events that each issue counts, by its id."""
    async with data.database.reading() as connection:
        counted = await connection.execute(
            text("select issue_id, events from issues where project_id = :id"), {"id": project_id}
        )
        return {row.issue_id.hex: row.events for row in counted}


async def test_deleted_issues_do_not_come_back(
    data: AgedData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Their events of before go again, in parts; an event that came after the deletion stays."""
    monkeypatch.setattr(reapply, "_EVENTS_AT_ONCE", 1)
    person = await make_person(data.database, "ana@example.com")
    shop = (await make_project(data.database, "Shop")).id
    log = ErasureLog(tmp_path / "erasures.log")
    await add_issues(data, shop)
    await delete_issues(data, shop, person.id)
    await log.append_waiting_lines(data.database)
    async with data.database.transaction() as connection:
        for table in ("events", "issues", "attachments", "issue_hours", "file_outbox"):
            await connection.execute(text(f"delete from {table}"))
    await add_issues(data, shop)
    await data.add_event(shop, age=-1, issue_id=ANEW)
    (erasure,) = await follow_log(data, log)
    assert await count_events(data, shop) == {ANEW: 1, OTHER: 2}
    assert await data.count("events", f"project_id = {shop}") == 3
    assert await data.count("file_outbox") == 2
    assert (erasure.kind, erasure.requested_by) == (ErasureKind.RESTORED, person.id)
    wanted = {"events": 4, "issues": 1, "files": 2}
    assert {name: erasure.counts[name] for name in wanted} == wanted
    assert describe_subject(erasure).startswith("Deleted issues and debug files, again")


class InterveningWorker:
    """Does a step of the job between two parts of a line, as a worker of another process may."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch, end_at: int) -> None:
        self._database = database
        self._lock_job = reapply._lock_job
        self._end_at = end_at
        self.steps = 0
        monkeypatch.setattr(reapply, "_lock_job", self.step_and_lock)

    async def step_and_lock(self, *args: Any) -> Erasure:
        """Do a step of its own, and then what was asked for."""
        async with self._database.transaction() as connection:
            now = await rows.read_clock(connection)
            erasure = await rows.lock_next_erasure(connection, worked_before=now)
            if erasure is not None:
                self.steps += 1
                further = replace(erasure, phase=SWEEP, position=[1], state=ErasureState.SWEEPING)
                await rows.save_step(connection, further, counts={"spans": 1}, size_bytes=10)
                if self.steps == self._end_at:
                    await rows.finish_erasure(connection, erasure.id)
        return await self._lock_job(*args)


@pytest.mark.parametrize("end_at", [0, 2])
async def test_a_worker_may_have_the_job_between_two_parts(
    data: AgedData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end_at: int
):
    """No step of either is lost: the job begins again, or another one goes on if it has ended."""
    monkeypatch.setattr(reapply, "_EVENTS_AT_ONCE", 1)
    person = await make_person(data.database, "ana@example.com")
    shop = (await make_project(data.database, "Shop")).id
    log = ErasureLog(tmp_path / "erasures.log")
    await add_issues(data, shop)
    await erase_issue(data.database, (shop, IssueId(GONE)), person_id=person.id, at=clock.now())
    await log.append_waiting_lines(data.database)
    async with data.database.transaction() as connection:
        for table in ("events", "issues", "attachments", "issue_hours", "file_outbox"):
            await connection.execute(text(f"delete from {table}"))
    await add_issues(data, shop)
    worker = InterveningWorker(data.database, monkeypatch, end_at)
    erasures = await follow_log(data, log)
    assert worker.steps >= 2
    last, *ended = erasures
    assert (last.phase, last.finished_at) == (PARTS, None)
    assert last.position is None
    assert [erasure.state for erasure in ended] == [ErasureState.FINISHED] * bool(end_at)
    counts = Counter[str]()
    for erasure in erasures:
        counts.update(erasure.counts)
    assert counts["spans"] == worker.steps
    assert (counts["events"], counts["issues"]) == (2, 1)


async def test_processes_that_start_together_write_one_receipt(data: AgedData, tmp_path: Path):
    """All of them find that the database lacks the end of the log, and one of them applies it."""
    person = await make_person(data.database, "ana@example.com")
    shop = (await make_project(data.database, "Shop")).id
    log = ErasureLog(tmp_path / "erasures.log")
    await add_issues(data, shop)
    await delete_issues(data, shop, person.id)
    await log.append_waiting_lines(data.database)
    async with data.database.transaction() as connection:
        await connection.execute(text("delete from erasure_logs"))
    processes = [apply_log(data.database, log.path, relink_replays) for _ in range(3)]
    assert sorted(await asyncio.gather(*processes)) == [0, 0, 2]
    async with data.database.reading() as connection:
        assert len(await rows.list_erasures(connection, None, limit=9)) == 1


async def test_a_new_line_does_not_hide_that_the_database_lacks_older_ones(
    data: AgedData, tmp_path: Path
):
    """After a failover lines are appended before those that the database lacks are applied."""
    person = await make_person(data.database, "ana@example.com")
    shop = (await make_project(data.database, "Shop")).id
    log = ErasureLog(tmp_path / "erasures.log")
    await add_issues(data, shop)
    await erase_issue(data.database, (shop, IssueId(GONE)), person_id=person.id, at=clock.now())
    await log.append_waiting_lines(data.database)
    async with data.database.transaction() as connection:
        await connection.execute(text("update erasure_logs set size_bytes = 10"))
    await erase_issue(data.database, (shop, IssueId(OTHER)), person_id=person.id, at=clock.now())
    await log.append_waiting_lines(data.database)
    assert await apply_log(data.database, log.path, relink_replays) == 2
    assert await apply_log(data.database, log.path, relink_replays) == 0


async def test_deleted_debug_files_do_not_come_back(data: AgedData, tmp_path: Path):
    """It is the same whether a person or a rule deleted them; other files stay."""
    shop = (await make_project(data.database, "Shop")).id
    log = ErasureLog(tmp_path / "erasures.log")
    files: list[DebugFile] = [make_debug_file(shop, age=age) for age in (400, 400, 1)]
    for file in files:
        await store_debug_file(data.database, data.objects, file, "d" * 32)
    assert await expire_debug_files(data.database, unused_days=90, now=clock.now()) == 2
    await log.append_waiting_lines(data.database)
    async with data.database.transaction() as connection:
        await connection.execute(text("delete from debug_file_sweeps"))
    for file in files[:2]:
        await store_debug_file(data.database, data.objects, file, "d" * 32)
    (erasure,) = await follow_log(data, log)
    assert await data.count("debug_files") == await data.count("debug_ids") == 1
    assert erasure.counts["debug_files"] == 2
    async with data.database.reading() as connection:
        newest = await receipts.list_receipts(connection, [shop], limit=2)
    assert {receipt.cause for receipt in newest} == {DeletionCause.RESTORED}
    assert all(receipt.deleted_at > clock.now() - timedelta(hours=1) for receipt in newest)
