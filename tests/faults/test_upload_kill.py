"""The server is killed at every await of uploads; debug files are whole or absent."""

import asyncio
import contextlib
from pathlib import Path
from typing import Final

import httpx2
from sqlalchemy import text

from app.core.ids import ProjectId
from app.db.engine import Database
from app.debug_files import queries
from app.debug_files.model import MAPPING_OBJECT, DebugFileKind
from app.debug_uploads import cleaning
from app.erasure import sweep
from app.formats.debug_files.mapping.reader import MappingReader
from app.storage import keys
from app.storage.port import ObjectStore
from tests.support import programme_size
from tests.support.builders import uploads
from tests.support.builders.api_tokens import make_token
from tests.support.report import Report
from tests.support.servers import process
from tests.support.servers.process import LaunchOptions, ServerProcess
from tests.support.servers.server import keyed, running

KILLS: Final = programme_size.rounds(ci=2, nightly=200)
LIVES: Final = 10
"""Kills in a row before everything is checked; each server goes on with what the last one left."""
STEPS: Final = 150
"""About as many steps of uploads as a server takes for some files."""
SAMPLES: Final = Path(__file__).parents[1] / "samples" / "symbolication"
ELF: Final = (SAMPLES / "elf-arm64" / "debug" / "libshop.so").read_bytes()
ELF_ID: Final = "f8da01d5-9310-740f-7bd8-047945a69039"
_SMALL_CHUNK_BYTES: Final = 3_000


class UploadLedger:
    """The files that build servers have uploaded, and the answers they got."""

    def __init__(self) -> None:
        self.mappings: dict[str, bytes] = {}
        """The mappings that were begun, by their SHA-1."""
        self.acknowledged: set[str] = set()
        """The SHA-1 of files that the server said it has."""

    def make_mapping(self) -> bytes:
        """Make a mapping that nobody has uploaded."""
        number = len(self.mappings)
        lines = "".join(f"com.acme.C{number}x{line} -> a.{line}:\n" for line in range(300))
        mapping = uploads.MAPPING + lines.encode()
        self.mappings[uploads.sha1(mapping)] = mapping
        return mapping


async def upload_until_killed(
    server: ServerProcess, token: str, project_id: ProjectId, ledger: UploadLedger
) -> None:
    """Upload mappings and an ELF file, each as sentry-cli does it, until nobody answers."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(
        base_url=server.base_url, headers=headers, trust_env=False, timeout=120
    ) as client:
        with contextlib.suppress(httpx2.HTTPError):
            while server.is_alive():
                mapping = ledger.make_mapping()
                await asyncio.gather(
                    upload_in_pieces(client, project_id, mapping, ledger),
                    upload_in_pieces(client, project_id, ELF, ledger, debug_id=ELF_ID),
                )


async def upload_in_pieces(
    client: httpx2.AsyncClient,
    project_id: ProjectId,
    content: bytes,
    ledger: UploadLedger,
    debug_id: str = "",
) -> None:
    """Upload a file in small chunks, and wait for it."""
    more = {"name": "libshop.so", "debug_id": debug_id} if debug_id else {}
    question = uploads.ask(content, size=_SMALL_CHUNK_BYTES, **more)
    for _ in range(50):
        (answer,) = (await uploads.assemble(client, project_id, question)).values()
        assert answer["state"] != "error", answer
        if answer["state"] == "ok":
            ledger.acknowledged.add(uploads.sha1(content))
            return
        missing = set(answer["missingChunks"])
        chunks = uploads.split(content, _SMALL_CHUNK_BYTES)
        await uploads.send_chunks(
            client, [each for each in chunks if uploads.sha1(each) in missing]
        )


async def end_leases(database: Database) -> None:
    """Let the claims of dead processes end, as they do after a minute."""
    async with database.transaction() as connection:
        await connection.execute(text("update upload_assemblies set claimed_until = null"))


async def check_files(
    database: Database, objects: ObjectStore, project_id: ProjectId, ledger: UploadLedger
) -> int:
    """Check that every file is whole, and that nothing lies beside them; returns their number."""
    async with database.transaction() as connection:
        run = await queries.list_debug_files(
            connection, project_id, queries.DebugFileFilters(), limit=10_000
        )
        await connection.execute(text("update debug_file_sweeps set due_at = now()"))
    files = {file.sha1: file for file in run.rows}
    assert len(files) == len(run.rows), "a file was added twice"
    assert ledger.acknowledged <= set(files)
    await cleaning.clean_uploads(database, objects)
    while await sweep.sweep_once(database, objects):
        pass
    for file in files.values():
        stored = await objects.list(keys.make_debug_file_prefix(project_id, file.file_id))
        assert sum(each.size_bytes for each in stored) == file.stored_bytes
        if file.kind is DebugFileKind.PROGUARD:
            key = keys.make_debug_file_key(project_id, file.file_id, MAPPING_OBJECT)
            mapping = MappingReader(await objects.read(key))
            assert b"".join(mapping.read_text()) == ledger.mappings[file.sha1]
    prefixes = {each.key.split("/")[3] for each in await objects.list(f"p/{project_id}/d/")}
    assert prefixes == {file.file_id for file in files.values()}
    return len(files)


async def test_a_kill_at_any_step_of_an_upload_leaves_whole_files(
    database_url: str, tmp_path: Path, report: Report
) -> None:
    """Whenever the server dies, an upload goes on afterwards, and no half of a file is left."""
    database = Database.open(database_url, pool_size=2)
    project_id = (await keyed(database, "App")).id
    token = await make_token(database, project_id)
    dice = programme_size.seeded_dice("upload kill steps")
    places: set[str] = set()
    ledger = UploadLedger()
    for first in range(0, KILLS, LIVES):
        for _ in range(first, min(first + LIVES, KILLS)):
            options = LaunchOptions(kill_at=1 + dice.randrange(STEPS), kill_within="debug_uploads/")
            with process.launch_server(database_url, tmp_path, options) as server:
                if await asyncio.to_thread(server.listens):
                    await upload_until_killed(server, token, project_id, ledger)
                server.wait()
                assert server.place is not None, "the server ended by itself, before the step"
                places.add(server.place)
            await end_leases(database)
        async with running(database_url, tmp_path) as whole_server:
            headers = {"Authorization": f"Bearer {token}"}
            async with httpx2.AsyncClient(
                base_url=whole_server.base_url, headers=headers, trust_env=False, timeout=120
            ) as client:
                for mapping in ledger.mappings.values():
                    await upload_in_pieces(client, project_id, mapping, ledger)
                await upload_in_pieces(client, project_id, ELF, ledger, debug_id=ELF_ID)
            objects = whole_server.service.shared.objects
            files = await check_files(database, objects, project_id, ledger)
        assert files == len(ledger.mappings) + 1
        report.round(kills=LIVES, files=files)
    report.facts["places"] = len(places)
    await database.close()
