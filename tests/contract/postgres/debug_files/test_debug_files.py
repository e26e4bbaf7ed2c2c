"""Debug files in Postgres: found by id and by address, added once, deleted with all they have."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from app.core import clock
from app.core.errors import ServiceUnavailable
from app.core.ids import ProjectId
from app.db.engine import Database
from app.debug_files import queries, writes
from app.debug_files.model import (
    ANY_CPU,
    ApiTokenId,
    ArtifactUrl,
    DebugFile,
    DebugFileKind,
    DebugFilePart,
    DebugFileRemark,
)
from app.debug_files.queries import DebugFileFilters

PROJECT = ProjectId(7)
NEIGHBOUR = ProjectId(8)
UUID = "d9eda8d5-d1d0-5d91-93b5-2943d1938566"
OTHER_UUID = "6dc7fdb0-d2fb-4c8e-9d6b-bb1aa98929b1"


def make_file(sha1: str = "a" * 40, **changes: object) -> DebugFile:
    """Make a mapping that a token uploaded."""
    file = DebugFile(
        PROJECT,
        writes.new_file_id(),
        DebugFileKind.PROGUARD,
        sha1,
        sha1 + "0" * 24,
        "mapping.txt",
        ANY_CPU,
        None,
        ("mapping",),
        None,
        2_415,
        900,
        None,
        None,
        DebugFileRemark.NO_LINES,
        datetime(2026, 11, 30, 12, tzinfo=UTC),
        ApiTokenId(3),
    )
    return replace(file, **changes)  # type: ignore[arg-type]  # names of fields


def make_part(file: DebugFile, debug_id: str = UUID) -> DebugFilePart:
    """Make the part of a file that has a debug id."""
    return DebugFilePart(
        debug_id,
        file.file_id,
        file.kind,
        "mapping",
        file.cpu_name,
        None,
        file.features,
        file.remark,
        file.uploaded_at,
    )


async def add_file(
    database: Database,
    file: DebugFile,
    *parts: DebugFilePart,
    artifacts: tuple[ArtifactUrl, ...] = (),
) -> bool:
    """Add a file as an upload does."""
    async with database.transaction() as connection:
        await writes.begin_debug_file(connection, file.project_id, file.file_id)
    async with database.transaction() as connection:
        return await writes.add_debug_file(connection, file, parts, artifacts=artifacts)


async def test_a_file_is_found_by_each_of_its_ids(database: Database):
    """A second id of the same content points at the same file, and other projects see neither."""
    file = make_file()
    assert await add_file(database, file, make_part(file))
    async with database.transaction() as connection:
        assert await writes.extend_debug_file(connection, file, [make_part(file, OTHER_UUID)])
        assert not await writes.extend_debug_file(connection, file, [make_part(file, OTHER_UUID)])
    async with database.reading() as connection:
        parts = await queries.find_parts(connection, PROJECT, [UUID, OTHER_UUID, "unknown"])
        assert parts == {UUID: [make_part(file)], OTHER_UUID: [make_part(file, OTHER_UUID)]}
        assert await queries.find_parts(connection, NEIGHBOUR, [UUID]) == {}
        assert await queries.find_parts(connection, PROJECT, []) == {}
        files = await queries.read_debug_files(connection, PROJECT, [file.file_id])
        assert files == {file.file_id: file}
        by_sha1 = await queries.find_files_by_sha1(connection, PROJECT, [file.sha1])
        assert by_sha1 == {file.sha1: [file]}
        assert await queries.find_files_by_sha1(connection, NEIGHBOUR, [file.sha1]) == {}
        parts_by_file = await queries.read_parts(connection, PROJECT, [file.file_id])
        assert {part.debug_id for part in parts_by_file[file.file_id]} == {UUID, OTHER_UUID}


async def test_the_newest_part_of_an_id_comes_first(database: Database):
    """Two mappings with one id: the one that was uploaded last serves new events."""
    old = make_file()
    new = make_file("b" * 40, uploaded_at=old.uploaded_at + timedelta(hours=1))
    for file in (new, old):
        assert await add_file(database, file, make_part(file))
    async with database.reading() as connection:
        parts = (await queries.find_parts(connection, PROJECT, [UUID]))[UUID]
    assert [part.file_id for part in parts] == [new.file_id, old.file_id]


async def test_a_content_is_added_once(database: Database):
    """The second process that stored the same content changes nothing; its objects must go."""
    first, second = make_file(), make_file()
    assert await add_file(database, first, make_part(first))
    assert not await add_file(database, second, make_part(second))
    assert await add_file(database, replace(make_file(), project_id=NEIGHBOUR))
    async with database.transaction() as connection:
        assert await writes.find_due_sweeps(connection) == []
        await connection.execute(text("update debug_file_sweeps set due_at = now()"))
        due = await writes.find_due_sweeps(connection)
        assert due == [(PROJECT, second.file_id)]
        await writes.finish_sweep(connection, *due[0])
        assert await writes.find_due_sweeps(connection) == []


async def test_a_file_is_not_added_when_its_objects_may_be_gone(database: Database):
    """Who stores for hours must begin again."""
    file = make_file()
    async with database.transaction() as connection:
        await writes.begin_debug_file(connection, PROJECT, file.file_id)
        await connection.execute(text("update debug_file_sweeps set due_at = now()"))
    with pytest.raises(ServiceUnavailable):
        async with database.transaction() as connection:
            await writes.add_debug_file(connection, file, [make_part(file)])
    async with database.reading() as connection:
        assert await queries.read_debug_files(connection, PROJECT, [file.file_id]) == {}


async def test_artifacts_are_found_by_release_and_address(database: Database):
    """The very distribution wins over bundles without one; others do not match."""
    artifact = ArtifactUrl("com.acme.shop@2.4.0+240", "240", "~/index.android.bundle", "files/a")
    plain = replace(artifact, dist="", entry="files/b")
    bundle = make_file(kind=DebugFileKind.ARTIFACT_BUNDLE, release=artifact.release)
    late = replace(make_file("c" * 40), kind=DebugFileKind.ARTIFACT_BUNDLE)
    late = replace(late, uploaded_at=late.uploaded_at + timedelta(days=1))
    assert await add_file(database, bundle, artifacts=(artifact,))
    assert await add_file(database, late, artifacts=(plain, replace(plain, dist="241")))
    async with database.reading() as connection:
        places = await queries.find_artifacts(
            connection, PROJECT, artifact.release, "240", urls=[artifact.url, "~/x"]
        )
        assert [place.artifact for place in places] == [artifact, plain]
        assert [place.file_id for place in places] == [bundle.file_id, late.file_id]
        for others in ((NEIGHBOUR, artifact.release, "240"), (PROJECT, "com.acme.shop@2", "240")):
            assert await queries.find_artifacts(connection, *others, urls=[artifact.url]) == []


async def test_news_of_files_are_claimed_one_by_one(database: Database):
    """Each id and each release is news once; what a process leaves is claimed again later."""
    file = make_file()
    artifact = ArtifactUrl("1.0", "", "~/a.js", "files/a")
    assert await add_file(database, file, make_part(file))
    async with database.transaction() as connection:
        await writes.extend_debug_file(
            connection, file, [make_part(file, OTHER_UUID)], artifacts=[artifact]
        )
    later = clock.now() + timedelta(minutes=5)
    async with database.transaction() as connection:
        first = await writes.claim_arrival(connection, until=later)
        second = await writes.claim_arrival(connection, until=later)
        assert await writes.claim_arrival(connection, until=later) is None
    assert first is not None
    assert second is not None
    assert (first.debug_ids, first.release) == ((UUID,), None)
    assert (second.debug_ids, second.release, second.dist) == ((OTHER_UUID,), "1.0", None)
    async with database.transaction() as connection:
        await writes.finish_arrival(connection, first.arrival_id)
        await connection.execute(text("update debug_file_arrivals set claimed_until = now()"))
    async with database.transaction() as connection:
        assert await writes.claim_arrival(connection, until=later) == second
        assert await writes.claim_arrival(connection, until=later) is None


async def test_deletion_takes_all_that_a_file_has(database: Database):
    """Ids, addresses and news go with the file, and its objects are due to be removed."""
    file, kept = make_file(), make_file("b" * 40)
    artifact = ArtifactUrl("1.0", "", "~/a.js", "files/a")
    for each in (file, kept):
        assert await add_file(database, each, make_part(each), artifacts=(artifact,))
    async with database.transaction() as connection:
        assert await writes.delete_debug_files(connection, PROJECT, [file.file_id]) == [file]
        assert await writes.delete_debug_files(connection, PROJECT, [file.file_id]) == []
        assert await writes.delete_debug_files(connection, PROJECT, []) == []
    async with database.transaction() as connection:
        assert await writes.find_due_sweeps(connection) == [(PROJECT, file.file_id)]
        parts = (await queries.find_parts(connection, PROJECT, [UUID]))[UUID]
        assert [part.file_id for part in parts] == [kept.file_id]
        places = await queries.find_artifacts(connection, PROJECT, "1.0", "", urls=["~/a.js"])
        assert [place.file_id for place in places] == [kept.file_id]
        left = await connection.scalars(text("select count(*) from debug_file_arrivals"))
        assert left.one() == 1


async def test_the_last_day_of_use_only_moves_forward(database: Database):
    """Events are digested in any order."""
    file = make_file()
    assert await add_file(database, file, make_part(file))
    for day in (date(2026, 12, 2), date(2026, 12, 1)):
        async with database.transaction() as connection:
            await writes.note_use(connection, PROJECT, [file.file_id], day=day)
            await writes.note_use(connection, PROJECT, [], day=day)
    async with database.reading() as connection:
        files = await queries.read_debug_files(connection, PROJECT, [file.file_id])
    assert files[file.file_id].last_used_day == date(2026, 12, 2)


async def test_files_are_listed_and_summed(database: Database):
    """The newest come first; kinds, releases, names and debug ids narrow the list."""
    start = datetime(2026, 11, 1, tzinfo=UTC)
    files = [
        make_file(f"{number}" * 40, uploaded_at=start + timedelta(days=number), name=f"m_{number}")
        for number in range(3)
    ]
    bundle = make_file(
        "f" * 40, kind=DebugFileKind.ARTIFACT_BUNDLE, release="1.0", uploaded_at=start
    )
    for file in files:
        assert await add_file(database, file, make_part(file, f"id-{file.name}"))
    assert await add_file(database, bundle)
    async with database.reading() as connection:

        async def names(**filters: object) -> list[str]:
            chosen = DebugFileFilters(**filters)  # type: ignore[arg-type]  # names of fields
            run = await queries.list_debug_files(connection, PROJECT, chosen)
            return [file.name for file in run.rows]

        assert (await names())[:2] == ["m_2", "m_1"]
        assert len(await names()) == 4
        assert await names(kinds=frozenset({DebugFileKind.ARTIFACT_BUNDLE})) == ["mapping.txt"]
        assert await names(release="1.0") == ["mapping.txt"]
        assert await names(text="M_1") == ["m_1"]
        assert await names(text="m%") == []
        assert await names(text=" ID-M_2 ") == ["m_2"]
        page = await queries.list_debug_files(connection, PROJECT, DebugFileFilters(), limit=1)
        assert page.has_more
        key = queries.NEWEST_DEBUG_FILES.key_of(page.rows[0])
        after = await queries.list_debug_files(
            connection, PROJECT, DebugFileFilters(), cursor=key, limit=1
        )
        assert [file.name for file in after.rows] == ["m_1"]
        totals = await queries.sum_debug_files(connection, [PROJECT, NEIGHBOUR])
    assert [(total.kind, total.files, total.stored_bytes) for total in totals] == [
        (DebugFileKind.ARTIFACT_BUNDLE, 1, 900),
        (DebugFileKind.PROGUARD, 3, 2_700),
    ]


async def test_texts_that_postgres_refuses_find_nothing(database):
    """An event may say anything; what no row can have does not fail the look-up of others."""
    file = make_file(kind=DebugFileKind.ARTIFACT_BUNDLE)
    artifact = ArtifactUrl("shop@1", "7", "~/app.js", "files/app.js")
    assert await add_file(database, file, make_part(file), artifacts=(artifact,))
    async with database.reading() as connection:
        artifacts = await queries.find_artifacts(
            connection, PROJECT, "shop@1\0", "7\0", urls=["~/app.js", "~/\0.js", "~/\ud800.js"]
        )
        assert [place.artifact for place in artifacts] == [artifact]
        assert list(await queries.find_parts(connection, PROJECT, [UUID, "\0"])) == [UUID]
