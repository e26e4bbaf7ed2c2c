"""Files that wait to be put together: how many a token has, whose turn it is, and their chunks."""

import pytest
from sqlalchemy import text

from app.core.errors import BusyService
from app.core.ids import ProjectId
from app.db.engine import Database
from app.debug_files import assemblies, chunks
from app.debug_files.assemblies import FileAssembly, WantedFile
from app.debug_files.chunks import UploadChunk
from app.debug_files.model import ApiTokenId
from app.debug_uploads import questions

TOKEN = ApiTokenId(5)
CHUNK = "c" * 40


async def add(database: Database, project: int, number: int, size_bytes: int = 1) -> None:
    """Add a file that waits, of one chunk."""
    async with database.transaction() as connection:
        await assemblies.add_assembly(
            connection,
            WantedFile(ProjectId(project), f"{number:040}", False),
            name="x",
            token_id=TOKEN,
            chunks=[CHUNK],
            size_bytes=size_bytes,
        )


async def claim(database: Database, after_project: int = 0) -> FileAssembly:
    """Claim a file."""
    async with database.transaction() as connection:
        claimed = await assemblies.claim_assembly(connection, after_project=after_project)
    assert claimed is not None
    return claimed


async def test_projects_take_turns(database: Database):
    """A project with one file waits for one file of the project with many."""
    for number in range(3):
        await add(database, 1, number)
    await add(database, 2, 9)
    turns, last = [], 0
    for _ in range(4):
        last = (await claim(database, last)).wanted.project_id
        turns.append(last)
    assert turns == [1, 2, 1, 1]


@pytest.mark.parametrize(("files", "size_bytes"), [(2, 100), (10, 3)])
async def test_a_token_has_so_many_open_files(
    database: Database, monkeypatch: pytest.MonkeyPatch, files: int, size_bytes: int
):
    """Beyond a number of files, or of their bytes, it must come again; faults do not count."""
    monkeypatch.setattr(questions, "OPEN_FILES", files)
    monkeypatch.setattr(questions, "OPEN_BYTES", size_bytes)
    await add(database, 1, 1)
    question = questions.UploadQuestion("a" * 40, "x", (CHUNK,))
    asked = questions._Questions(None, ProjectId(1), TOKEN)  # type: ignore[arg-type]
    others = questions.UploadQuestion("b" * 40, "x", (CHUNK,)), question
    asked.sizes = dict.fromkeys(others, size_bytes - 2)
    async with database.transaction() as connection:
        await asked._check_open(connection, [question])
        with pytest.raises(BusyService, match="1 files of this token"):
            await asked._check_open(connection, [*others, question])
        await connection.execute(text("update upload_assemblies set fault = ''"))
        assert await assemblies.measure_open(connection, TOKEN) == (0, 0)


async def test_a_chunk_stays_while_an_open_file_names_it(database: Database):
    """One file of a chunk is complete; the chunk goes when the other one is done as well."""
    async with database.transaction() as connection:
        await chunks.add_chunk(connection, TOKEN, UploadChunk(CHUNK, "key", 1))
        await chunks.mark_used_up(connection, TOKEN, [CHUNK])
        await connection.execute(
            text("update upload_chunks set used_up_at = now() - interval '1 hour'")
        )
    await add(database, 1, 1)
    async with database.transaction() as connection:
        assert await chunks.delete_old_chunks(connection) == []
    claimed = await claim(database)
    async with database.transaction() as connection:
        assert await assemblies.note_fault(connection, claimed, "broken")
        assert await chunks.delete_old_chunks(connection) == ["key"]
