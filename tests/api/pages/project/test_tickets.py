"""Tests of tickets: trackers of a project, new ones filled in, and those that are kept."""

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from app.memberships.model import Role
from tests.support import html_reader
from tests.support.browsers import signed_in
from tests.support.builders import envelopes
from tests.support.builders.people import make_person
from tests.support.builders.wire import EVENT_ID, REPLAY_ID
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

TICKET = "https://acme.atlassian.net/browse/SHOP-12"


async def take_error(tenant: Server) -> str:
    """Send a replay with an error; return the path of its issue."""
    await tenant.take(envelopes.replay_video_envelope(0), envelopes.event_envelope())
    answer = await tenant.web.get(f"/projects/{tenant.app.id}/events/{EVENT_ID}")
    path: str = answer.headers["location"]
    return path.partition("/events/")[0]


def find_links(page: str) -> dict[str, str]:
    """Find the links to new tickets, by their words."""
    links = html_reader.parse_page(page).all("a")
    return {link.text: link["href"] for link in links if "New ticket in" in link.text}


async def test_a_new_ticket_is_filled_in_by_the_templates_of_its_project(tenant: Server):
    """An admin names a tracker once; reports of replays and issues offer new tickets in it."""
    issue = await take_error(tenant)
    trackers = f"/projects/{tenant.app.id}/settings/trackers"
    form = {
        "kind": "github",
        "address": "https://github.com/acme/shop/",
        "title": "[app] {title}",
        "body": "{link}\r\n\r\n{steps}",
    }
    assert (await tenant.web.post(trackers, data=form)).status_code == 303
    for path in (tenant.page(REPLAY_ID), issue):
        page = (await tenant.web.get(f"{path}/report")).text
        (link,) = find_links(page).values()
        assert link.startswith("https://github.com/acme/shop/issues/new?")
        fields = parse_qs(urlsplit(link).query)
        assert fields["title"][0].startswith("[app] Crash: ")
        assert f"{tenant.base_url}{path}" in fields["body"][0]
        assert "Tap `pay`" in fields["body"][0]
    page = (await tenant.web.get(trackers)).text
    tracker_id = re.search(rf"{trackers}/(\d+)/delete", page)
    assert tracker_id
    changed = form | {"kind": "linear", "address": "https://linear.app/team/ENG", "name": "Ours"}
    await tenant.web.post(f"{trackers}/{tracker_id[1]}", data=changed)
    page = (await tenant.web.get(f"{issue}/report")).text
    assert list(find_links(page)) == ["New ticket in Ours"]
    await tenant.web.post(f"{trackers}/{tracker_id[1]}/delete")
    assert find_links((await tenant.web.get(f"{issue}/report")).text) == {}


async def test_a_form_that_is_refused_is_shown_as_it_was_sent(tenant: Server):
    """Nobody types a template twice."""
    trackers = f"/projects/{tenant.app.id}/settings/trackers"
    form = {"kind": "jira", "address": "acme", "title": "Mine: {title}", "body": "{link}"}
    answer = await tenant.web.post(trackers, data=form)
    assert answer.status_code == 400
    assert "https://company.atlassian.net" in answer.text
    assert 'value="Mine: {title}"' in answer.text
    missing = await tenant.web.post(f"{trackers}/999999/delete")
    assert missing.status_code == 404


async def test_a_kept_ticket_is_shown_where_its_subject_is(tenant: Server):
    """On the page of the issue, on its report, and on the place where a replay is handed on."""
    issue = await take_error(tenant)
    for path in (issue, tenant.page(REPLAY_ID)):
        answer = await tenant.web.post(f"{path}/tickets", data={"url": f" {TICKET} "})
        assert answer.status_code == 303
        page = (await tenant.web.get(f"{path}/report")).text
        assert f'href="{TICKET}" rel="noopener noreferrer nofollow"' in page
        assert "SHOP-12" in page
        again = await tenant.web.post(f"{path}/tickets", data={"url": TICKET})
        assert again.status_code == 400
        assert "kept here already" in again.text
        for bad in ("javascript:alert(1)", "", "https://u:p@evil.example/1"):
            refused = await tenant.web.post(f"{path}/tickets", data={"url": bad})
            assert refused.status_code == 400
    assert "SHOP-12" in (await tenant.web.get(issue)).text
    assert "Ticket SHOP-12" in (await tenant.web.get(tenant.page(REPLAY_ID, "/hand-on"))).text
    page = (await tenant.web.get(f"{issue}/report")).text
    remove = re.search(rf"{issue}/tickets/(\d+)/remove", page)
    assert remove
    other = f"{tenant.page(REPLAY_ID)}/tickets/{remove[1]}/remove"
    assert (await tenant.web.post(remove[0])).status_code == 303
    assert (await tenant.web.post(remove[0])).status_code == 404
    assert "SHOP-12" not in (await tenant.web.get(issue)).text
    assert (await tenant.web.post(other)).status_code in {303, 404}


async def test_an_issue_has_twenty_tickets_at_most(tenant: Server):
    """The twenty-first is refused, with the reason."""
    issue = await take_error(tenant)
    for number in range(20):
        url = f"https://github.com/acme/shop/issues/{number}"
        assert (await tenant.web.post(f"{issue}/tickets", data={"url": url})).status_code == 303
    answer = await tenant.web.post(f"{issue}/tickets", data={"url": TICKET})
    assert answer.status_code == 400
    assert "the limit of 20 tickets is reached" in answer.text


async def test_tickets_end_with_what_they_are_about(tenant: Server):
    """Deleting a replay or an issue deletes the addresses, and the receipt counts those of it."""
    issue = await take_error(tenant)
    for path in (issue, tenant.page(REPLAY_ID)):
        await tenant.web.post(f"{path}/tickets", data={"url": TICKET})
    await tenant.web.post(tenant.page(REPLAY_ID, "/delete"))
    await tenant.web.post(f"{issue}/delete")
    async with tenant.database.reading() as connection:
        for table in ("replay_tickets", "issue_tickets"):
            query = text(f"select count(*) from {table} where project_id = :id")
            assert await connection.scalar(query, {"id": tenant.app.id}) == 0
        counts = await connection.scalar(
            text("select counts from erasures where project_id = :id order by id desc limit 1"),
            {"id": tenant.app.id},
        )
    counts = json.loads(counts) if isinstance(counts, str) else counts
    assert counts["tickets"] == 1
    gone = await tenant.web.post(tenant.page(REPLAY_ID, "/tickets"), data={"url": TICKET})
    assert gone.status_code == 410


async def test_viewers_see_tickets_and_keep_none(tenant: Server):
    """A viewer follows links; a member keeps them; an admin chooses the tracker."""
    issue = await take_error(tenant)
    await tenant.web.post(f"{issue}/tickets", data={"url": TICKET})
    viewer = await make_person(tenant.database, "viewer@tickets.example")
    async with signed_in(tenant, viewer, role=Role.VIEWER) as web:
        page = (await web.get(f"{issue}/report")).text
        assert "SHOP-12" in page
        assert f"{issue}/tickets" not in page
        assert "/settings/trackers" not in page
        assert (await web.post(f"{issue}/tickets", data={"url": TICKET})).status_code == 403
