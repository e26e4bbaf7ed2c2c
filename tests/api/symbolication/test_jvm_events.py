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
from tests.support.html_reader import Element
from tests.support.recorded.debug_samples import (
    load_expectation,
    load_sample_event,
    read_debug_sample,
)
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

R8_ID = "03b6e2e8-78ec-54b4-82d3-c88a5947d112"


async def upload_mapping(server: Server, folder: str, debug_id: str) -> None:
    """Upload the mapping of a sample as sentry-cli does, and have it where digest finds it."""
    async with project_builder(server) as client:
        answer = await upload(client, server.app.id, read_debug_sample(f"{folder}/mapping.txt"))
    assert answer["dif"]["uuid"] == debug_id
    async with server.database.reading() as connection:
        [part] = (await queries.find_parts(connection, server.app.id, [debug_id]))[debug_id]
    key = CacheKey(server.app.id, part.file_id, part.object_name)
    assert await server.service.shared.symbolication.cache.fetch(key) is not None


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


async def test_the_crash_of_an_app_that_r8_shrank_is_readable(tenant: Server):
    """Frames, types and views of the page and of the API are those that the sample expects."""
    await upload_mapping(tenant, "r8", R8_ID)
    event, expectation = load_sample_event("r8"), load_expectation("r8")
    await tenant.take(make_envelope(event, read_debug_sample("r8/view-hierarchy.json")))
    async with project_builder(tenant) as client:
        path = f"/api/0/projects/playhead/{tenant.app.id}/events/{event['event_id']}/"
        answer = (await client.get(path)).json()
    assert answer["title"] == "CheckoutFailure: could not pay"
    [entry] = [entry for entry in answer["entries"] if entry["type"] == "exception"]
    for value, wanted in zip(entry["data"]["values"], expectation["exceptions"], strict=True):
        assert (value["type"], value["module"]) == (wanted["type"], wanted["module"])
        frames = value["stacktrace"]["frames"]
        for frame, wanted_frame in zip(frames, wanted["frames"], strict=True):
            for name, key in (("module", "module"), ("function", "function"), ("lineNo", "lineno")):
                assert frame[name] == wanted_frame[key]
            assert fnmatch(frame["filename"], wanted_frame["filename"])


async def test_views_are_readable_and_as_sent(tenant: Server):
    """Page and download have the clear names of the classes; one click away are those sent."""
    await upload_mapping(tenant, "r8", R8_ID)
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


def list_views(page: Element) -> list[str]:
    """Return the classes of the views on the page of an event."""
    return [code.text for code in page.one("ul", class_="views").all("code")]
