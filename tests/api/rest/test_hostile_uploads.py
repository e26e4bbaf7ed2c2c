"""Tests of uploads that are broken, too large, or made to do harm."""

import asyncio
import gzip
import io
import json
import lzma
import random
import uuid
import zipfile
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
from sqlalchemy import text

from app.debug_files import queries
from app.debug_uploads import counting, receive_chunks
from app.rest import rates
from tests.support.builders.api_tokens import project_builder
from tests.support.builders.uploads import (
    CHUNK_BYTES,
    CHUNKS,
    MAPPING,
    ask,
    assemble,
    send_chunks,
    sha1,
    upload,
    upload_bundle,
)
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOSTILE: Final = Path(__file__).parents[2] / "samples" / "symbolication" / "hostile"
CASES: Final = json.loads((HOSTILE / "cases.json").read_text())["cases"]
DEBUG_ID: Final = "0bb5ae21-9a2c-4c9e-8f0c-6a1c2d3e4f50"
BOUNDARY: Final = "border"
FORM: Final = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}


def make_part(content: bytes, *, name: str = "file", filename: str = "") -> bytes:
    """Write one part of a form."""
    head = f'Content-Disposition: form-data; name="{name}"; filename="{filename or sha1(content)}"'
    return f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + content + b"\r\n"


def make_form(*parts: bytes) -> bytes:
    """Write a form."""
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


async def count_chunks(server: Server) -> int:
    """Count the chunks of all tokens of the project."""
    query = text(
        "select count(*) from upload_chunks"
        " where token_id in (select id from api_tokens where project_id = :project_id)"
    )
    async with server.database.reading() as connection:
        count: int = (await connection.scalars(query, {"project_id": server.app.id})).one()
    return count


def open_sample(name: str) -> bytes:
    """Read a hostile file; large ones are packed in the repository."""
    path = HOSTILE / name
    return (
        path.read_bytes()
        if path.exists()
        else lzma.decompress((HOSTILE / f"{name}.xz").read_bytes())
    )


BOMB: Final = gzip.compress(bytes(CHUNK_BYTES + 1))
BROKEN_FORMS: Final = {
    "another checksum": (make_form(make_part(b"x", filename="0" * 40)), 400),
    "no checksum": (make_form(make_part(b"x", filename="../../etc/passwd")), 400),
    "another field": (make_form(make_part(b"x", name="body")), 400),
    "no gzip": (make_form(make_part(b"x" * 100, name="file_gzip")), 400),
    "half a gzip": (
        make_form(make_part(gzip.compress(b"x")[:-3], name="file_gzip", filename=sha1(b"x"))), 400,
    ),
    "something after gzip": (
        make_form(make_part(gzip.compress(b"x") + b"y", name="file_gzip", filename=sha1(b"x"))),
        400,
    ),
    "a bomb": (
        make_form(make_part(BOMB, name="file_gzip", filename=sha1(bytes(CHUNK_BYTES + 1)))), 413,
    ),
    "a large chunk": (make_form(make_part(bytes(CHUNK_BYTES + 1))), 413),
    "too many chunks": (make_form(*(make_part(b"%d" % n) for n in range(65))), 413),
    "no end": (make_part(b"x"), 400),
    "no form": (b"x" * 100, 400),
    "long head": (make_form(make_part(b"x", filename="a" * 5_000)), 400),
    "nothing": (b"", 400),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN_FORMS)
async def test_broken_chunks_are_refused(tenant: Server, fault: str):
    """A chunk that is not what it says is refused, and nothing of it is stored."""
    body, status = BROKEN_FORMS[fault]
    async with project_builder(tenant) as client:
        answer = await client.post(CHUNKS, content=body, headers=FORM)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]
    assert await count_chunks(tenant) == 0


async def test_a_request_that_breaks_off_leaves_its_whole_chunks(tenant: Server):
    """An upload goes on with the chunk that was not whole, as sentry-cli asks what is missing."""
    chunks = [random.Random(seed).randbytes(600_000) for seed in (1, 2)]
    form = make_form(*map(make_part, chunks))
    question = {sha1(b"".join(chunks)): {"name": "x", "chunks": [sha1(each) for each in chunks]}}
    async with project_builder(tenant) as client:
        answer = await client.post(CHUNKS, content=form[:900_000], headers=FORM)
        assert answer.status_code == 400
        (state,) = (await assemble(client, tenant.app.id, question)).values()
    assert state["missingChunks"] == [sha1(chunks[1])]


@pytest.mark.parametrize("kind", ["", "application/json", "multipart/form-data", "multipart/mixed"])
async def test_bodies_that_are_no_forms_are_refused(tenant: Server, kind: str):
    """Chunks come in a form with a boundary, and in nothing else."""
    async with project_builder(tenant) as client:
        headers = {"content-type": kind} if kind else {}
        answer = await client.post(CHUNKS, content=make_form(make_part(b"x")), headers=headers)
    assert answer.status_code == 400


async def test_a_body_over_the_limit_is_refused(tenant: Server, monkeypatch: pytest.MonkeyPatch):
    """A request may have so many bytes, whether they are chunks or not."""
    form = make_form(make_part(b"x"))
    async with project_builder(tenant) as client:
        monkeypatch.setattr(receive_chunks, "FORM_BYTES", len(form))
        assert (await client.post(CHUNKS, content=form, headers=FORM)).status_code == 200
        monkeypatch.setattr(receive_chunks, "FORM_BYTES", len(form) - 1)
        assert (await client.post(CHUNKS, content=form, headers=FORM)).status_code == 413


async def test_a_token_has_so_many_loose_chunks(tenant: Server, monkeypatch: pytest.MonkeyPatch):
    """Chunks of which no file is made fill the storage up to a limit; sentry-cli tries again."""
    async with project_builder(tenant) as client:
        assert (await send_chunks(client, [b"some bytes"])).status_code == 200
        monkeypatch.setattr(receive_chunks, "LOOSE_BYTES", len(b"some bytes"))
        answer = await send_chunks(client, [b"more"])
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        monkeypatch.setattr(receive_chunks, "LOOSE_BYTES", 1_000)
        monkeypatch.setattr(counting, "MOST_CONCURRENT", 0)
        assert (await send_chunks(client, [b"more"])).status_code == 503


ONE: Final = sha1(b"1")
ODD_QUESTIONS: Final[dict[str, Any]] = {
    "no SHA-1": {"../x": {"name": "x", "chunks": [ONE]}},
    "no object": {ONE: "x"},
    "no name": {ONE: {"chunks": [ONE]}},
    "a long name": {ONE: {"name": "x" * 1_000_000, "chunks": [ONE]}},
    "NUL in the name": {ONE: {"name": "x\0", "chunks": [ONE]}},
    "no debug id": {ONE: {"name": "x", "debug_id": "../../x", "chunks": [ONE]}},
    "a number as debug id": {ONE: {"name": "x", "debug_id": 5, "chunks": [ONE]}},
    "no chunks": {ONE: {"name": "x", "chunks": []}},
    "chunks are missing": {ONE: {"name": "x"}},
    "a chunk that is no SHA-1": {ONE: {"name": "x", "chunks": ["x"]}},
    "numbers as chunks": {ONE: {"name": "x", "chunks": [1]}},
    "too many chunks": {ONE: {"name": "x", "chunks": [ONE] * 5_000}},
}


@pytest.mark.parametrize("fault", ODD_QUESTIONS)
async def test_odd_questions_are_errors_of_their_files(tenant: Server, fault: str):
    """A file that cannot be read about is an error of its own; the others are answered."""
    good = ask(b"nobody has this " + fault.encode())
    async with project_builder(tenant) as client:
        answers = await assemble(client, tenant.app.id, {**good, **ODD_QUESTIONS[fault]})
    (odd,) = ODD_QUESTIONS[fault]
    assert answers[odd]["state"] == "error"
    assert 0 < len(answers[odd]["detail"]) < 500
    assert [answers[key]["state"] for key in good] == ["not_found"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[]", 400),
        (b"{", 400),
        (b'{"a":' * 100 + b"1" + b"}" * 100, 400),
        (
            json.dumps({f"{n:040x}": {"name": "x", "chunks": [ONE]} for n in range(513)}).encode(),
            400,
        ),
        (json.dumps({ONE: {"name": "x", "chunks": [ONE] * 100_000}}).encode(), 413),
        (
            json.dumps(
                {f"{n:040x}": {"name": "x", "chunks": [ONE] * 4_000} for n in range(9)}
            ).encode(),
            400,
        ),
    ],
    ids=["a list", "half", "deep", "513 files", "a huge body", "many chunks in all"],
)  # fmt: skip
async def test_requests_that_ask_too_much_are_refused(tenant: Server, body: bytes, status: int):
    """A request that no build would send is refused as a whole."""
    async with project_builder(tenant) as client:
        answer = await client.post(
            f"/api/0/projects/x/{tenant.app.id}/files/difs/assemble/", content=body
        )
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]


async def test_chunks_that_make_another_file_are_an_error(tenant: Server):
    """The SHA-1 of the whole file is compared, too."""
    async with project_builder(tenant) as client:
        await send_chunks(client, [MAPPING])
        question = {ONE: {"name": "/proguard/x.txt", "chunks": [sha1(MAPPING)]}}
        answer = (await assemble(client, tenant.app.id, question))[ONE]
    assert answer["state"] == "error"
    assert "SHA-1" in answer["detail"]


async def test_many_who_ask_at_once_make_one_file(tenant: Server):
    """Build jobs that upload the same file at the same moment share one."""
    content = MAPPING + b"com.acme.Once -> z.z:\n"
    async with project_builder(tenant) as client:
        await send_chunks(client, [content])
        answers = await asyncio.gather(
            *(assemble(client, tenant.app.id, ask(content)) for _ in range(6))
        )
        assert {answer[sha1(content)]["state"] for answer in answers} <= {"ok", "assembling"}
        last = (await assemble(client, tenant.app.id, ask(content)))[sha1(content)]
    assert last["state"] == "ok"
    async with tenant.database.reading() as connection:
        files = await queries.find_files_by_sha1(connection, tenant.app.id, [sha1(content)])
    assert len(files[sha1(content)]) == 1


def wrap_map(content: bytes) -> bytes:
    """Put a source map into a bundle, as sentry-cli does."""
    manifest = {
        "files": {
            "files/_/_/a.js": {
                "type": "minified_source", "url": "~/a.js", "headers": {"debug-id": DEBUG_ID},
            },
            "files/_/_/a.js.map": {
                "type": "source_map", "url": "~/a.js.map", "headers": {"debug-id": DEBUG_ID},
            },
        }
    }  # fmt: skip
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("files/_/_/a.js", "a()")
        archive.writestr("files/_/_/a.js.map", content)
        archive.writestr("manifest.json", json.dumps(manifest))
    return b"SYSB\2\0\0\0" + packed.getvalue()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["file"])
async def test_hostile_files_are_errors_or_harmless(tenant: Server, case: dict[str, Any]):
    """Files that lie or burst are answered like others, and the server goes on."""
    content = open_sample(case["file"])
    async with project_builder(tenant) as client:
        match case["kind"]:
            case "artifact_bundle":
                answer = await upload_bundle(client, tenant.app.id, content=content, version="1.0")
            case "source_map":
                answer = await upload_bundle(client, tenant.app.id, content=wrap_map(content))
            case "dart_symbol_map":
                name = "dartsymbolmap.json"
                answer = await upload(client, tenant.app.id, content, name=name, debug_id=DEBUG_ID)
            case "debug_file":
                answer = await upload(client, tenant.app.id, content, name=case["file"])
            case _:
                answer = await upload(client, tenant.app.id, content)
        if case["expect"].endswith("nothing stored"):
            assert answer["state"] == "error", answer
        assert answer["state"] in {"ok", "error"}
        if answer["state"] == "error":
            assert 0 < len(answer["detail"]) < 1_000
            async with tenant.database.reading() as connection:
                checksums = [sha1(content), sha1(wrap_map(content))]
                assert not await queries.find_files_by_sha1(connection, tenant.app.id, checksums)
        assert (await client.get("/api/0/")).status_code == 200


@pytest.mark.parametrize("release", ["..", ".", "a\nb", "x" * 1_000, "\0"])
async def test_odd_releases_of_bundles_are_errors(tenant: Server, release: str):
    """A release that no page could name is an error in the build log."""
    async with project_builder(tenant) as client:
        answer = await upload_bundle(
            client, tenant.app.id, content=wrap_map(b"{}"), version=release
        )
    assert answer["state"] == "error"


async def send_archive(
    client: httpx2.AsyncClient, project: object, content: bytes
) -> httpx2.Response:
    """Upload a ZIP as sentry-cli 2.x does."""
    return await client.post(
        f"/api/0/projects/x/{project}/files/dsyms/", files=[("file", ("dsyms.zip", content))]
    )


def make_archive(**entries: bytes) -> bytes:
    """Make a ZIP of mappings."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(f"proguard/{name}.txt", content)
    return packed.getvalue()


async def test_an_archive_of_old_clients_names_what_is_broken(tenant: Server):
    """A broken mapping in an archive is an error with its name; the good ones are kept."""
    good = MAPPING + b"com.acme.InArchive -> y.y:\n"
    ids = [str(uuid.UUID(int=number)) for number in (7, 8)]
    async with project_builder(tenant) as client:
        broken = make_archive(**{ids[0]: good, ids[1]: b"no mapping\n"})
        answer = await send_archive(client, tenant.app.id, broken)
        assert answer.status_code == 400
        assert ids[1] in answer.json()["detail"]
        answer = await send_archive(client, tenant.app.id, make_archive(**{ids[0]: good}))
        assert (answer.status_code, answer.json()) == (200, [])
        answer = await send_archive(client, tenant.app.id, make_archive(**{ids[1]: good}))
        assert [each["debugId"] for each in answer.json()] == [ids[1]]


@pytest.mark.parametrize("name", ["bundle-none.zip", "bundle-bomb.zip", "bundle-many.zip"])
async def test_hostile_archives_of_old_clients_are_refused(tenant: Server, name: str):
    """An archive that bursts, or has nothing in it, is refused."""
    async with project_builder(tenant) as client:
        answer = await send_archive(client, tenant.app.id, open_sample(name))
        assert answer.status_code in {400, 413}
        assert answer.json()["detail"]
        no_file = await client.post(
            f"/api/0/projects/x/{tenant.app.id}/files/dsyms/", files=[("body", ("x", b"x"))]
        )
        assert no_file.status_code == 400


async def test_so_many_archives_are_taken_at_once(tenant: Server, monkeypatch: pytest.MonkeyPatch):
    """Beyond them sentry-cli is told to come again."""
    async with project_builder(tenant) as client:
        monkeypatch.setattr(counting, "MOST_ARCHIVES", 0)
        answer = await send_archive(client, tenant.app.id, make_archive(a=MAPPING))
        assert answer.status_code == 503
        assert answer.headers["retry-after"]


async def test_requests_of_a_token_count_until_they_are_answered(
    tenant: Server, monkeypatch: pytest.MonkeyPatch
):
    """A token may have so many open; those that were answered, well or not, do not count."""
    monkeypatch.setattr(rates, "MOST_OF_A_TOKEN", 1)
    async with project_builder(tenant) as client:
        for _ in range(2):
            assert (await send_chunks(client, [b"some bytes"])).status_code == 200
            assert (await client.get("/api/0/projects/playhead/none/releases/")).status_code == 404
        monkeypatch.setattr(rates, "MOST_OF_A_TOKEN", 0)
        assert (await send_chunks(client, [b"some bytes"])).status_code == 503
