"""Uploads on Postgres and a store: claims, several processes, what is removed, what is counted."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Final, override

import pytest
from sqlalchemy import text

from app.audit.model import Action
from app.core.errors import NotFound, ServiceUnavailable
from app.core.ids import ProjectId
from app.db.engine import Database
from app.debug_files import assemblies, chunks, queries, upload_counts
from app.debug_files.chunks import UploadChunk
from app.debug_files.model import ApiTokenId, DebugFileKind
from app.debug_uploads import questions
from app.debug_uploads.assembler import Assembler
from app.debug_uploads.cleaning import clean_uploads
from app.debug_uploads.folder import UploadFolder
from app.debug_uploads.limits import UploadLimits
from app.debug_uploads.questions import UploadAnswer, UploadQuestion, UploadState, ask_for_files
from app.debug_uploads.services import UploadServices
from app.erasure import sweep
from app.projects import writes as project_writes
from app.storage import keys
from app.storage.disk.local import LocalStore
from app.symbolicator.child import NativeDeriver
from tests.support.builders.uploads import MAPPING, mapping_uuid, sha1, split

TOKEN: Final = ApiTokenId(5)
_CHUNK_BYTES: Final = 100


class StubbornStore(LocalStore):
    """A store that does not take the next objects of debug files."""

    refusals = 0
    """How many it still refuses."""

    @override
    async def put_file(self, key: str, descriptor: int) -> None:
        """Refuse an object, or put it."""
        if self.refusals and key.startswith("p/"):
            self.refusals -= 1
            raise ServiceUnavailable("the disk is away")
        await super().put_file(key, descriptor)


@pytest.fixture
async def objects(tmp_path: Path) -> AsyncIterator[StubbornStore]:
    """An empty store."""
    store = StubbornStore(tmp_path / "objects", threads=4)
    yield store
    await store.close()


@pytest.fixture
async def project_id(database: Database) -> ProjectId:
    """A project."""
    async with database.transaction() as connection:
        return (await project_writes.add_project(connection, "Shop")).id


@pytest.fixture
def services(database: Database, objects: StubbornStore, tmp_path: Path) -> UploadServices:
    """Provide the services that uploads need."""
    return UploadServices(
        database,
        objects,
        UploadFolder(tmp_path / "uploads", reserve_bytes=0),
        NativeDeriver(tmp_path / "lock"),
        UploadLimits(),
    )


async def store_chunks(services: UploadServices, content: bytes) -> tuple[str, ...]:
    """Store the chunks of a file, as a request has brought them; returns their SHA-1."""
    for chunk in split(content, _CHUNK_BYTES):
        async with services.database.transaction() as connection:
            day = (await connection.scalars(text("select current_date"))).one()
            key = keys.make_chunk_key(day, TOKEN, sha1(chunk))
            await services.objects.put(key, chunk)
            if not await chunks.add_chunk(
                connection, TOKEN, UploadChunk(sha1(chunk), key, len(chunk))
            ):
                await services.objects.delete(key)
    return tuple(sha1(chunk) for chunk in split(content, _CHUNK_BYTES))


def make_question(content: bytes) -> UploadQuestion:
    """Make the question about a mapping."""
    checksums = tuple(sha1(chunk) for chunk in split(content, _CHUNK_BYTES))
    uuid = mapping_uuid(content)
    return UploadQuestion(sha1(content), f"/proguard/{uuid}.txt", checksums, debug_id=uuid)


async def ask(
    services: UploadServices,
    project_id: ProjectId,
    content: bytes,
    assembler: Assembler | None = None,
) -> UploadAnswer:
    """Ask for a mapping, with an assembler of another process each time."""
    assembler = assembler or Assembler(services)
    (answer,) = await ask_for_files(
        services, assembler, project_id, TOKEN, [make_question(content)]
    )
    await assembler.stop()
    return answer


async def count_rows(database: Database, table: str) -> int:
    """Count the rows of a table."""
    async with database.reading() as connection:
        count: int = (await connection.scalars(text(f"select count(*) from {table}"))).one()
    return count


async def test_processes_share_chunks_and_make_one_file(
    services: UploadServices, project_id: ProjectId
):
    """Four processes that are asked at once put one file together, once."""
    await store_chunks(services, MAPPING)
    answers = await asyncio.gather(*(ask(services, project_id, MAPPING) for _ in range(4)))
    assert {answer.state for answer in answers} <= {UploadState.OK, UploadState.ASSEMBLING}
    last = await ask(services, project_id, MAPPING)
    assert last.state is UploadState.OK
    assert last.file is not None
    assert last.file.kind is DebugFileKind.PROGUARD
    assert await count_rows(services.database, "debug_files") == 1
    assert await count_rows(services.database, "upload_assemblies") == 0
    stored = await services.objects.list(f"p/{project_id}/")
    assert [each.key.rsplit("/", 1)[1] for each in stored] == ["mapping"]


async def test_a_worker_takes_over_what_a_process_has_left(
    services: UploadServices, project_id: ProjectId, monkeypatch: pytest.MonkeyPatch
):
    """A file whose process died is put together when its claim ends, by any worker."""
    await store_chunks(services, MAPPING)
    monkeypatch.setattr(Assembler, "begin", lambda *_: None)
    assert (await ask(services, project_id, MAPPING)).state is UploadState.ASSEMBLING
    async with services.database.transaction() as connection:
        claimed = await assemblies.claim_assembly(connection)
        assert claimed is not None
        assert await assemblies.claim_assembly(connection) is None
    worker = Assembler(services)
    await worker.work()
    assert await count_rows(services.database, "debug_files") == 0
    async with services.database.transaction() as connection:
        await connection.execute(text("update upload_assemblies set claimed_until = now()"))
    await worker.work()
    assert await count_rows(services.database, "debug_files") == 1
    async with services.database.transaction() as connection:
        # The first process was only slow. It must not add the file once more.
        assert not await assemblies.finish_assembly(connection, claimed)
        assert not await assemblies.note_fault(connection, claimed, "late")
        assert not await assemblies.renew_claim(connection, claimed)


async def test_an_outage_puts_a_file_off(
    services: UploadServices, objects: StubbornStore, project_id: ProjectId
):
    """While storage is away nothing is broken; the file is there when it is back."""
    await store_chunks(services, MAPPING)
    objects.refusals = 1
    assert (await ask(services, project_id, MAPPING)).state is UploadState.ASSEMBLING
    async with services.database.transaction() as connection:
        pause = await connection.scalar(
            text("select claimed_until - now() from upload_assemblies where fault is null")
        )
        assert timedelta(0) < pause <= timedelta(seconds=30)
        await connection.execute(text("update upload_assemblies set claimed_until = now()"))
    await Assembler(services).work()
    assert (await ask(services, project_id, MAPPING)).state is UploadState.OK
    async with services.database.transaction() as connection:
        await connection.execute(text("update debug_file_sweeps set due_at = now()"))
    while await sweep.sweep_once(services.database, services.objects):
        pass
    assert len(await services.objects.list(f"p/{project_id}/")) == 1


async def test_a_file_that_never_ends_well_is_given_up(
    services: UploadServices, project_id: ProjectId
):
    """After many attempts the uploader hears that the server cannot read the file."""
    await store_chunks(services, MAPPING)
    async with services.database.transaction() as connection:
        question = make_question(MAPPING)
        wanted = assemblies.WantedFile(project_id, question.sha1, False, question.debug_id)
        await assemblies.add_assembly(
            connection,
            wanted,
            name=question.name,
            token_id=TOKEN,
            chunks=question.chunks,
            size_bytes=len(MAPPING),
        )
        await connection.execute(text("update upload_assemblies set attempts = 40"))
    answer = await ask(services, project_id, MAPPING)
    assert answer.state is UploadState.ERROR
    assert "40 times" in str(answer.detail)
    async with services.database.transaction() as connection:
        await connection.execute(
            text("update upload_assemblies set failed_at = now() - interval '6 minutes'")
        )
    assert (await ask(services, project_id, MAPPING)).state is UploadState.OK


async def test_chunks_without_an_object_are_asked_for_again(
    services: UploadServices, objects: StubbornStore, project_id: ProjectId
):
    """After a restore the rows of chunks are there and their objects are not."""
    await store_chunks(services, MAPPING)
    for each in await objects.list(keys.CHUNK_PREFIX):
        await objects.delete(each.key)
    answer = await ask(services, project_id, MAPPING)
    assert answer.state is UploadState.NOT_FOUND
    assert answer.missing_chunks == tuple(sha1(chunk) for chunk in split(MAPPING, _CHUNK_BYTES))


async def test_a_project_that_is_deleted_meanwhile_gets_no_file(
    services: UploadServices, project_id: ProjectId
):
    """The upload ends with an error, and leaves no rows behind."""
    await store_chunks(services, MAPPING)
    async with services.database.transaction() as connection:
        await connection.execute(text("delete from projects"))
    answer = await ask(services, project_id, MAPPING)
    assert answer.state is UploadState.ERROR
    assert await count_rows(services.database, "debug_files") == 0
    async with services.database.transaction() as connection:
        with pytest.raises(NotFound):
            await project_writes.hold_project(connection, project_id)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (UploadLimits(project_files=0), "has 0 debug files"),
        (UploadLimits(project_bytes=0), "PLAYHEAD_DEBUG_FILES_PROJECT_BYTES"),
        (UploadLimits(files_a_day=0), "within a day"),
        (UploadLimits(file_bytes=len(MAPPING) - 1), "PLAYHEAD_DEBUG_FILE_BYTES"),
        (UploadLimits(mapping_bytes=len(MAPPING) - 1), "the mapping has"),
    ],
)
async def test_limits_are_errors_in_the_build_log(
    services: UploadServices, project_id: ProjectId, limits: UploadLimits, words: str
):
    """A file over a limit, its own or the project's, is an error that names the limit."""
    await store_chunks(services, MAPPING)
    object.__setattr__(services, "limits", limits)
    answer = await ask(services, project_id, MAPPING)
    assert answer.state is UploadState.ERROR
    assert words in str(answer.detail)


async def test_one_content_has_so_many_ids(
    services: UploadServices, project_id: ProjectId, monkeypatch: pytest.MonkeyPatch
):
    """Ids that are added to a file without an upload have a limit."""
    await store_chunks(services, MAPPING)
    assert (await ask(services, project_id, MAPPING)).state is UploadState.OK
    monkeypatch.setattr(questions, "MOST_IDS", 1)
    question = make_question(MAPPING)
    other = UploadQuestion(question.sha1, question.name, question.chunks, debug_id="0" * 31 + "1")
    (answer,) = await ask_for_files(services, Assembler(services), project_id, TOKEN, [other])
    assert answer.state is UploadState.ERROR


async def test_old_chunks_are_removed(
    services: UploadServices, objects: StubbornStore, project_id: ProjectId
):
    """Loose chunks go after a day, those of a complete file after ten minutes; others stay."""
    loose = MAPPING + b"com.acme.Loose -> l.l:\n"
    await store_chunks(services, loose)
    await store_chunks(services, MAPPING)
    assert (await ask(services, project_id, MAPPING)).state is UploadState.OK
    async with services.database.reading() as connection:
        assert await chunks.sum_loose_bytes(connection, TOKEN) < len(loose)

    async def clean_after(seconds: int) -> int:
        async with services.database.transaction() as connection:
            await connection.execute(
                text(
                    "update upload_chunks set last_used_at = now() - cast(:age as interval),"
                    " used_up_at = used_up_at - cast(:age as interval)"
                ).bindparams(age=timedelta(seconds=seconds))
            )
        await clean_uploads(services.database, objects)
        return len(await objects.list(keys.CHUNK_PREFIX))

    everything = len(await objects.list(keys.CHUNK_PREFIX))
    assert await clean_after(60) == everything
    left = await clean_after(700)
    assert 0 < left < everything
    assert await clean_after(90_000) == 0
    assert await count_rows(services.database, "upload_chunks") == 0


async def test_objects_of_chunks_without_a_row_are_removed_after_two_days(
    services: UploadServices, objects: StubbornStore
):
    """A process that dies between the object and its row leaves nothing for ever."""
    await store_chunks(services, MAPPING)
    (some, *_) = await objects.list(keys.CHUNK_PREFIX)
    day = keys.read_chunk_day(some.key)
    assert day is not None
    lost = keys.make_chunk_key(day - timedelta(days=3), TOKEN, "a" * 40)
    await objects.put(lost, b"lost")
    await clean_uploads(services.database, objects)
    left = [each.key for each in await objects.list(keys.CHUNK_PREFIX)]
    assert lost not in left
    assert some.key in left


async def test_an_hour_of_uploads_is_one_line_of_the_audit_log(
    services: UploadServices, objects: StubbornStore, project_id: ProjectId
):
    """The log tells how many files a token uploaded in each hour, once the hour is over."""
    for content in (MAPPING, MAPPING + b"com.acme.Two -> t.t:\n"):
        await store_chunks(services, content)
        assert (await ask(services, project_id, content)).state is UploadState.OK

    async def read_lines() -> list[tuple[str, int]]:
        await clean_uploads(services.database, objects)
        async with services.database.reading() as connection:
            rows = await connection.execute(
                text("select subject, detail from audit_lines where action = :action"),
                {"action": Action.DEBUG_FILES_UPLOADED},
            )
            return [(row.subject, row.detail["files"]) for row in rows]

    assert await read_lines() == []
    async with services.database.transaction() as connection:
        usage = await upload_counts.read_usage(connection, project_id)
        assert (usage.files, usage.uploaded_today) == (2, 2)
        await connection.execute(text("update upload_counts set hour = hour - interval '1 hour'"))
    assert await read_lines() == [("5", 2)]
    assert await read_lines() == [("5", 2)]
    async with services.database.transaction() as connection:
        await connection.execute(text("update upload_counts set hour = hour - interval '3 days'"))
    await read_lines()
    assert await count_rows(services.database, "upload_counts") == 0


async def test_originals_are_kept_if_the_operator_wants_them(
    services: UploadServices, objects: StubbornStore, project_id: ProjectId
):
    """A native file is stored as it was uploaded, beside its symcache."""
    sample = Path(__file__).parents[3] / "samples/symbolication/elf-arm64/debug/libshop.so"
    content = sample.read_bytes()
    object.__setattr__(services, "keep_originals", True)
    await store_chunks(services, content)
    checksums = tuple(sha1(chunk) for chunk in split(content, _CHUNK_BYTES))
    question = UploadQuestion(sha1(content), "libshop.so", checksums)
    assembler = Assembler(services)
    (answer,) = await ask_for_files(services, assembler, project_id, TOKEN, [question])
    assert answer.file is not None
    names = {each.key.rsplit("/", 1)[1] for each in await objects.list(f"p/{project_id}/")}
    assert names == set(answer.file.object_names) == {"symcache-0", "original"}
    async with services.database.reading() as connection:
        files = await queries.find_files_by_sha1(connection, project_id, [sha1(content)])
    assert [file.data_type for file in files[sha1(content)]] == ["lib"]
