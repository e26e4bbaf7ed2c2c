"""Crashes of Android apps: their mappings come from sentry-cli, their pages are readable."""

import json
from fnmatch import fnmatch
from typing import Any

import pytest

from app.debug_files import queries
from app.formats.events import view_hierarchy
from app.symbolication.cache import CacheKey
from tests.support import html_reader
from tests.support.builders import envelopes
from tests.support.builders.api_tokens import project_builder
from tests.support.builders.uploads import upload
from tests.support.clear_events import redo
from tests.support.html_reader import Element
from tests.support.recorded.debug_samples import (
    load_expectation,
    load_sample_event,
    read_debug_sample,
)
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

R8_ID = "03b6e2e8-78ec-54b4-82d3-c88a5947d112"
PROGUARD_ID = "d9eda8d5-d1d0-5d91-93b5-2943d1938566"
SOURCES_ID = "7d0e0650-6104-56e8-a7fe-020b7f400ca5"
SOURCES = f"proguard/sources/{SOURCES_ID}.zip"


FILES = {"r8": ["r8/mapping.txt"], "proguard": ["proguard/mapping.txt", SOURCES]}


async def upload_files(server: Server, folder: str) -> None:
    """Upload the debug files of a sample as sentry-cli does."""
    async with project_builder(server) as client:
        for name in FILES[folder]:
            more = {"name": "sources.zip", "debug_id": SOURCES_ID} if name == SOURCES else {}
            answer = await upload(client, server.app.id, read_debug_sample(name), **more)
            assert answer["state"] == "ok"


async def fetch_files(server: Server) -> None:
    """Have the files of the project where digest finds them, as after the first event."""
    cache = server.service.shared.symbolication.cache
    async with server.database.reading() as connection:
        parts = await queries.find_parts(
            connection, server.app.id, [R8_ID, PROGUARD_ID, SOURCES_ID]
        )
    for part in [part for found in parts.values() for part in found]:
        key = CacheKey(server.app.id, part.file_id, part.object_name)
        assert await cache.fetch(key) is not None


def make_envelope(event: dict[str, Any], hierarchy: bytes) -> bytes:
    """Make the envelope of an event with a view hierarchy."""
    file = envelopes.item(
        "attachment",
        hierarchy,
        filename="view-hierarchy.json",
        content_type="application/json",
        attachment_type="event.view_hierarchy",
    )
    header = envelopes.envelope_header(event_id=event["event_id"], replay_id=None, trace_id=None)
    payload = json.dumps(event).encode()
    return envelopes.envelope(header, envelopes.item("event", payload), file)


def list_views(page: Element) -> list[str]:
    """Return the classes of the views on the page of an event."""
    return [code.text for code in page.one("ul", class_="views").all("code")]


@pytest.mark.parametrize("is_file_first", [True, False], ids=["file first", "event first"])
@pytest.mark.parametrize("folder", ["r8", "proguard"])
async def test_a_crash_is_readable_in_both_orders(tenant: Server, folder: str, is_file_first: bool):
    """Frames, types, lines of code and views are those that the sample expects."""
    event, expectation = load_sample_event(folder), load_expectation(folder)
    envelope = make_envelope(event, read_debug_sample("r8/view-hierarchy.json"))
    if is_file_first:
        await upload_files(tenant, folder)
        await fetch_files(tenant)
        await tenant.take(envelope)
    else:
        await tenant.take(envelope)
        await upload_files(tenant, folder)
    await redo(tenant)  # also first: on a busy machine digest may leave it to the worker
    async with project_builder(tenant) as client:
        path = f"/api/0/projects/playhead/{tenant.app.id}/events/{event['event_id']}/"
        answer = (await client.get(path)).json()
    thrown = expectation["exceptions"][-1]
    assert answer["title"] == f"{thrown['type']}: {thrown['value']}"
    [entry] = [entry for entry in answer["entries"] if entry["type"] == "exception"]
    for value, wanted in zip(entry["data"]["values"], expectation["exceptions"], strict=True):
        assert (value["type"], value["module"]) == (wanted["type"], wanted["module"])
        frames = value["stacktrace"]["frames"]
        for frame, wanted_frame in zip(frames, wanted["frames"], strict=True):
            for name, key in (("module", "module"), ("function", "function"), ("lineNo", "lineno")):
                assert frame[name] == wanted_frame[key]
            assert fnmatch(frame["filename"], wanted_frame["filename"])
            lines = dict(frame["context"])
            assert lines.get(frame["lineNo"]) == wanted_frame.get("context_line")
    page_path = f"/projects/{tenant.app.id}/events/{event['event_id']}"
    page = html_reader.parse_page((await tenant.web.get(page_path, follow_redirects=True)).text)
    assert ("com.acme.shop.ui.widget.PriceView" in list_views(page)) is (folder == "r8")


async def test_views_are_readable_and_as_sent(tenant: Server):
    """Page and download have the clear names of the classes; one click away are those sent."""
    await upload_files(tenant, "r8")
    await fetch_files(tenant)
    event, hierarchy = load_sample_event("r8"), read_debug_sample("r8/view-hierarchy.json")
    await tenant.take(make_envelope(event, hierarchy))
    path = f"/projects/{tenant.app.id}/events/{event['event_id']}"
    found = await tenant.web.get(path, follow_redirects=True)
    page = html_reader.parse_page(found.text)
    assert list_views(page) == load_expectation("r8")["view_hierarchy_types"]
    readable, sent = page.one("ul", class_="event-files").all("a")
    assert sent.text == "As sent"
    assert (await tenant.web.get(sent["href"])).content == hierarchy
    answer = await tenant.web.get(readable["href"])
    assert answer.headers["content-disposition"] == "attachment"
    types = view_hierarchy.list_view_types(answer.json())
    assert types == set(load_expectation("r8")["view_hierarchy_types"])
    as_sent = await tenant.web.get(f"{found.url.path}?stack=sent")
    assert set(list_views(html_reader.parse_page(as_sent.text))) == (
        view_hierarchy.list_view_types(json.loads(hierarchy))
    )
    other = await tenant.web.get(f"{path}/files/0?version=other")
    assert other.content == hierarchy
