"""Tests of the list of issues and of the page of an issue."""

import json
import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.core import clock
from app.memberships import writes as membership_writes
from app.memberships.model import Role
from tests.support import html_reader
from tests.support.browsers import signed_in
from tests.support.builders import envelopes, payloads
from tests.support.builders.people import make_person
from tests.support.builders.wire import EVENT_ID, REPLAY_ID
from tests.support.html_reader import Element
from tests.support.servers.server import Keyed, Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

OTHER_ID = "b" * 32


def error(number: int, type_: str = "IllegalStateException", **changes: Any) -> bytes:
    """Return an error whose class makes its issue; `number` makes its id."""
    exception = payloads.event()["exception"]
    exception["values"][0]["type"] = type_
    return envelopes.event_envelope(f"{number:032x}", exception=exception, **changes)


async def take_replay(tenant: Server) -> None:
    """Send a replay of ten seconds, and an error of the app in it."""
    await tenant.take(
        envelopes.replay_video_envelope(0),
        envelopes.replay_video_envelope(1),
        envelopes.event_envelope(),
    )


async def open_page(tenant: Server, path: str, status: int = 200) -> Element:
    """Open a page, following redirects, and return its elements."""
    answer = await tenant.web.get(path, follow_redirects=True)
    assert answer.status_code == status, answer.text
    return html_reader.parse_page(answer.text)


async def list_titles(tenant: Server, query: str = "") -> list[str]:
    """Return the titles of the issues on a page of the list."""
    page = await open_page(tenant, f"/issues?{query}")
    return [link.text for link in page.all("a", class_="issue-link")]


async def issue_path(tenant: Server, event_id: str = EVENT_ID, project: Keyed | None = None) -> str:
    """Return the path of the issue of an event."""
    answer = await tenant.web.get(f"/projects/{(project or tenant.app).id}/events/{event_id}")
    assert answer.status_code == 303
    return answer.headers["location"].partition("/events/")[0]


async def test_an_issue_is_listed_and_opens(tenant: Server):
    """An issue is one row for all its events, and its page shows the newest event."""
    await tenant.take(error(1), error(2, user={"id": "another"}))
    page = await open_page(tenant, "/issues")
    (row,) = page.all("tr", class_="issue")
    cells = {cell["data-label"]: cell.text for cell in row.all("td", "data-label")}
    last_seen = cells.pop("Last seen")
    assert last_seen.endswith("net.example.shop@4.2.0+118")
    assert cells == {"Events": "2", "Users": "2", "Replays": "0"}
    issue_page = await open_page(tenant, row.one("a", class_="issue-link")["href"])
    assert "IllegalStateException" in issue_page.one("h1").text
    numbers = issue_page.one("dl", class_="issue-numbers").all("dd")
    assert [number.text for number in numbers[:3]] == ["2", "2", "0"]
    assert f"{2:032x}" in issue_page.one("article", class_="event").text


async def test_an_empty_list_of_issues_says_why_it_is_empty(tenant: Server):
    """The list says that no error has come yet, or that no issue matches the filters."""
    assert "No errors yet" in (await open_page(tenant, "/issues")).text
    await tenant.take(error(1))
    assert "No issue matches" in (await open_page(tenant, "/issues?q=nothing+like+this")).text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Warned", "Failed"]),
        ("q=fail", ["Failed"]),
        ("q=fail+warn", []),
        ("q=%25", []),
        ("level=warning", ["Warned"]),
        ("level=nonsense", ["Warned", "Failed"]),
        ("release=shop%401.0", ["Failed"]),
        ("status=all", ["Warned", "Failed"]),
        ("status=resolved", []),
        ("sort=events", ["Failed", "Warned"]),
        ("sort=users", ["Warned", "Failed"]),
        ("sort=first_seen", ["Warned", "Failed"]),
        ("sort=oldest_first_seen", ["Failed", "Warned"]),
        ("sort=fewest_events", ["Warned", "Failed"]),
        ("sort=unknown", ["Warned", "Failed"]),
        ("sort=replays&status=ignored", []),
    ],
)
async def test_the_list_of_issues_is_filtered_and_sorted_by_its_address(
    tenant: Server, query, expected
):
    """Words, level, release, status and order stand in the query; unknown values are ignored."""
    await tenant.take(error(1, "Failed", release="shop@1.0", user={}))
    await tenant.take(error(2, "Failed", release="shop@1.0", user={}))
    await tenant.take(error(3, "Warned", level="warning", release="shop@2.0"))
    assert [title.partition(":")[0] for title in await list_titles(tenant, query)] == expected


async def test_the_list_of_issues_can_be_limited_to_a_project(tenant: Server):
    """The list has the issues of the project alone; a project of others gets 404."""
    await tenant.take(error(1, "Ours"))
    await tenant.take(error(2, "Theirs", platform="python"), project=tenant.backend)
    titles = await list_titles(tenant, f"project={tenant.backend.id}")
    assert [title.partition(":")[0] for title in titles] == ["Theirs"]
    await open_page(tenant, "/issues?project=999999", status=404)


@pytest.mark.parametrize("sort", ["last_seen", "events"])
async def test_pages_of_the_list_of_issues_follow_one_another(tenant: Server, sort):
    """Each issue stands on one page, and links lead to the next page and to the previous one."""
    await tenant.take(*(error(number, f"Type{number:02}") for number in range(1, 60)))
    page = await open_page(tenant, f"/issues?sort={sort}")
    pages = [[link.text for link in page.all("a", class_="issue-link")]]
    while following := page.all("a", rel="next"):
        page = await open_page(tenant, following[0]["href"])
        pages.append([link.text for link in page.all("a", class_="issue-link")])
    assert [len(titles) for titles in pages] == [25, 25, 9]
    assert len({title for titles in pages for title in titles}) == 59
    previous = await open_page(tenant, page.one("a", rel="prev")["href"])
    assert [link.text for link in previous.all("a", class_="issue-link")] == pages[1]
    first = await open_page(tenant, previous.one("a", rel="prev")["href"])
    assert [link.text for link in first.all("a", class_="issue-link")] == pages[0]
    assert not first.all("a", rel="prev")


async def test_a_column_head_orders_the_list_of_issues(tenant: Server):
    """A click on the head keeps the filters, and a second click reverses the order."""
    await tenant.take(error(1, "Failed"), error(2, "Failed"), error(3, "Warned", level="warning"))
    page = await open_page(tenant, "/issues?status=all")
    for order in (["Failed", "Warned"], ["Warned", "Failed"]):
        (head,) = [link for link in page.all("a", class_="sorter") if link.text == "Events"]
        page = await open_page(tenant, head["href"])
        assert [link.text.partition(":")[0] for link in page.all("a", class_="issue-link")] == order
        assert "status=all" in head["href"]
    assert len(page.all("th", **{"aria-sort": "ascending"})) == 1


@pytest.mark.parametrize("place", ["nonsense", "AAAA", "dA" * 16])
async def test_a_made_up_cursor_of_the_list_of_issues_is_refused(tenant: Server, place):
    """A cursor that no page gave out gets 400."""
    await open_page(tenant, f"/issues?before={place}", status=400)


async def test_events_of_an_issue_link_to_the_older_and_the_newer_one(tenant: Server):
    """The newest event has no newer one, the oldest no older one; unknown events get 404."""
    for number in (1, 2, 3):
        await tenant.take(error(number))
    path = await issue_path(tenant, f"{1:032x}")
    page = await open_page(tenant, path)
    assert not page.all("a", rel="next")
    older = await open_page(tenant, page.one("a", rel="prev")["href"])
    assert f"{2:032x}" in older.one("article", class_="event").text
    oldest = await open_page(tenant, older.one("a", rel="prev")["href"])
    assert f"{1:032x}" in oldest.one("article", class_="event").text
    assert not oldest.all("a", rel="prev")
    await open_page(tenant, f"{path}/events/{OTHER_ID}", status=404)
    await open_page(tenant, f"{path}/events/nonsense", status=404)


@pytest.mark.parametrize("path", ["issues/nonsense", f"issues/{OTHER_ID}", f"events/{OTHER_ID}"])
async def test_unknown_issues_and_events_are_not_found(tenant: Server, path):
    """Malformed ids and ids that nothing has get 404."""
    await open_page(tenant, f"/projects/{tenant.app.id}/{path}", status=404)


async def test_an_event_plays_the_replay_around_it(tenant: Server):
    """A preview plays ten seconds around the event; a link opens the replay at its moment."""
    await take_replay(tenant)
    page = await open_page(tenant, await issue_path(tenant))
    preview = page.one("section", "data-preview")
    assert (preview["data-from-ms"], preview["data-at-ms"], preview["data-to-ms"]) == (
        "0",
        "2000",
        "10000",
    )
    assert preview["data-index-url"] == tenant.page(REPLAY_ID, "/index")
    links = [link["href"] for link in preview.all("a")]
    assert links == [
        tenant.page(REPLAY_ID, "?t=2"),
        tenant.page(REPLAY_ID, "/hand-on?from=0&to=10000"),
    ]


@pytest.mark.parametrize("is_replay_first", [True, False])
async def test_a_backends_issue_leads_to_the_phones_replay(tenant: Server, is_replay_first):
    """A shared trace links them across projects, whichever arrives first, on every page alike."""
    backend = error(7, replay_id=None, platform="python")
    if not is_replay_first:
        await tenant.take(backend, project=tenant.backend)
    await take_replay(tenant)
    if is_replay_first:
        await tenant.take(backend, project=tenant.backend)
    path = await issue_path(tenant, f"{7:032x}", tenant.backend)
    page = await open_page(tenant, path)
    link, _hand_on = page.one("section", "data-preview").all("a")
    assert link["href"] == tenant.page(REPLAY_ID, "?t=2")
    replays = await open_page(tenant, f"{path}/replays")
    (row,) = replays.all("tr", "data-replay")
    assert row["data-replay"] == REPLAY_ID
    assert {link["href"] for link in row.all("a")} == {tenant.page(REPLAY_ID, "?t=2")}
    counts = {count.text for count in replays.all("span", class_="tab-count")}
    assert counts == {"1"}
    in_list = await open_page(tenant, f"/issues?project={tenant.backend.id}")
    assert in_list.one("td", **{"data-label": "Replays"}).text == "1"


async def test_an_error_on_the_page_of_a_replay_links_to_its_issue(tenant: Server):
    """The error in the panel of a replay links to its event on the page of the issue."""
    await take_replay(tenant)
    page = await open_page(tenant, tenant.page(REPLAY_ID))
    row = page.one("article", id=f"error-{EVENT_ID}")
    hrefs = [link["href"] for link in row.all("a")]
    assert f"{await issue_path(tenant)}/events/{EVENT_ID}" in hrefs


async def test_a_replay_of_a_foreign_project_is_not_counted(tenant: Server):
    """People who may not see the replay see no sign of it but the id that the event names."""
    await take_replay(tenant)
    backend = error(7, platform="python")
    await tenant.take(backend, project=tenant.backend)
    person = await make_person(tenant.database, f"{uuid.uuid4().hex}@example.com")
    async with signed_in(tenant, person) as browser:
        await add_viewer(tenant, person.id, tenant.backend)
        path = await issue_path(tenant, f"{7:032x}", tenant.backend)
        page = html_reader.parse_page((await browser.get(path)).text)
        assert "project you are not a member of" in page.text or "Not received yet" in page.text
        tab = html_reader.parse_page((await browser.get(f"{path}/replays")).text)
        assert not tab.all("tr", "data-replay")
        assert (await browser.get(await issue_path(tenant))).status_code == 404


async def add_viewer(tenant: Server, person_id: Any, project: Keyed) -> None:
    """Make somebody a viewer of a project."""
    async with tenant.database.transaction() as connection:
        await membership_writes.set_member(connection, project.id, person_id, Role.VIEWER)


async def test_a_replay_that_never_came_is_said_to_be_missing(tenant: Server):
    """The page first says that the replay may still come, and later what the SDK dropped."""
    await tenant.take(envelopes.event_envelope())
    path = await issue_path(tenant)
    assert "Not received yet" in (await open_page(tenant, path)).text
    report = {
        "discarded_events": [{"reason": "queue_overflow", "category": "replay", "quantity": 3}]
    }
    item = envelopes.item("client_report", json.dumps(report).encode())
    await tenant.take(envelopes.envelope(envelopes.envelope_header(), item))
    await age_events(tenant)
    page_text = (await open_page(tenant, path)).text
    assert "Never received." in page_text
    assert "3 replay items dropped by the SDK: queue_overflow" in page_text
    tab = await open_page(tenant, f"{path}/replays")
    assert "but none is here" in tab.text


async def age_events(tenant: Server) -> None:
    """Move the arrival of the app's events to two hours ago."""
    async with tenant.database.transaction() as connection:
        await connection.execute(
            text("update events set received_at = :at where project_id = :project"),
            {"at": clock.now() - timedelta(hours=2), "project": tenant.app.id},
        )


async def test_a_deleted_replay_is_shown_as_deleted(tenant: Server):
    """The page of the issue says who deleted the replay and when, and counts it no more."""
    await take_replay(tenant)
    path = await issue_path(tenant)
    await tenant.web.post(tenant.page(REPLAY_ID, "/delete"))
    page = await open_page(tenant, path)
    assert re.search(r"deleted by \S+ on", page.text)
    counts = (await open_page(tenant, f"{path}/replays")).all("span", class_="tab-count")
    assert counts[1].text == "0"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MEMBER])
async def test_members_resolve_issues_and_the_audit_log_records_it(tenant: Server, role):
    """A resolved issue leaves the list until an error of a later release reopens it."""
    await tenant.take(error(1, release="shop@1.0"))
    path = await issue_path(tenant, f"{1:032x}")
    person = await make_person(tenant.database, f"{uuid.uuid4().hex}@example.com")
    async with signed_in(tenant, person, role=role) as browser:
        answer = await browser.post(f"{path}/status", data={"status": "resolved"})
        if role is Role.VIEWER:
            assert answer.status_code == 403
            assert not html_reader.parse_page((await browser.get(path)).text).all(
                "button", value="resolved"
            )
            return
        assert answer.status_code == 303
        assert (await browser.post(f"{path}/status", data={"status": "gone"})).status_code == 400
    assert await list_titles(tenant) == []
    assert "Resolved in shop@1.0" in (await open_page(tenant, path)).text
    await tenant.take(error(2, release="shop@1.0"))
    assert await list_titles(tenant) == []
    await tenant.take(error(3, release="shop@1.1"))
    assert "Regressed: it was resolved in shop@1.0" in (await open_page(tenant, path)).text
    async with tenant.database.reading() as connection:
        lines = await connection.execute(text("select action, person_id from audit_lines"))
        assert ("issue_resolved", person.id) in [tuple(line) for line in lines]


async def test_an_issue_without_events_says_so(tenant: Server):
    """The page of an issue whose events were removed says that none are left."""
    await tenant.take(error(1))
    path = await issue_path(tenant, f"{1:032x}")
    async with tenant.database.transaction() as connection:
        await connection.execute(
            text("delete from events where project_id = :project"), {"project": tenant.app.id}
        )
    assert "No events left" in (await open_page(tenant, path)).text
