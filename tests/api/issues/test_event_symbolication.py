"""The page of an event says which debug files it lacks, and shows the stack as it was sent."""

import json
from typing import Any

import pytest
from sqlalchemy import text

from app.symbolication.cache import CacheKey
from app.web.urls import project_urls
from tests.support import html_reader
from tests.support.builders import envelopes
from tests.support.html_reader import Element
from tests.support.recorded.debug_samples import load_sample_event
from tests.support.renaming_family import OBJECT_NAME, RenamingFamily, add_mapping, debug_meta
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

R8_ID = "03b6e2e8-78ec-54b4-82d3-c88a5947d112"


async def send_event(tenant: Server, event: dict[str, Any]) -> str:
    """Send an event as an SDK does; returns the address that leads to its page."""
    header = envelopes.envelope_header(event_id=event["event_id"], replay_id=None, trace_id=None)
    item = envelopes.item("event", json.dumps(event).encode())
    await tenant.take(envelopes.envelope(header, item))
    return f"/projects/{tenant.app.id}/events/{event['event_id']}"


async def open_page(tenant: Server, path: str) -> Element:
    """Open a page, also if another address leads to it."""
    answer = await tenant.web.get(path, follow_redirects=True)
    assert answer.status_code == 200
    return html_reader.parse_page(answer.text)


async def test_an_event_names_the_mapping_that_it_lacks(tenant: Server):
    """The page has one line for the file with its command, and so has the page of the project."""
    path = await send_event(tenant, load_sample_event("r8"))
    page = await open_page(tenant, path)
    (hint,) = page.one("ul", class_="debug-hints").all("li")
    assert f"Mapping {R8_ID} was not uploaded, so " in hint.text
    command = f"sentry-cli upload-proguard --uuid {R8_ID} mapping.txt"
    assert command in [button["data-copy"] for button in hint.all("button", "data-copy")]
    assert "autoUploadProguardMapping = true" in hint.text
    assert page.all("nav", class_="stack-choice") == []
    debug_files = await open_page(tenant, project_urls.debug_files(tenant.app.id))
    (missing,) = debug_files.one("section", id="missing").all("li")
    assert f"Mapping {R8_ID} was not uploaded." in missing.text
    assert "1 event" in missing.text


async def test_the_stack_as_sent_stays_a_click_away(
    tenant: Server, monkeypatch: pytest.MonkeyPatch
):
    """A readable stack has a link to the one that was sent, and that one a link back."""
    symbolication = tenant.service.shared.symbolication
    monkeypatch.setattr(symbolication.symbolicator, "_families", (RenamingFamily(),))
    names = {"a": "pay", "x": "PaymentFailed"}
    objects = tenant.service.shared.objects
    file_id = await add_mapping(tenant.database, objects, tenant.app.id, names)
    await symbolication.cache.fetch(CacheKey(tenant.app.id, file_id, OBJECT_NAME))
    frame = {"module": "net.example.Cart", "function": "a", "in_app": True}
    thrown = {"type": "x", "value": "declined", "stacktrace": {"frames": [frame]}}
    event = {
        "event_id": "ab" * 16,
        "platform": "java",
        "exception": {"values": [thrown]},
        "debug_meta": debug_meta(),
    }
    page = await open_page(tenant, await send_event(tenant, event))
    readable, sent = page.one("nav", class_="stack-choice").all("a")
    assert "net.example.Cart.pay" in page.one("ol", class_="calls").text
    assert "PaymentFailed" in page.one("section", class_="exception").text
    assert readable["aria-current"] == "true"
    shown = await open_page(tenant, sent["href"].partition("#")[0])
    assert "net.example.Cart.a" in shown.one("ol", class_="calls").text
    assert "PaymentFailed" not in shown.one("section", class_="exception").text
    assert "PaymentFailed" in shown.one("h1").text, "the issue is that of the readable stack"
    (back,) = [link for link in shown.all("a") if link.text == "Readable"]
    again = await open_page(tenant, back["href"].partition("#")[0])
    assert "net.example.Cart.pay" in again.one("ol", class_="calls").text


async def test_an_event_is_queued_to_be_read_again(tenant: Server):
    """The button queues the event and notes who asked; an event of another issue is not found."""
    page = await open_page(tenant, await send_event(tenant, load_sample_event("r8")))
    (form,) = [form for form in page.all("form") if form["action"].endswith("/symbolicate")]
    async with tenant.database.transaction() as connection:
        await connection.execute(text("delete from symbolication_queue"))
    answer = await tenant.web.post(form["action"])
    assert answer.status_code == 303
    shown = await tenant.web.get(answer.headers["location"])
    assert "is being made readable" in shown.text
    async with tenant.database.reading() as connection:
        lines = await connection.scalar(
            text(
                "select count(*) from audit_lines"
                " where action = 'event_symbolicated' and project_id = :project"
            ),
            {"project": tenant.app.id},
        )
    assert lines == 1
    wrong = form["action"].replace(load_sample_event("r8")["event_id"], "0" * 32)
    assert (await tenant.web.post(wrong)).status_code == 404
