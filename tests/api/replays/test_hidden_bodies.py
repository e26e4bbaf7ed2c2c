"""Viewers who may not see bodies find none of them, whichever way they ask.

A body with a mark of its own is planted in every place where SDKs and apps record one. A viewer
then asks for every page, part and file at every address that there is.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx2
import pytest

from app.accounts import queries as accounts
from app.memberships import writes as membership_writes
from app.memberships.model import Role
from tests.support.browsers import signed_in
from tests.support.builders import envelopes, payloads, recordings
from tests.support.builders.people import make_person
from tests.support.builders.wire import EVENT_ID, REPLAY_ID, SPAN_ID, STARTED_MS, TRACE_ID
from tests.support.page_routes import page_routes
from tests.support.servers.server import Keyed, Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

MARKS: Final = {
    name: f"planted-{name.replace('_', '-')}-body"
    for name in (
        "request", "answer", "json_answer", "crumb", "event_request", "event_context",
        "event_crumb", "event_extra", "span", "root_span", "log", "graphql",
    )
}  # fmt: skip
QUERIES: Final = ("?from_segment=0", "?tab=network", "?tab=errors&t=0.3")
"""Ways to ask that may lead around what a page shows at first."""
SPAN_IDS: Final = ("1" * 16, "2" * 16)
PICTURES: Final = ("pictures", "picture.webp", "stream", ".mp4")
"""Ends of addresses that answer with video; they are requested once, since they hold no text."""


async def send_bodies(tenant: Server, project: Keyed | None = None) -> None:
    """Send a replay, an error, spans and logs with a marked body in each place."""
    span = recordings.network_span(
        STARTED_MS + 300,
        STARTED_MS + 540,
        request={"headers": {"X-Kept": "kept-header"}, "body": MARKS["request"], "size": 21},
        response={"headers": {"Content-Type": "application/json"}, "body": MARKS["answer"]},
    )
    other_span = recordings.network_span(
        STARTED_MS + 600,
        STARTED_MS + 640,
        response={"body": {"items": [{"name": MARKS["json_answer"]}]}, "size": 900},
    )
    crumb = recordings.breadcrumb(
        "http", STARTED_MS + 700, data={"url": "/kept-crumb", "responseBody": MARKS["crumb"]}
    )
    events = [recordings.meta(), span, other_span, crumb]
    error: dict[str, Any] = {
        "request": {
            "url": "https://api.example.net/kept-url",
            "data": {"x": MARKS["event_request"]},
        },
        "breadcrumbs": [
            {
                "timestamp": STARTED_MS / 1000,
                "category": "http",
                "data": {"url": "/pay", "request_body": MARKS["event_crumb"]},
            }
        ],
        "extra": {"payload": MARKS["event_extra"], "note": "kept-extra"},
    }
    trace = payloads.event(EVENT_ID)["contexts"]
    contexts = {**trace, "response": {"status_code": 500, "data": MARKS["event_context"]}}
    transaction = payloads.transaction("b" * 32)
    spans: list[dict[str, Any]] = transaction["spans"]
    for each, span_id in zip(spans, SPAN_IDS, strict=True):
        each["span_id"] = span_id
        each["data"] = {
            **each.get("data", {}),
            "http.request.body": MARKS["span"],
            "graphql.variables": MARKS["graphql"],
            "kept.name": "kept-span",
        }
    root = transaction["contexts"]["trace"]
    root["data"] = {**root.get("data", {}), "http.response.body.data": MARKS["root_span"]}
    log = envelopes.log_item("it failed", request_body=MARKS["log"], note="kept-log")
    await tenant.take(
        envelopes.replay_video_envelope(0, events=events),
        envelopes.event_envelope(contexts=contexts, **error),
        envelopes.transaction_envelope(
            "b" * 32, spans=spans, contexts=transaction["contexts"], more_items=[log]
        ),
        project=project,
    )


@asynccontextmanager
async def open_browser(tenant: Server, role: Role) -> AsyncIterator[httpx2.AsyncClient]:
    """Open a browser of a new person who has a role in the app's project."""
    person = await make_person(tenant.database, f"{role}.{tenant.app.id}.bodies@example.com")
    async with signed_in(tenant, person, role=role) as browser:
        yield browser


async def set_bodies(tenant: Server, value: str) -> None:
    """Let viewers see bodies, or not, as an admin does it in the settings."""
    saved = await tenant.web.post(
        f"/projects/{tenant.app.id}/settings/bodies", data={"bodies": value}
    )
    assert saved.status_code == 303, saved.text


async def collect(tenant: Server, browser: httpx2.AsyncClient) -> tuple[bytes, set[str]]:
    """Ask for everything in every way; return all answers, and the addresses that answered 200."""
    good = await fill_addresses(tenant)
    routes = [route.path for route in page_routes() if route.method == "GET"]
    paths = [path.format_map(good) for path in routes if not any(p in path for p in PICTURES)]
    asked = [(path, {"accept": "text/html"}) for path in paths]
    asked += [
        (path, {"accept": "*/*", "sec-fetch-dest": "empty"})
        for path in paths
        if REPLAY_ID in path or EVENT_ID in path
    ]
    asked += [
        (f"/projects/{tenant.app.id}/replays/{REPLAY_ID}{part}{query}", {"accept": "text/html"})
        for part in ("", "/network", "/activity", "/requests.har", "/requests/1")
        for query in QUERIES
    ]
    asked += [(f"/traces/{TRACE_ID}/spans/{span_id}", {}) for span_id in SPAN_IDS]
    answers: list[bytes] = []
    opened: set[str] = set()
    for path, headers in asked:
        answer = await browser.get(path, headers=headers)
        assert answer.status_code < 500, (path, answer.text)
        if answer.status_code == 200:
            opened.add(path)
            answers.append(answer.content)
    return b"\n".join(answers), opened


class Addresses(dict[str, str]):
    """The values for the parts in braces of an address; a digit for those of other pages."""

    def __missing__(self, _name: str) -> str:
        return "1"


async def fill_addresses(tenant: Server) -> Addresses:
    """Return what names the planted things in an address."""
    event = await tenant.web.get(f"/projects/{tenant.app.id}/events/{EVENT_ID}")
    return Addresses(
        project_id=str(tenant.app.id),
        replay_id=REPLAY_ID,
        event_id=EVENT_ID,
        issue_id=event.headers["location"].split("/issues/")[1].split("/")[0].split("?")[0],
        trace_id=TRACE_ID,
        span_id=SPAN_ID,
        number="0",
        segment_id="0",
        form="jsonl",
    )


def find_marks(answers: bytes) -> set[str]:
    """Return the names of the planted bodies that are in some answers."""
    return {name for name, mark in MARKS.items() if mark.encode() in answers}


async def test_a_viewer_without_bodies_cannot_read_around(tenant: Server):
    """No page, part, file or trace has a planted body, and everything else is still there."""
    await send_bodies(tenant)
    async with open_browser(tenant, Role.VIEWER) as viewer:
        before, opened_before = await collect(tenant, viewer)
        assert find_marks(before) == set(MARKS), "every planted body is found while that is allowed"
        await set_bodies(tenant, "no")
        hidden, opened = await collect(tenant, viewer)
        assert find_marks(hidden) == set()
        assert opened == opened_before
        for kept in (
            "kept-header",
            "kept-crumb",
            "kept-url",
            "kept-extra",
            "kept-span",
            "kept-log",
        ):
            assert kept.encode() in hidden, kept
        assert b"viewers do not see the bodies of requests" in hidden


async def test_members_go_on_seeing_bodies(tenant: Server):
    """The setting is about viewers alone."""
    await send_bodies(tenant)
    await set_bodies(tenant, "no")
    async with open_browser(tenant, Role.MEMBER) as browser:
        answers, _ = await collect(tenant, browser)
    assert find_marks(answers) == set(MARKS)


async def test_a_viewer_of_one_project_sees_no_bodies_of_it_through_another(tenant: Server):
    """A trace runs through two projects: bodies of the closed one stay hidden in pages of both."""
    await send_bodies(tenant)
    await set_bodies(tenant, "no")
    await tenant.take(envelopes.replay_video_envelope(0), project=tenant.backend)
    email = f"viewer.{tenant.app.id}.bodies@example.com"
    async with open_browser(tenant, Role.VIEWER) as viewer:
        async with tenant.database.transaction() as connection:
            person = await accounts.find_person(connection, email)
            assert person is not None
            await membership_writes.set_member(connection, tenant.backend.id, person.id, Role.OWNER)
        other = tenant.of(tenant.backend)
        good = await fill_addresses(tenant)
        good["project_id"] = str(other.app.id)
        answers = b""
        for route in page_routes():
            if route.method == "GET" and not any(p in route.path for p in PICTURES):
                answer = await viewer.get(route.path.format_map(good))
                answers += answer.content
    assert b"it failed" in answers, "the page shows log records of the other project"
    assert find_marks(answers) == set()


async def test_only_admins_decide_and_the_log_says_who(tenant: Server):
    """A member gets 403; the settings show the choice."""
    path = f"/projects/{tenant.app.id}/settings/bodies"
    async with open_browser(tenant, Role.MEMBER) as member:
        assert (await member.post(path, data={"bodies": "no"})).status_code == 403
    await set_bodies(tenant, "no")
    log = (await tenant.web.get(f"/projects/{tenant.app.id}/log")).text
    assert "viewers see bodies: no" in log
