"""Tests of what the page of an event shows of the event and of its files."""

import json
import uuid

import pytest
from sqlalchemy import text

from app.memberships.model import Role
from tests.support import html_reader
from tests.support.browsers import signed_in
from tests.support.builders import envelopes
from tests.support.builders.people import make_person
from tests.support.builders.wire import EVENT_ID
from tests.support.html_reader import Element
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def open_event(tenant: Server, event_id: str = EVENT_ID) -> Element:
    """Open the page of an event in its issue."""
    path = f"/projects/{tenant.app.id}/events/{event_id}"
    answer = await tenant.web.get(path, follow_redirects=True)
    assert answer.status_code == 200
    return html_reader.parse_page(answer.text)


async def test_files_of_an_event_are_sent_as_plain_bytes(tenant: Server):
    """A file is a sandboxed download for members only, and the audit log records the download."""
    hostile_html = b"<script>alert(1)</script>"
    file = envelopes.item("attachment", hostile_html, filename="a.html", content_type="text/html")
    await tenant.take(envelopes.event_envelope(more_items=[file]))
    page = await open_event(tenant)
    (link,) = page.all("a", "download")
    answer = await tenant.web.get(link["href"])
    assert answer.content == hostile_html
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    foreign = await tenant.web.get(link["href"], headers={"sec-fetch-site": "cross-site"})
    assert foreign.status_code == 403
    assert (await tenant.web.get(f"{link['href']}9")).status_code == 404
    person = await make_person(tenant.database, f"{uuid.uuid4().hex}@example.com")
    async with signed_in(tenant, person, role=Role.VIEWER) as browser:
        assert (await browser.get(link["href"])).status_code == 403
    async with tenant.database.reading() as connection:
        download_count = await connection.scalar(
            text(
                "select count(*) from audit_lines"
                " where action = 'file_downloaded' and project_id = :project"
            ),
            {"project": tenant.app.id},
        )
    assert download_count == 1


async def test_a_view_hierarchy_is_shown_as_a_tree(tenant: Server):
    """A view hierarchy is a tree of views on the page; a broken one is a file like others."""
    tree = {
        "windows": [
            {"type": "Window", "children": [{"type": "Button", "identifier": "pay", "width": 10}]}
        ]
    }
    file = envelopes.item(
        "attachment",
        json.dumps(tree).encode(),
        filename="view-hierarchy.json",
        attachment_type="event.view_hierarchy",
    )
    await tenant.take(envelopes.event_envelope(more_items=[file]))
    page = await open_event(tenant)
    views = page.one("ul", class_="views")
    assert [code.text for code in views.all("code")] == ["Window", "Button"]
    broken = envelopes.item(
        "attachment", b"{}", filename="v.json", attachment_type="event.view_hierarchy"
    )
    await tenant.take(envelopes.event_envelope(f"{5:032x}", more_items=[broken]))
    other_page = await open_event(tenant, f"{5:032x}")
    assert not other_page.all("ul", class_="views")


async def test_the_page_of_an_event_shows_all_parts_of_the_event(tenant: Server):
    """The page has exceptions, frames, variables, threads, breadcrumbs, contexts, the request."""
    frames = [
        {"function": "run", "module": "lib", "in_app": False},
        {
            "function": "pay", "module": "shop.cart", "filename": "cart.py", "lineno": 41,
            "in_app": True, "pre_context": ["a"], "context_line": "b", "post_context": ["c"],
            "vars": {"total": "42", "lines": [1, 2]},
        },
    ]  # fmt: skip
    exception = {
        "values": [
            {"type": "Cause", "value": "deep", "mechanism": {"exception_id": 1, "parent_id": 0}},
            {
                "type": "Group",
                "value": "<script>bold</script>",
                "stacktrace": {"frames": frames},
                "mechanism": {
                    "type": "generic", "handled": True, "exception_id": 0,
                    "is_exception_group": True, "meta": {"signal": {"name": "SIGSEGV"}},
                },
            },
        ]
    }  # fmt: skip
    thread = {"name": "worker", "crashed": True, "stacktrace": {"frames": frames[:1]}}
    crumbs = [
        {"timestamp": 1786000000, "category": "http", "data": {"url": "/x", "status_code": 500}},
        {"timestamp": 1786000001, "category": "cart", "message": "quantity changed"},
        {"timestamp": 1786000002, "category": "ui.lifecycle", "data": {"screen": "Cart"}},
        {"category": "no time"},
    ]
    await tenant.take(
        envelopes.event_envelope(
            exception=exception,
            threads={"values": [thread]},
            breadcrumbs=crumbs,
            contexts={"device": {"model": "Pixel 9", "type": "device"}},
            request={"url": "https://shop.example/pay"},
        )
    )
    page = await open_event(tenant)
    first, second = page.all("section", class_="exception")
    assert "Group" in first.one("h4").text
    assert "SIGSEGV" in first.text
    assert "Member of Group" in second.text
    own_frame = first.one("li", "data-in-app")
    lines = own_frame.one("ol", class_="source").all("li")
    assert [line.text for line in lines] == ["40a", "41b", "42c"]
    variables = own_frame.one("details", class_="variables").all("dd")
    assert [variable.text for variable in variables] == ["42", "[1,2]"]
    assert "1 more frame" in first.one("details", class_="stack-fold").text
    assert "worker" in page.one("details", class_="thread").text
    notes = page.one("ol", class_="event-crumbs").text
    assert "GET /x 500" in notes
    assert "quantity changed" in notes
    assert "no time" not in notes
    assert "Pixel 9" in page.text
    assert "the types and the app's own frames" in page.text
