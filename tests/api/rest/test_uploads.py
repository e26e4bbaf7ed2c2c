"""Tests of uploads in chunks, with requests as sentry-cli sends them."""

import random

import pytest

from app.api_tokens.model import Scope
from app.debug_files import queries
from app.debug_files.model import DebugFileKind
from app.formats.debug_files.mapping.reader import MappingReader
from app.storage import keys
from tests.support.builders.api_tokens import builder, project_builder
from tests.support.builders.uploads import (
    CHUNKS,
    MAPPING,
    ask,
    assemble,
    make_bundle,
    mapping_uuid,
    send_chunks,
    sha1,
    split,
    upload,
    upload_bundle,
)
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


def make_mapping(seed: int, classes: int = 3) -> bytes:
    """Make a mapping that no other test uploads."""
    name = random.Random(seed).randbytes(4).hex()
    lines = [
        f"com.acme.C{name}{number} -> a.{number}:\n    1:1:void m():7:7 -> a\n"
        for number in range(classes)
    ]
    return MAPPING + "".join(lines).encode()


async def read_mapping(server: Server, debug_id: str) -> MappingReader:
    """Open the newest mapping with an id, as symbolication does."""
    async with server.database.reading() as connection:
        parts = (await queries.find_parts(connection, server.app.id, [debug_id]))[debug_id]
    key = keys.make_debug_file_key(server.app.id, parts[0].file_id, parts[0].object_name)
    return MappingReader(await server.service.shared.objects.read(key))


async def test_the_options_tell_limits_that_hold(tenant: Server):
    """sentry-cli learns how large chunks and requests may be, and sends them to a path of ours."""
    async with project_builder(tenant) as client:
        options = (await client.get(CHUNKS)).json()
    assert "/api/0" + options["url"] == CHUNKS
    assert options["chunkSize"] == 8 * 1024 * 1024
    assert options["chunksPerRequest"] == 64
    assert options["maxRequestSize"] == 32 * 1024 * 1024
    assert options["maxFileSize"] == 512 * 1024 * 1024
    assert (options["hashAlgorithm"], options["compression"]) == ("sha1", ["gzip"])
    assert {"proguard", "sources", "artifact_bundles", "dartsymbolmap"} <= {*options["accept"]}


async def test_a_mapping_is_uploaded_in_three_requests(tenant: Server):
    """Missing chunks are named, sent, and put together within the request that asks again."""
    content = make_mapping(1)
    question = ask(content)
    async with project_builder(tenant) as client:
        first = (await assemble(client, tenant.app.id, question))[sha1(content)]
        assert first == {"state": "not_found", "missingChunks": [sha1(content)], "detail": None}
        assert (await send_chunks(client, [content])).status_code == 200
        for _ in range(2):
            answer = (await assemble(client, tenant.app.id, question))[sha1(content)]
            assert (answer["state"], answer["missingChunks"]) == ("ok", [])
            dif = answer["dif"]
            assert dif["debugId"] == dif["uuid"] == mapping_uuid(content)
            assert (dif["cpuName"], dif["objectName"]) == ("any", "proguard-mapping")
            assert (dif["symbolType"], dif["sha1"]) == ("proguard", sha1(content))
            assert dif["data"] == {"features": ["mapping", "lines"]}
    mapping = await read_mapping(tenant, mapping_uuid(content))
    assert b"".join(mapping.read_text()) == content


@pytest.mark.parametrize("is_gzip", [True, False])
async def test_a_file_of_several_chunks_is_put_together_in_order(tenant: Server, is_gzip: bool):
    """Chunks come in any order, in one request or several, packed or not; one may come twice."""
    lines = random.Random(5).randbytes(9_000_000).hex().encode()
    comments = b"".join(b"# %b\n" % lines[start : start + 990] for start in range(0, 10**7, 990))
    content = make_mapping(2 + is_gzip) + comments
    chunks = split(content)
    assert len(chunks) == 2
    question = ask(content)
    async with project_builder(tenant) as client:
        for chunk in (chunks[1], chunks[0], chunks[1]):
            assert (await send_chunks(client, [chunk], is_gzip=is_gzip)).status_code == 200
        answer = (await assemble(client, tenant.app.id, question))[sha1(content)]
        assert answer["state"] == "ok", answer
    mapping = await read_mapping(tenant, mapping_uuid(content))
    assert b"".join(mapping.read_text()) == content


async def test_one_content_may_have_several_ids(tenant: Server):
    """The second uuid of a mapping is not lost, and needs no second upload."""
    content = make_mapping(4)
    other_uuid = "0bb5ae21-9a2c-4c9e-8f0c-6a1c2d3e4f50"
    async with project_builder(tenant) as client:
        assert (await upload(client, tenant.app.id, content))["state"] == "ok"
        again = ask(content, name=f"/proguard/{other_uuid}.txt")
        answer = (await assemble(client, tenant.app.id, again))[sha1(content)]
    assert answer["state"] == "ok"
    assert answer["dif"]["debugId"] == other_uuid
    for debug_id in (mapping_uuid(content), other_uuid):
        assert b"".join((await read_mapping(tenant, debug_id)).read_text()) == content
    async with tenant.database.reading() as connection:
        files = await queries.find_files_by_sha1(connection, tenant.app.id, [sha1(content)])
    assert [file.kind for file in files[sha1(content)]] == [DebugFileKind.PROGUARD]


async def test_many_files_are_answered_one_by_one(tenant: Server):
    """A broken file among good ones is an error of its own, also in its place in the request."""
    good, broken = make_mapping(6), b"no mapping at all\n" * 10
    async with project_builder(tenant) as client:
        assert (await send_chunks(client, [good, broken])).status_code == 200
        question = ask(good) | ask(broken) | {"x": {}} | {sha1(b"y"): {"name": "y", "chunks": []}}
        answers = await assemble(client, tenant.app.id, question)
    assert answers[sha1(good)]["state"] == "ok"
    assert answers[sha1(broken)]["state"] == "error"
    assert "no R8 or ProGuard mapping" in answers[sha1(broken)]["detail"]
    assert "SHA-1" in answers["x"]["detail"] or "name" in answers["x"]["detail"]
    assert "empty" in answers[sha1(b"y")]["detail"]


async def test_chunks_of_another_token_are_not_there(tenant: Server):
    """Nobody learns from a checksum what somebody else has uploaded."""
    content = make_mapping(7)
    async with project_builder(tenant) as client:
        assert (await send_chunks(client, [content])).status_code == 200
    async with project_builder(tenant, project_id=tenant.backend.id) as stranger:
        answer = (await assemble(stranger, tenant.backend.id, ask(content)))[sha1(content)]
        assert (answer["state"], answer["missingChunks"]) == ("not_found", [sha1(content)])
        refused = await stranger.post(
            f"/api/0/projects/x/{tenant.app.id}/files/difs/assemble/", json=ask(content)
        )
        assert refused.status_code == 403


DOORS = (
    ("GET", CHUNKS),
    ("POST", CHUNKS),
    ("POST", "/api/0/projects/playhead/{project}/files/difs/assemble/"),
    ("POST", "/api/0/projects/playhead/{project}/files/dsyms/"),
    ("POST", "/api/0/organizations/playhead/artifactbundle/assemble/"),
)


@pytest.mark.parametrize(("method", "path"), DOORS)
async def test_uploads_need_a_token_with_their_scope(tenant: Server, method: str, path: str):
    """Without a token, with one that only reads, or with one of another project: no upload."""
    address = path.format(project=tenant.app.id)
    body = {"projects": [tenant.app.id]}
    async with builder(tenant, None) as client:
        assert (await client.request(method, address, json=body)).status_code == 401
    async with project_builder(tenant, Scope.PROJECT_READ, Scope.RELEASES) as client:
        answer = await client.request(method, address, json=body)
        assert answer.status_code == 403
        assert "upload" in answer.json()["detail"]
    if "chunk-upload" in path:
        return
    async with project_builder(tenant, project_id=tenant.backend.id) as client:
        assert (await client.request(method, address, json=body)).status_code == 403
    async with project_builder(tenant) as client:
        unknown = path.format(project="no-such-app")
        answer = await client.request(method, unknown, json={"projects": ["no-such-app"]})
        assert answer.status_code == 404


async def test_a_bundle_is_for_each_project_that_it_names(tenant: Server):
    """A token that reaches one project only uploads to that one, and to no other with it."""
    bundle = make_bundle({"~/app.js": "a()"})
    async with project_builder(tenant) as client:
        answer = await client.post(
            DOORS[-1][1],
            json={
                "checksum": sha1(bundle),
                "chunks": [sha1(bundle)],
                "projects": [tenant.app.id, tenant.backend.id],
            },
        )
        assert answer.status_code == 403
        for release, dist in (("1.0", "7"), ("1.0", "8"), ("1.0", "7"), ("2.0", None)):
            more = {"version": release, **({"dist": dist} if dist else {})}
            told = await upload_bundle(client, tenant.app.id, content=bundle, **more)
            assert told["state"] == "ok", told
            async with tenant.database.reading() as connection:
                places = await queries.find_artifacts(
                    connection, tenant.app.id, release, dist or "", urls=["~/app.js"]
                )
            assert [place.artifact.dist for place in places] == [dist or ""]


async def test_files_that_nothing_reads_are_taken(tenant: Server):
    """A symbol map of old Xcodes is answered as taken, since a build must not fail for it."""
    content = b"BCSymbolMap Version: 2.0\n_main\n"
    async with project_builder(tenant) as client:
        answer = await upload(client, tenant.app.id, content, name="a.bcsymbolmap")
        assert (answer["state"], answer["dif"]["objectName"]) == ("ok", "a.bcsymbolmap")
        answer = await upload(client, tenant.app.id, b"BSJB\1\0", name="a.pdb")
        assert answer["state"] == "error"
        assert "portable PDBs" in answer["detail"]
