"""Tests of feedback on pages: all of it, that of an issue, that of a replay."""

import uuid

import pytest

from app.memberships.model import Role
from app.triage import feedback_list, issue_feedback
from tests.support import html_reader
from tests.support.browsers import signed_in
from tests.support.builders import envelopes
from tests.support.builders.people import make_person
from tests.support.builders.wire import EVENT_ID, REPLAY_ID
from tests.support.html_reader import Element
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def get(tenant: Server, path: str, status: int = 200) -> Element:
    """Open a page as the tenant's person, and follow redirects."""
    answer = await tenant.web.get(path, follow_redirects=True)
    assert answer.status_code == status, answer.text
    return html_reader.parse_page(answer.text)


async def write(tenant: Server, number: int, message: str, **changes: object) -> None:
    """Send feedback of a user."""
    item = envelopes.feedback_item(message, **changes)
    await tenant.take(envelopes.envelope({"event_id": f"{number:032x}"}, item))


async def test_an_empty_list_says_how_feedback_comes(tenant: Server):
    """The list of a project without feedback leads to that of all projects."""
    assert "captureFeedback" in (await get(tenant, "/feedback")).one("main").text
    await write(tenant, 1, "it hangs")
    none = await get(tenant, f"/feedback?project={tenant.backend.id}")
    assert none.one("main").one("a", class_="button")["href"] == "/feedback"


async def test_feedback_leads_to_its_error_and_its_replay(tenant: Server):
    """It links to the event it names, and to the replay at the moment when it was written."""
    await tenant.take(
        envelopes.replay_video_envelope(0),
        envelopes.replay_video_envelope(1),
        envelopes.event_envelope(),
    )
    await write(tenant, 1, "paying <b>fails</b>", associated_event_id=EVENT_ID)
    (card,) = (await get(tenant, "/feedback")).all("li", class_="card note")
    assert card.one("blockquote").text == "paying <b>fails</b>"
    assert "ada@example.com" in card.text
    hrefs = [link["href"] for link in card.all("a")]
    assert f"/projects/{tenant.app.id}/replays/{REPLAY_ID}?t=0" in hrefs
    (error,) = [href for href in hrefs if href.endswith(f"/events/{EVENT_ID}")]
    issue = error.partition("/events/")[0]
    (same,) = (await get(tenant, f"{issue}/feedback")).all("li", class_="card note")
    assert same.one("blockquote").text == card.one("blockquote").text
    page = await get(tenant, f"/projects/{tenant.app.id}/replays/{REPLAY_ID}")
    rows = page.one("section", id="activity").all("li", class_="row")
    assert any("paying <b>fails</b>" in row.text and "Ada" in row.text for row in rows)


async def test_feedback_of_nothing_says_so(tenant: Server):
    """Feedback whose error never arrived and that has no replay says both."""
    await write(tenant, 1, "x", associated_event_id="c" * 32, name=None)
    (card,) = (await get(tenant, "/feedback")).all("li", class_="card note")
    assert "The error it names is not here." in card.text
    assert "No replay linked." in card.text


async def test_an_issue_that_nobody_wrote_about_says_so(tenant: Server):
    """Its tab leads to the feedback about the project."""
    await tenant.take(envelopes.event_envelope())
    found = await tenant.web.get(f"/projects/{tenant.app.id}/events/{EVENT_ID}")
    issue = found.headers["location"].partition("/events/")[0]
    page = await get(tenant, f"{issue}/feedback")
    links = [link["href"] for link in page.one("main").all("a")]
    assert f"/feedback?project={tenant.app.id}" in links
    await get(tenant, f"/projects/{tenant.app.id}/issues/{'d' * 32}/feedback", status=404)


async def read_all_pages(tenant: Server, path: str) -> list[str]:
    """Follow a list from page to page, and return what people wrote."""
    messages = []
    while path:
        page = await get(tenant, path)
        messages += [quote.text for quote in page.all("blockquote")]
        older = [link["href"] for link in page.all("a", rel="next")]
        path = older[0] if older else ""
    return messages


async def test_feedback_comes_in_pages(tenant: Server, monkeypatch: pytest.MonkeyPatch):
    """The list shows the newest feedback first, and each piece once."""
    monkeypatch.setattr(feedback_list, "PAGE_ROWS", 2)
    for number in range(5):
        await write(tenant, number + 1, f"number {number}")
    expected = [f"number {number}" for number in (4, 3, 2, 1, 0)]
    assert await read_all_pages(tenant, "/feedback") == expected
    await get(tenant, "/feedback?before=nonsense", status=400)


async def test_feedback_of_an_issue_comes_in_pages(tenant: Server, monkeypatch: pytest.MonkeyPatch):
    """The page of an issue leads on to older feedback, and says where it ends."""
    monkeypatch.setattr(issue_feedback, "PAGE_ROWS", 2)
    await tenant.take(envelopes.event_envelope())
    for number in range(4):
        await write(tenant, number + 1, f"number {number}", associated_event_id=EVENT_ID)
    await write(tenant, 9, "about nothing")
    event = await tenant.web.get(f"/projects/{tenant.app.id}/events/{EVENT_ID}")
    path = event.headers["location"].partition("/events/")[0] + "/feedback"
    expected = [f"number {number}" for number in (3, 2, 1, 0)]
    assert await read_all_pages(tenant, path) == expected
    await get(tenant, f"{path}?before=nonsense", status=400)


async def test_feedback_of_other_projects_is_not_shown(tenant: Server):
    """A person who may not see a project does not learn that it exists."""
    await write(tenant, 1, "for members only")
    person = await make_person(tenant.database, f"{uuid.uuid4().hex}@example.com")
    async with signed_in(tenant, person) as browser:
        assert "for members only" not in (await browser.get("/feedback")).text
        assert (await browser.get(f"/feedback?project={tenant.app.id}")).status_code == 404
    async with signed_in(tenant, person, role=Role.VIEWER) as browser:
        assert "for members only" in (await browser.get("/feedback")).text
