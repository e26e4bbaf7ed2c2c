"""Each folder of the samples, with its event before the upload and after it: both end alike."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import httpx2
import pytest
import pytest_asyncio
from sqlalchemy import text

from app.core.ids import ProjectId
from app.symbolication.model import unpack_symbolicated
from tests.support.builders import envelopes
from tests.support.builders.api_tokens import project_builder
from tests.support.builders.uploads import send_chunks, sha1, split, upload
from tests.support.clear_events import read_rows, redo, stopped_worker
from tests.support.recorded.debug_samples import (
    DEBUG_SAMPLES,
    load_expectation,
    load_sample_event,
    read_debug_sample,
)
from tests.support.recorded.sample_frames import list_differences
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

type Upload = Callable[[httpx2.AsyncClient, ProjectId], Awaitable[None]]
RELEASE: Final = "com.acme.shop@2.4.0+240"
TITLES: Final = {
    "proguard": "IllegalStateException: checkout failed",
    "r8": "CheckoutFailure: could not pay",
    "elf-arm64": "shop::line_total: Segfault",
    "elf-arm32": "shop::line_total: Segfault",
    "macho-dsym": "EXC_BAD_ACCESS: Attempted to dereference null pointer.",
    "dart": "PaymentDeclinedException: Instance of 'PaymentDeclinedException'",
    "hermes": "PaymentDeclined: declined: limit 143",
    "web": "PaymentDeclined: declined: limit 143",
}


def file_upload(path: str, **more: Any) -> Upload:
    """Upload one file of the samples by `difs/assemble`."""

    async def send(client: httpx2.AsyncClient, project_id: ProjectId) -> None:
        answer = await upload(client, project_id, read_debug_sample(path), **more)
        assert answer["state"] == "ok", answer

    return send


def bundle_upload(path: str, **more: Any) -> Upload:
    """Upload an artifact bundle of the samples by `artifactbundle/assemble`."""

    async def send(client: httpx2.AsyncClient, project_id: ProjectId) -> None:
        content = read_debug_sample(path)
        question = {
            "checksum": sha1(content),
            "chunks": [sha1(chunk) for chunk in split(content)],
            "projects": [project_id],
            **more,
        }
        await send_chunks(client, split(content))
        answer = await client.post(
            "/api/0/organizations/playhead/artifactbundle/assemble/", json=question
        )
        assert answer.json()["state"] == "ok", answer.text

    return send


def native_upload(path: str, debug_id: str) -> Upload:
    """Upload a native file."""
    return file_upload(path, name=path.rpartition("/")[2], debug_id=debug_id)


UPLOADS: Final[dict[str, list[Upload]]] = {
    "proguard": [
        file_upload("proguard/mapping.txt"),
        *(
            native_upload(f"proguard/sources/{path.name}", "7d0e0650-6104-56e8-a7fe-020b7f400ca5")
            for path in (DEBUG_SAMPLES / "proguard" / "sources").iterdir()
        ),
    ],
    "r8": [file_upload("r8/mapping.txt")],
    "elf-arm64": [
        native_upload("elf-arm64/debug/libshop.so", "f8da01d5-9310-740f-7bd8-047945a69039")
    ],
    "elf-arm32": [
        native_upload("elf-arm32/companion/libshop.so.dbg", "3c0f8992-49ee-951d-1511-994d4172e4c1")
    ],
    "macho-dsym": [
        native_upload(
            "macho-dsym/Shop.framework.dSYM/Contents/Resources/DWARF/Shop",
            "4c4c4443-5555-3144-a167-f95fdee66afa",
        )
    ],
    "dart": [
        native_upload("dart/app.android-arm64.symbols", "ce967c90-1ccd-75c8-6d9b-5eecbe286c9a"),
        native_upload("dart/dartsymbolmap.json", "ce967c90-1ccd-75c8-6d9b-5eecbe286c9a"),
    ],
    "hermes": [
        bundle_upload("hermes/uploaded/artifact-bundle.zip", version=RELEASE, dist="240"),
    ],
    "web": [bundle_upload("web/uploaded/artifact-bundle.zip")],
}


async def upload_folder(server: Server, folder: str) -> None:
    """Upload the debug files of a folder to the project `app` of a server."""
    async with project_builder(server, project_id=server.app.id) as client:
        for send in UPLOADS[folder]:
            await send(client, server.app.id)


async def read_answer(server: Server, event_id: str) -> dict[str, Any]:
    """Read an event in Sentry's shape."""
    async with project_builder(server, project_id=server.app.id) as client:
        path = f"/api/0/projects/playhead/{server.app.id}/events/{event_id}/"
        answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def make_envelope(event: dict[str, Any]) -> bytes:
    """Make the envelope of an event as it is."""
    header = envelopes.envelope_header(event_id=event["event_id"], replay_id=None, trace_id=None)
    return envelopes.envelope(header, envelopes.item("event", json.dumps(event).encode()))


async def read_end(server: Server, folder: str, event_id: str) -> dict[str, Any]:
    """Return the stored frames, title and issue of an event that must be clear now."""
    answer = await read_answer(server, event_id)
    assert list_differences(answer, load_expectation(folder)) == []
    async with server.database.reading() as connection:
        row = (
            await connection.execute(
                text("select * from events where project_id = :id and event_id = :event"),
                {"id": server.app.id, "event": event_id},
            )
        ).one()
    symbolicated = unpack_symbolicated(row.symbolicated)
    assert not symbolicated.is_pending
    (issue,) = await read_rows(server, "issues")
    assert (issue["events"], issue["title"]) == (1, row.title)
    return {
        "members": symbolicated.members,
        "missing": symbolicated.missing,
        "title": row.title,
        "culprit": row.culprit,
        "type": row.exception_type,
        "issue": issue["issue_id"],
        "page": answer["title"],
    }


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def _stopped_worker(tenant: Server) -> AsyncIterator[None]:
    """Let no worker work but the one that a test calls."""
    async with stopped_worker(tenant):
        yield


@pytest.mark.parametrize("folder", UPLOADS)
async def test_both_orders_end_in_the_same_frames(tenant: Server, folder: str):
    """Frames, titles and issue are those that the sample expects, in either order."""
    before, after = tenant, tenant.of(tenant.backend)
    event = load_sample_event(folder)
    event_id = event["event_id"]
    await before.take(make_envelope(event))
    await redo(before)  # on a busy machine digest may have left it to the worker
    answer = await read_answer(before, event_id)
    expectation = load_expectation(folder)
    missing = [row["debug_id"] for row in await read_rows(before, "missing_files")]
    assert set(missing) >= {
        wanted["id"] for wanted in expectation["missing_before"] if wanted["type"] != "jvm"
    }
    assert list_differences(answer, expectation) != []
    await upload_folder(before, folder)
    await redo(before)
    await upload_folder(after, folder)
    await after.take(make_envelope(event))
    await redo(after)
    end = await read_end(before, folder, event_id)
    assert end == await read_end(after, folder, event_id)
    assert end["title"] == TITLES[folder]


@pytest.mark.parametrize("is_reversed", [False, True])
@pytest.mark.parametrize("folder", ["dart", "proguard"])
async def test_files_may_come_one_after_another(tenant: Server, folder: str, *, is_reversed: bool):
    """The first file does not make an event so clear that the second comes too late."""
    event = load_sample_event(folder)
    await tenant.take(make_envelope(event))
    for send in reversed(UPLOADS[folder]) if is_reversed else UPLOADS[folder]:
        async with project_builder(tenant, project_id=tenant.app.id) as client:
            await send(client, tenant.app.id)
        await redo(tenant)
    end = await read_end(tenant, folder, event["event_id"])
    assert end["title"] == TITLES[folder]


@pytest.mark.parametrize("is_first", [True, False])
async def test_scripts_without_debug_ids_are_found_by_release(tenant: Server, *, is_first: bool):
    """An event that names no debug ids is found by its release, dist and the name of the script."""
    event = load_sample_event("hermes")
    del event["debug_meta"]
    if is_first:
        await tenant.take(make_envelope(event))
        await upload_folder(tenant, "hermes")
    else:
        await upload_folder(tenant, "hermes")
        await tenant.service.shared.symbolication.scripts.work()
        await tenant.take(make_envelope(event))
    await redo(tenant)
    assert (await read_end(tenant, "hermes", event["event_id"]))["missing"] == ()


@pytest.mark.parametrize("name", ["event-tombstone.json", "event-anr.json"])
async def test_other_dumps_of_native_code_are_clear_in_both_orders(tenant: Server, name: str):
    """A tombstone and a dump of all threads end alike, whichever came first."""
    before, after = tenant, tenant.of(tenant.backend)
    event = load_sample_event("elf-arm64", name)
    await before.take(make_envelope(event))
    await upload_folder(before, "elf-arm64")
    await redo(before)
    await upload_folder(after, "elf-arm64")
    await after.take(make_envelope(event))
    await redo(after)
    rows = [(await read_rows(server, "events"))[0] for server in (before, after)]
    ends = [unpack_symbolicated(row["symbolicated"]) for row in rows]
    assert ends[0].members == ends[1].members
    assert ends[0].is_changed
    assert rows[0]["issue_id"] == rows[1]["issue_id"]
