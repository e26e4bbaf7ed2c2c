"""Debug files that nothing needs go with a receipt, and leave nothing behind."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text

from app.core import clock
from app.core.ids import PersonId, ProjectId
from app.db.engine import Database
from app.debug_files import queries, receipts, writes
from app.debug_files.model import ArtifactUrl, DebugFile, DeletionCause
from app.erasure.sweep import sweep_once
from app.retention.debug_files import expire_debug_files
from app.storage.disk.local import LocalStore
from tests.support.builders.aged_data import AgedData
from tests.support.builders.debug_files import make_debug_file, store_debug_file

PROJECT = ProjectId(7)
NEIGHBOUR = ProjectId(8)
UUID = "d9eda8d5-d1d0-5d91-93b5-2943d1938566"
RELEASE = "com.acme.shop@2.4.0+240"
UNUSED_DAYS = 90


@pytest_asyncio.fixture
async def data(database: Database, tmp_path: Path) -> AsyncIterator[AgedData]:
    """An empty server whose data of earlier days a test makes."""
    objects = LocalStore(tmp_path, threads=2)
    yield AgedData(database, objects)
    await objects.close()


async def expire(data: AgedData, *, in_days: int = 0) -> int:
    """Let the rule for debug files run, as if some days had passed."""
    now = clock.now() + timedelta(days=in_days)
    return await expire_debug_files(data.database, unused_days=UNUSED_DAYS, now=now)


async def use(data: AgedData, file: DebugFile, *, age: int, release: str | None = None) -> None:
    """Note that an event used a file some days ago."""
    async with data.database.transaction() as connection:
        await writes.note_use(
            connection, file.project_id, [file.file_id], day=data.day(age), release=release
        )


async def is_here(data: AgedData, file: DebugFile) -> bool:
    """Tell whether the row of a file is here."""
    async with data.database.reading() as connection:
        return bool(await queries.read_debug_files(connection, file.project_id, [file.file_id]))


async def test_a_deleted_file_leaves_a_receipt_and_nothing_else(data: AgedData):
    """Rows and objects go; the receipt names the file and says when nothing was left of it."""
    url = ArtifactUrl(RELEASE, "", "~/app.js", "files/app.js")
    file = make_debug_file(PROJECT, release=RELEASE)
    await store_debug_file(data.database, data.objects, file, UUID, artifacts=(url,))
    other = await store_debug_file(data.database, data.objects, make_debug_file(NEIGHBOUR), UUID)
    async with data.database.transaction() as connection:
        erased = await receipts.erase_debug_files(
            connection,
            PROJECT,
            [file.file_id, other.file_id],
            cause=DeletionCause.BY_HAND,
            person_id=PersonId(3),
        )
    assert (erased.files, erased.stored_bytes) == (1, file.stored_bytes)
    async with data.database.reading() as connection:
        assert await receipts.count_open_receipts(connection, PROJECT) == 1
        (receipt,) = await receipts.list_receipts(connection, [PROJECT, NEIGHBOUR], limit=9)
    assert (receipt.file_id, receipt.debug_ids, receipt.release) == (file.file_id, (UUID,), RELEASE)
    assert (receipt.cause, receipt.person_id) == (DeletionCause.BY_HAND, 3)
    assert receipt.swept_at is None
    await sweep_once(data.database, data.objects)
    async with data.database.reading() as connection:
        (receipt,) = await receipts.list_receipts(connection, [PROJECT], limit=9)
        assert await receipts.count_open_receipts(connection, PROJECT) == 0
    assert receipt.objects == 1
    assert receipt.swept_at is not None
    for table in ("debug_files", "debug_ids"):
        assert await data.count(table) == await data.count(table, "project_id = 8") == 1
    for table in ("artifact_urls", "debug_file_sweeps"):
        assert await data.count(table) == 0, table
    assert [stored.key for stored in await data.objects.list("")] == [
        f"p/8/d/{other.file_id}/mapping"
    ]
    await expire(data, in_days=364)
    assert await data.count("debug_file_receipts", "cause = 'by_hand'") == 1
    await expire(data, in_days=366)
    assert await data.count("debug_file_receipts", "cause = 'by_hand'") == 0


@pytest.mark.parametrize(
    ("uploaded", "used", "stays"),
    [(181, 91, False), (181, None, False), (179, None, True), (179, 150, True), (400, 89, True)],
)
async def test_a_file_goes_by_its_age_and_its_last_use(data: AgedData, uploaded, used, stays):
    """A file goes 90 days after its last use, and not before 180 days after its upload."""
    file = make_debug_file(PROJECT, age=uploaded)
    await store_debug_file(data.database, data.objects, file, UUID)
    if used is not None:
        await use(data, file, age=used)
    assert await expire(data) == (0 if stays else 1)
    assert await is_here(data, file) is stays
    causes = await data.count("debug_file_receipts", "cause = 'unused' and person_id is null")
    assert causes == (0 if stays else 1)
    lines = await data.count("audit_lines", "action = 'debug_files_deleted'")
    assert lines == (0 if stays else 1)
    assert await expire(data) == 0


@pytest.mark.parametrize("is_known_by_use", [False, True])
async def test_the_files_of_a_release_in_use_stay(data: AgedData, is_known_by_use):
    """A session of the last 30 days keeps the files of its release, also if an event named it."""
    release = None if is_known_by_use else RELEASE
    file = make_debug_file(PROJECT, age=400, release=release)
    await store_debug_file(data.database, data.objects, file, UUID)
    if is_known_by_use:
        await use(data, file, age=300, release=RELEASE)
    async with data.database.transaction() as connection:
        await connection.execute(
            text(
                "insert into release_sessions"
                " (project_id, release, environment, day, status, quantity)"
                " values (:project, :release, 'production', :day, 'started', 4)"
            ),
            {"project": PROJECT, "release": RELEASE, "day": data.day(30)},
        )
    assert await expire(data) == 0
    assert await expire(data, in_days=1) == 1
    assert not await is_here(data, file)


async def test_a_file_stays_while_an_event_of_its_release_is_kept(data: AgedData):
    """The events of a release keep its files, and for 90 days after the last of them has gone."""
    event_id = await data.add_event(PROJECT, age=150)
    async with data.database.transaction() as connection:
        await connection.execute(
            text("update events set release = :release where event_id = cast(:event as uuid)"),
            {"release": RELEASE, "event": event_id},
        )
    file = make_debug_file(PROJECT, age=400, release=RELEASE)
    await store_debug_file(data.database, data.objects, file, UUID)
    other = make_debug_file(PROJECT, age=400, release="another")
    await store_debug_file(data.database, data.objects, other, UUID)
    assert await expire(data) == 1
    assert await is_here(data, file)
    async with data.database.transaction() as connection:
        await connection.execute(text("delete from events"))
    assert await expire(data, in_days=UNUSED_DAYS) == 0
    assert await expire(data, in_days=UNUSED_DAYS + 1) == 1
    assert not await is_here(data, file)


async def test_files_are_counted_by_release_and_kind(data: AgedData):
    """The release with the newest file comes first, and a file is known by who used it."""
    for age, release in ((3, RELEASE), (2, None), (1, RELEASE)):
        file = make_debug_file(PROJECT, age=age, release=release)
        await store_debug_file(data.database, data.objects, file, UUID)
    used = make_debug_file(PROJECT, age=9)
    await store_debug_file(data.database, data.objects, used, UUID)
    await use(data, used, age=4, release=RELEASE)
    async with data.database.reading() as connection:
        totals = await queries.sum_releases(connection, PROJECT, limit=9)
        assert [(each.release, each.files) for each in totals] == [(RELEASE, 3), (None, 1)]
        assert totals[0].last_used_day == data.day(4)
        assert len(await queries.sum_releases(connection, PROJECT, limit=1)) == 1
        filters = queries.DebugFileFilters(release=RELEASE)
        assert await queries.count_debug_files(connection, PROJECT, filters) == 3
