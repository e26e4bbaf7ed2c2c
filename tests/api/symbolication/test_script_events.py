"""Crashes of React Native, web and Flutter apps: in both orders of event and upload, readable."""

import copy
import json
from typing import Any

import httpx2
import pytest

from app.symbolication.script_projects import ScriptProjects
from tests.support.builders import envelopes
from tests.support.builders.api_tokens import project_builder
from tests.support.builders.uploads import send_chunks, sha1, upload
from tests.support.clear_events import read_event, read_rows, redo
from tests.support.recorded.debug_samples import (
    load_expectation,
    load_sample_event,
    read_debug_sample,
)
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

DART_ID = "ce967c90-1ccd-75c8-6d9b-5eecbe286c9a"
SYMBOLS = "app.android-arm64.symbols"


async def upload_bundle(
    client: httpx2.AsyncClient, project: object, content: bytes, **release: str
) -> None:
    """Upload a bundle of scripts as sentry-cli does."""
    question = {"checksum": sha1(content), "chunks": [sha1(content)], "projects": [str(project)]}
    assert (await send_chunks(client, [content])).status_code == 200
    path = "/api/0/organizations/playhead/artifactbundle/assemble/"
    answer = (await client.post(path, json=question | release)).json()
    assert answer["state"] in {"ok", "created"}, answer


async def upload_files(server: Server, folder: str) -> None:
    """Upload the debug files of a sample as its commands do."""
    async with project_builder(server) as client:
        if folder == "dart":
            symbols = read_debug_sample(f"dart/{SYMBOLS}")
            names = read_debug_sample("dart/dartsymbolmap.json")
            for name, content in ((SYMBOLS, symbols), ("dartsymbolmap.json", names)):
                answer = await upload(client, server.app.id, content, name=name, debug_id=DART_ID)
                assert answer["state"] == "ok", answer
            return
        content = read_debug_sample(f"{folder}/uploaded/artifact-bundle.zip")
        event = load_sample_event(folder)
        release = {"version": event["release"], "dist": event["dist"]} if folder == "hermes" else {}
        await upload_bundle(client, server.app.id, content, **release)


async def send(server: Server, event: dict[str, Any]) -> None:
    """Send an event as an SDK does."""
    header = envelopes.envelope_header(event_id=event["event_id"], replay_id=None, trace_id=None)
    payload = json.dumps(event).encode()
    await server.take(envelopes.envelope(header, envelopes.item("event", payload)))


async def read_answer(server: Server, event_id: str) -> dict[str, Any]:
    """Read an event as build tools do, in Sentry's shape."""
    async with project_builder(server) as client:
        path = f"/api/0/projects/playhead/{server.app.id}/events/{event_id}/"
        answer = await client.get(path)
        assert answer.status_code == 200, answer.text
        event: dict[str, Any] = answer.json()
        return event


def compare_event(answer: dict[str, Any], expectation: dict[str, Any]) -> None:
    """Compare an event in Sentry's shape with what a sample says must come out."""
    thrown = expectation["exceptions"][-1]
    assert answer["title"] == f"{thrown['type']}: {thrown['value']}"
    [entry] = [entry for entry in answer["entries"] if entry["type"] == "exception"]
    for value, wanted in zip(entry["data"]["values"], expectation["exceptions"], strict=True):
        assert value["type"] == wanted["type"]
        frames = value["stacktrace"]["frames"]
        for frame, wanted_frame in zip(frames, wanted["frames"], strict=True):
            keys = {"function": "function", "lineNo": "lineno", "colNo": "colno", "inApp": "in_app"}
            if not wanted_frame.get("abs_path", "").startswith("<"):
                keys["filename"] = "filename"
            for name, key in keys.items():
                if key in wanted_frame:
                    assert frame[name] == wanted_frame[key], (name, frame)
            lines = dict(frame["context"])
            assert lines.get(frame["lineNo"]) == wanted_frame.get("context_line")


async def know_scripts(server: Server) -> None:
    """Let digest learn which projects have scripts of releases, which it does every 20 s."""
    has_scripts = server.service.shared.symbolication.for_batches.has_scripts
    projects = getattr(has_scripts, "__self__", None)
    assert isinstance(projects, ScriptProjects)
    await projects.work()


@pytest.mark.parametrize("is_file_first", [True, False], ids=["file first", "event first"])
@pytest.mark.parametrize("folder", ["hermes", "web", "dart"])
async def test_a_crash_is_readable_in_both_orders(tenant: Server, folder: str, is_file_first: bool):
    """Frames, titles and lines of code are those that the sample expects, in one issue."""
    event, expectation = load_sample_event(folder), load_expectation(folder)
    if is_file_first:
        await upload_files(tenant, folder)
        await send(tenant, event)
    else:
        await send(tenant, event)
        await redo(tenant)  # on a busy machine digest may have left it to the worker
        (missing,) = await read_rows(tenant, "missing_files")
        assert missing["debug_id"] == expectation["missing_before"][0]["id"]
        await upload_files(tenant, folder)
    await redo(tenant)
    compare_event(await read_answer(tenant, event["event_id"]), expectation)
    assert {row["kind"] for row in await read_rows(tenant, "missing_files")} <= {"companion"}
    (issue,) = await read_rows(tenant, "issues")
    assert issue["events"] == 1
    stored = await read_event(tenant, event["event_id"])
    second = copy.deepcopy(event) | {"event_id": "ee" * 16}
    await send(tenant, second)
    await redo(tenant)
    (issue,) = await read_rows(tenant, "issues")
    assert issue["events"] == 2
    assert stored["title"] == issue["title"]


@pytest.mark.parametrize("is_file_first", [True, False], ids=["file first", "event first"])
async def test_a_script_without_a_debug_id_is_found_by_its_release(
    tenant: Server, is_file_first: bool
):
    """Old versions of React Native send none: release, distribution and address are enough."""
    event = load_sample_event("hermes")
    del event["debug_meta"]
    if is_file_first:
        await upload_files(tenant, "hermes")
        await know_scripts(tenant)
        await send(tenant, event)
    else:
        await send(tenant, event)
        await upload_files(tenant, "hermes")
        await know_scripts(tenant)
    await redo(tenant)
    compare_event(await read_answer(tenant, event["event_id"]), load_expectation("hermes"))


async def test_a_script_of_another_distribution_is_not_taken(tenant: Server):
    """Two builds of a release have different code at the same address."""
    await upload_files(tenant, "hermes")
    await know_scripts(tenant)
    event = load_sample_event("hermes") | {"dist": "241", "event_id": "dd" * 16}
    del event["debug_meta"]
    await send(tenant, event)
    await redo(tenant)
    answer = await read_answer(tenant, event["event_id"])
    [entry] = [entry for entry in answer["entries"] if entry["type"] == "exception"]
    frames = entry["data"]["values"][0]["stacktrace"]["frames"]
    assert {frame["filename"] for frame in frames} == {"app:///index.android.bundle", "native"}
