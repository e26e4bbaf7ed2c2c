"""Crashes of native code: debug files come from sentry-cli, and their pages are readable."""

import json
from typing import Any

import pytest

from app.symbolication.model import unpack_symbolicated
from tests.support.builders import envelopes
from tests.support.builders.api_tokens import project_builder
from tests.support.builders.debug_objects import native_source_bundle
from tests.support.builders.uploads import upload
from tests.support.clear_events import read_event, redo
from tests.support.recorded.debug_samples import (
    load_expectation,
    load_sample_event,
    read_debug_sample,
)
from tests.support.servers.server import Server
from tests.support.waiting import until_asked

pytestmark = pytest.mark.asyncio(loop_scope="session")

FILES = {
    "elf-arm64": ("elf-arm64/debug/libshop.so", "f8da01d5-9310-740f-7bd8-047945a69039"),
    "elf-arm32": ("elf-arm32/companion/libshop.so.dbg", "3c0f8992-49ee-951d-1511-994d4172e4c1"),
    "macho-dsym": (
        "macho-dsym/Shop.framework.dSYM/Contents/Resources/DWARF/Shop",
        "4c4c4443-5555-3144-a167-f95fdee66afa",
    ),
    "dart": ("dart/app.android-arm64.symbols", "ce967c90-1ccd-75c8-6d9b-5eecbe286c9a"),
}


async def upload_file(server: Server, folder: str) -> None:
    """Upload the debug file of a sample as sentry-cli does."""
    path, debug_id = FILES[folder]
    name = path.rpartition("/")[2]
    async with project_builder(server) as client:
        answer = await upload(
            client, server.app.id, read_debug_sample(path), name=name, debug_id=debug_id
        )
    assert answer["state"] == "ok", answer


async def take_event(server: Server, event: dict[str, Any]) -> None:
    """Send an event of a sample."""
    header = envelopes.envelope_header(event_id=event["event_id"], replay_id=None, trace_id=None)
    await server.take(
        envelopes.envelope(header, envelopes.item("event", json.dumps(event).encode()))
    )


async def read_answer(server: Server, event: dict[str, Any]) -> dict[str, Any]:
    """Return an event in Sentry's shape."""
    async with project_builder(server) as client:
        path = f"/api/0/projects/playhead/{server.app.id}/events/{event['event_id']}/"
        answer: dict[str, Any] = (await client.get(path)).json()
    return answer


async def redo_event(server: Server, event: dict[str, Any]) -> None:
    """Let workers do an event, whichever has claimed it: that of the server, or this one."""

    async def is_done() -> bool:
        await redo(server)
        row = await read_event(server, event["event_id"])
        return bool(unpack_symbolicated(row["symbolicated"]).used)

    await until_asked(is_done)


def frames_of(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the frames of the only exception."""
    [entry] = [entry for entry in answer["entries"] if entry["type"] == "exception"]
    frames: list[dict[str, Any]] = entry["data"]["values"][0]["stacktrace"]["frames"]
    return frames


@pytest.mark.parametrize("is_file_first", [True, False], ids=["file first", "event first"])
@pytest.mark.parametrize("folder", FILES)
async def test_a_crash_is_readable_in_both_orders(tenant: Server, folder: str, is_file_first: bool):
    """Frames are those that the sample expects, whether file or event came first."""
    event, expectation = load_sample_event(folder), load_expectation(folder)
    for step in ("file", "event") if is_file_first else ("event", "file"):
        if step == "file":
            await upload_file(tenant, folder)
        else:
            await take_event(tenant, event)
    await redo_event(tenant, event)
    frames = frames_of(await read_answer(tenant, event))
    expected = expectation["exceptions"][0]["frames"]
    assert len(frames) == len(expected)
    for frame, wanted in zip(frames, expected, strict=True):
        assert frame["inApp"] == wanted["in_app"]
        if not wanted.get("unresolved"):
            assert (frame["function"], frame["lineNo"]) == (wanted["function"], wanted["lineno"])
            assert (frame["filename"], frame["absPath"]) == (wanted["filename"], wanted["abs_path"])


async def test_lines_of_source_code(tenant: Server):
    """The bundle of `--include-sources` gives the lines of code around a frame."""
    event = load_sample_event("elf-arm64")
    debug_id = FILES["elf-arm64"][1]
    source = "\n".join(f"// line {number}" for number in range(1, 41))
    bundle = native_source_bundle(debug_id, {"/home/ci/app/src/main/cpp/cart.cpp": source})
    await upload_file(tenant, "elf-arm64")
    async with project_builder(tenant) as client:
        answer = await upload(
            client, tenant.app.id, bundle, name="libshop.so.src.zip", debug_id=debug_id
        )
    assert answer["state"] == "ok", answer
    await take_event(tenant, event)
    await redo_event(tenant, event)
    frames = frames_of(await read_answer(tenant, event))
    lines = {frame["lineNo"]: dict(frame["context"]) for frame in frames}
    assert lines[31][31] == "// line 31"
    assert sorted(lines[31]) == list(range(26, 37))
    assert lines[4] == {}  # cart.h is not in the bundle


async def test_digest_makes_it_clear_with_files_at_hand(tenant: Server):
    """If the symcache is on this machine, digest itself stores the event clear."""
    await upload_file(tenant, "elf-arm64")
    first, second = load_sample_event("elf-arm64"), load_sample_event("elf-arm64")
    second["event_id"] = "cd" * 16
    await take_event(tenant, first)
    await redo_event(tenant, first)  # fetches the file if it did not come in time
    await take_event(tenant, second)
    row = await read_event(tenant, second["event_id"])
    symbolicated = unpack_symbolicated(row["symbolicated"])
    assert not symbolicated.is_pending
    assert [use.debug_id for use in symbolicated.used] == [FILES["elf-arm64"][1]]
    assert row["culprit"] == "cart.h in shop::line_total"
