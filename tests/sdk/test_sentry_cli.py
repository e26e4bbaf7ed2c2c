"""The unmodified sentry-cli, in three versions, uploads debug files of all kinds."""

import json
import random
import shutil
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from app.api_tokens import writes
from app.api_tokens.model import Scope
from app.api_tokens.secret import make_secret
from app.core import clock
from app.debug_files import queries
from app.debug_files.model import DebugFile, DebugFileKind
from tests.sdk.cli import VERSIONS, BuildServer
from tests.support.builders.uploads import MAPPING, mapping_uuid
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

SAMPLES: Final = Path(__file__).parents[1] / "samples" / "symbolication"


@pytest_asyncio.fixture(params=VERSIONS, loop_scope="session")
async def cli(request, tenant: Server, tmp_path: Path) -> BuildServer:
    """A build server that uploads to the project of the tenant."""
    secret = make_secret(tenant.base_url, now=clock.now())
    async with tenant.database.transaction() as connection:
        await writes.add_token(
            connection,
            secret,
            name="Build server",
            scopes=frozenset(Scope),
            project_id=tenant.app.id,
            made_by=None,
            expires_at=None,
        )
    return BuildServer(request.param, tenant.base_url, str(tenant.app.id), secret, tmp_path)


async def list_files(server: Server, *kinds: DebugFileKind) -> list[DebugFile]:
    """List the debug files of the tenant's project, the newest first."""
    filters = queries.DebugFileFilters(frozenset(kinds))
    async with server.database.reading() as connection:
        return [*(await queries.list_debug_files(connection, server.app.id, filters)).rows]


async def test_a_mapping_is_uploaded(cli: BuildServer, tenant: Server):
    """`upload-proguard` uploads a mapping under its own uuid and under one of the build."""
    mapping = MAPPING + f"com.acme.C{random.random()} -> b.b:\n".encode()
    path = cli.home / "mapping.txt"
    path.write_bytes(mapping)
    run = await cli.run("upload-proguard", path)
    assert run.status == 0, run.output
    forced = "0bb5ae21-9a2c-4c9e-8f0c-6a1c2d3e4f50"
    run = await cli.run("upload-proguard", "--uuid", forced, path)
    assert run.status == 0, run.output
    async with tenant.database.reading() as connection:
        parts = await queries.find_parts(connection, tenant.app.id, [forced, mapping_uuid(mapping)])
    assert len(parts) == 2, run.output


async def test_sources_of_the_jvm_are_uploaded(cli: BuildServer, tenant: Server):
    """`debug-files upload --type jvm` uploads a source bundle."""
    run = await cli.run(
        "debug-files", "upload", "--type", "jvm", "--wait", SAMPLES / "proguard" / "sources"
    )
    assert run.status == 0, run.output
    assert "OK 7d0e0650-6104-56e8-a7fe-020b7f400ca5" in run.output
    (file,) = await list_files(tenant, DebugFileKind.JVM_SOURCE_BUNDLE)
    assert file.features == ("sources",)


async def test_native_files_are_uploaded(cli: BuildServer, tenant: Server):
    """`debug-files upload` uploads ELF files and dSYMs; uploading them again does nothing."""
    folders = (SAMPLES / "elf-arm64" / "debug", SAMPLES / "macho-dsym")
    run = await cli.run("debug-files", "upload", "--wait", *folders)
    assert run.status == 0, run.output
    assert "UPLOADED" not in run.output
    assert run.output.count("OK ") == 2, run.output
    assert "(Shop; arm64 debug companion)" in run.output
    assert "(libshop.so; arm64 library)" in run.output
    kinds = {file.kind for file in await list_files(tenant)}
    assert kinds == {DebugFileKind.ELF, DebugFileKind.MACHO}
    run = await cli.run("debug-files", "upload", *folders)
    assert run.status == 0, run.output
    assert "Nothing to upload, all files are on the server" in run.output


async def test_a_broken_file_is_an_error_in_the_build_log(cli: BuildServer):
    """A mapping that is none makes the command fail, with our sentence."""
    path = cli.home / "mapping.txt"
    path.write_bytes(b"this is no mapping\n" * 20)
    run = await cli.run("upload-proguard", path)
    if cli.version == "3.8":
        assert "no R8 or ProGuard mapping" in run.output
    assert run.status != 0, run.output


async def test_scripts_are_uploaded_for_a_release(cli: BuildServer, tenant: Server):
    """The build of React Native uploads bundle and map of Hermes for a release and its dist."""
    for name in ("index.android.bundle", "index.android.bundle.map"):
        shutil.copy(SAMPLES / "hermes" / name, cli.home)
    release = "com.acme.shop@2.4.0+240"
    options = ("--release", release, "--dist", "240", "--wait")
    run = await cli.run(
        "react-native", "gradle", "--bundle", "index.android.bundle",
        "--sourcemap", "index.android.bundle.map", *options,
    )  # fmt: skip
    assert run.status == 0, run.output
    assert "File processing complete" in run.output
    (file,) = await list_files(tenant, DebugFileKind.ARTIFACT_BUNDLE)
    assert (file.release, file.dist) == (release, "240")
    async with tenant.database.reading() as connection:
        places = await queries.find_artifacts(
            connection, tenant.app.id, release, "240", urls=["~/index.android.bundle"]
        )
    assert [place.file_id for place in places] == [file.file_id]


async def test_scripts_are_uploaded_with_debug_ids(cli: BuildServer, tenant: Server):
    """`sourcemaps inject` and `upload` need no release."""
    folder = cli.home / "dist"
    folder.mkdir()
    (folder / "app.js").write_text("function a(){throw Error()}\n//# sourceMappingURL=app.js.map\n")
    (folder / "app.js.map").write_text(
        '{"version":3,"sources":["app.ts"],"sourcesContent":["function add() {}"],'
        '"names":[],"mappings":"AAAA"}'
    )
    for arguments in (("inject",), ("upload",)):
        run = await cli.run("sourcemaps", *arguments, folder)
        assert run.status == 0, run.output
    (file,) = await list_files(tenant, DebugFileKind.ARTIFACT_BUNDLE)
    debug_id = json.loads((folder / "app.js.map").read_text())
    async with tenant.database.reading() as connection:
        parts = await queries.find_parts(
            connection, tenant.app.id, [debug_id.get("debugId") or debug_id["debug_id"]]
        )
    assert [part.file_id for (part,) in parts.values()] == [file.file_id]


@pytest.mark.parametrize("cli", VERSIONS[1:], indirect=True)
async def test_names_of_dart_are_uploaded(cli: BuildServer, tenant: Server):
    """`dart-symbol-map upload` uploads the names under the debug id of the symbols."""
    run = await cli.run(
        "dart-symbol-map", "upload",
        SAMPLES / "dart" / "dartsymbolmap.json", SAMPLES / "dart" / "app.android-arm64.symbols",
    )  # fmt: skip
    assert run.status == 0, run.output
    (file,) = await list_files(tenant, DebugFileKind.DART_SYMBOL_MAP)
    async with tenant.database.reading() as connection:
        debug_id = "ce967c90-1ccd-75c8-6d9b-5eecbe286c9a"
        (part,) = (await queries.find_parts(connection, tenant.app.id, [debug_id]))[debug_id]
    assert part.file_id == file.file_id
