"""Tests of the pages that show feedback: the list, the page of an issue, the page of a replay."""

import uuid

import pytest
from sqlalchemy import text

from app.memberships.model import Role
from app.triage import feedback_list
from app.triage.issue import issue_feedback
from tests.support import html_reader
from tests.support.browsers import signed_in
from tests.support.builders import envelopes
from tests.support.builders.people import make_person
from tests.support.builders.wire import EVENT_ID, REPLAY_ID
from tests.support.html_reader import Element
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def open_page(tenant: Server, path: str, status: int = 200) -> Element:
    """Open a page, following redirects, and return its elements."""
    answer = await tenant.web.get(path, follow_redirects=True)
    assert answer.status_code == status, answer.text
    return html_reader.parse_page(answer.text)


async def send_feedback(tenant: Server, number: int, message: str, **changes: object) -> None:
    """Send feedback with a message."""
    item = envelopes.feedback_item(message, **changes)
    await tenant.take(envelopes.envelope({"event_id": f"{number:032x}"}, item))


async def test_an_empty_feedback_list_says_how_to_send_feedback(tenant: Server):
    """The list names the SDK's call, and the empty list of one project links to all feedback."""
    assert "captureFeedback" in (await open_page(tenant, "/feedback")).one("main").text
    await send_feedback(tenant, 1, "it hangs")
    project_list = await open_page(tenant, f"/feedback?project={tenant.backend.id}")
    assert project_list.one("main").one("a", class_="button")["href"] == "/feedback"


async def test_feedback_leads_to_its_error_and_its_replay(tenant: Server):
    """A card links to the event it names, and to the replay at the moment it was written."""
    await tenant.take(
        envelopes.replay_video_envelope(0),
        envelopes.replay_video_envelope(1),
        envelopes.event_envelope(),
    )
    await send_feedback(tenant, 1, "paying <b>fails</b>", associated_event_id=EVENT_ID)
    (card,) = (await open_page(tenant, "/feedback")).all("li", class_="card note")
    assert card.one("blockquote").text == "paying <b>fails</b>"
    assert "ada@example.com" in card.text
    hrefs = [link["href"] for link in card.all("a")]
    assert f"/projects/{tenant.app.id}/replays/{REPLAY_ID}?t=0" in hrefs
    (event_href,) = [href for href in hrefs if href.endswith(f"/events/{EVENT_ID}")]
    issue = event_href.partition("/events/")[0]
    (issue_card,) = (await open_page(tenant, f"{issue}/feedback")).all("li", class_="card note")
    assert issue_card.one("blockquote").text == card.one("blockquote").text
    page = await open_page(tenant, f"/projects/{tenant.app.id}/replays/{REPLAY_ID}")
    rows = page.one("section", id="activity").all("li", class_="row")
    assert any("paying <b>fails</b>" in row.text and "Ada" in row.text for row in rows)


async def test_feedback_without_its_error_and_without_a_replay_says_so(tenant: Server):
    """A card says that the error it names is not here, and that no replay is linked."""
    await send_feedback(tenant, 1, "x", associated_event_id="c" * 32, name=None)
    (card,) = (await open_page(tenant, "/feedback")).all("li", class_="card note")
    assert "The error it names is not here." in card.text
    assert "No replay linked." in card.text


async def test_an_issue_without_feedback_links_to_that_of_its_project(tenant: Server):
    """The feedback page of an issue links to all of its project; an unknown issue gets 404."""
    await tenant.take(envelopes.event_envelope())
    answer = await tenant.web.get(f"/projects/{tenant.app.id}/events/{EVENT_ID}")
    issue = answer.headers["location"].partition("/events/")[0]
    page = await open_page(tenant, f"{issue}/feedback")
    links = [link["href"] for link in page.one("main").all("a")]
    assert f"/feedback?project={tenant.app.id}" in links
    await open_page(tenant, f"/projects/{tenant.app.id}/issues/{'d' * 32}/feedback", status=404)


async def read_all_pages(tenant: Server, path: str, *, rel: str = "next") -> list[list[str]]:
    """Follow a list from page to page, and return the messages of each page."""
    pages = []
    while path:
        page = await open_page(tenant, path)
        pages.append([quote.text for quote in page.all("blockquote")])
        links = [link["href"] for link in page.all("a", rel=rel)]
        path = links[0] if links else ""
    return pages


async def find_last_page(tenant: Server, path: str) -> str:
    """Follow a list to its end, and return the path of its last page."""
    while links := (await open_page(tenant, path)).all("a", rel="next"):
        path = links[0]["href"]
    return path


async def test_feedback_comes_in_pages(tenant: Server, monkeypatch: pytest.MonkeyPatch):
    """The list shows the newest feedback first and each piece once, in both directions."""
    monkeypatch.setattr(feedback_list, "PAGE_ROWS", 2)
    for number in range(5):
        await send_feedback(tenant, number + 1, f"number {number}")
    pages = await read_all_pages(tenant, "/feedback")
    assert pages == [["number 4", "number 3"], ["number 2", "number 1"], ["number 0"]]
    last_page = await find_last_page(tenant, "/feedback")
    assert await read_all_pages(tenant, last_page, rel="prev") == pages[::-1]


async def test_a_page_that_a_list_does_not_have_leads_to_its_first(tenant: Server):
    """An address with a made-up place gets 400 and a link that keeps the rest of the address."""
    path = f"/feedback?project={tenant.app.id}"
    page = await open_page(tenant, f"{path}&after=nonsense", status=400)
    assert page.one("h1").text == "This page of the list does not exist"
    (link,) = (each for each in page.all("a") if each.text == "First page of the list")
    assert link["href"] == path
    await open_page(tenant, link["href"])


async def test_feedback_behind_the_end_of_the_list_leads_back(
    tenant: Server, monkeypatch: pytest.MonkeyPatch
):
    """A page that has become empty says so, and leads to the page before."""
    monkeypatch.setattr(feedback_list, "PAGE_ROWS", 1)
    for number in range(2):
        await send_feedback(tenant, number + 1, f"number {number}")
    last_page = await find_last_page(tenant, "/feedback")
    async with tenant.database.transaction() as connection:
        await connection.execute(text("delete from feedback where message = 'number 0'"))
    page = await open_page(tenant, last_page)
    assert "there is no older feedback" in page.one("main").text
    assert page.all("a", rel="prev")


async def test_feedback_of_an_issue_comes_in_pages(tenant: Server, monkeypatch: pytest.MonkeyPatch):
    """The page of an issue leads to older feedback and back."""
    monkeypatch.setattr(issue_feedback, "PAGE_ROWS", 2)
    await tenant.take(envelopes.event_envelope())
    for number in range(4):
        await send_feedback(tenant, number + 1, f"number {number}", associated_event_id=EVENT_ID)
    await send_feedback(tenant, 9, "about nothing")
    event = await tenant.web.get(f"/projects/{tenant.app.id}/events/{EVENT_ID}")
    path = event.headers["location"].partition("/events/")[0] + "/feedback"
    pages = await read_all_pages(tenant, path)
    assert pages == [["number 3", "number 2"], ["number 1", "number 0"]]
    last_page = await find_last_page(tenant, path)
    assert await read_all_pages(tenant, last_page, rel="prev") == pages[::-1]
    await open_page(tenant, f"{path}?before=nonsense", status=400)


async def test_feedback_of_other_projects_is_not_shown(tenant: Server):
    """People see neither the feedback of other projects nor that these projects exist."""
    await send_feedback(tenant, 1, "for members only")
    person = await make_person(tenant.database, f"{uuid.uuid4().hex}@example.com")
    async with signed_in(tenant, person) as browser:
        assert "for members only" not in (await browser.get("/feedback")).text
        assert (await browser.get(f"/feedback?project={tenant.app.id}")).status_code == 404
    async with signed_in(tenant, person, role=Role.VIEWER) as browser:
        assert "for members only" in (await browser.get("/feedback")).text
