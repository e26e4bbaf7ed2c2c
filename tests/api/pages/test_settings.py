"""Tests of the settings and the activity log of a project, over HTTP."""

import uuid
from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio

from app.accounts import writes as accounts_writes
from app.accounts.model import Person
from app.administration.projects import activity_log, project_overview, project_settings
from app.audit import queries as audit
from app.memberships import queries as memberships
from app.memberships.model import Role
from app.projects import writes as project_writes
from tests.support import html_reader
from tests.support.browsers import signed_in
from tests.support.builders import envelopes
from tests.support.builders.people import make_person
from tests.support.builders.wire import REPLAY_ID
from tests.support.html_reader import Element
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def somebody(tenant: Server) -> Person:
    """Add a person with a new address."""
    return await make_person(tenant.database, f"{uuid.uuid4().hex}@example.com")


async def roles_of(tenant: Server) -> dict[str, Role]:
    """Return the roles of the members of the app's project, by address."""
    async with tenant.database.reading() as connection:
        found = await memberships.list_members(connection, tenant.app.id)
    return {one.person.email: one.role for one in found}


async def actions(tenant: Server) -> list[str]:
    """Return the actions in the app's project, the last one first."""
    async with tenant.database.reading() as connection:
        return [
            one.action for one in await audit.list_audit_lines(connection, project_id=tenant.app.id)
        ]


def path(tenant: Server, below: str = "") -> str:
    """Return the address of the settings."""
    return f"/projects/{tenant.app.id}/settings{below}"


@pytest_asyncio.fixture(loop_scope="session")
async def admin(tenant: Server) -> AsyncIterator[httpx2.AsyncClient]:
    """The browser of an admin of the app's project."""
    async with signed_in(tenant, await somebody(tenant), role=Role.ADMIN) as browser:
        yield browser


async def test_a_project_gets_another_name(tenant: Server, admin: httpx2.AsyncClient):
    """An empty name is refused with a reason; only admins may rename."""
    saved = await admin.post(path(tenant, "/name"), data={"name": " Shop, new "})
    assert saved.status_code == 303
    page = html_reader.parse_page((await admin.get(path(tenant))).text)
    assert page.one("input", id="name")["value"] == "Shop, new"
    refused = await admin.post(path(tenant, "/name"), data={"name": " "})
    assert refused.status_code == 400
    assert "needs 1 to" in html_reader.parse_page(refused.text).one("p", class_="problem-box").text
    assert await actions(tenant) == ["project_changed"]


async def test_somebody_is_invited_accepts_changes_and_is_removed(
    tenant: Server, admin: httpx2.AsyncClient
):
    """They are not a member until they accept; every step is a line of the log."""
    person = await somebody(tenant)
    data = {"email": person.email.upper(), "role": "member"}
    invited = await admin.post(path(tenant, "/members"), data=data)
    assert invited.headers["location"] == path(tenant, "?done=invited")
    assert person.email not in await roles_of(tenant)
    answer_path = f"/projects/{tenant.app.id}/invitation"
    async with signed_in(tenant, person) as browser:
        assert (await browser.get(f"/projects/{tenant.app.id}")).status_code == 404
        form = html_reader.parse_page((await browser.get("/projects")).text).one(
            "form", action=answer_path
        )
        assert "Accept" in form.text
        accepted = await browser.post(answer_path, data={"answer": "accept"})
        assert accepted.headers["location"].startswith(f"/projects/{tenant.app.id}?")
        assert (await roles_of(tenant))[person.email] == Role.MEMBER
        assert (await browser.post(answer_path, data={"answer": "accept"})).status_code == 404
    changed = await admin.post(path(tenant, "/members"), data={**data, "role": "viewer"})
    assert changed.headers["location"] == path(tenant, "?done=member-set")
    assert (await roles_of(tenant))[person.email] == Role.VIEWER
    removed = await admin.post(path(tenant, f"/members/{person.id}/remove"))
    assert removed.status_code == 303
    assert person.email not in await roles_of(tenant)
    assert await actions(tenant) == [
        "member_removed",
        "member_set",
        "invitation_accepted",
        "invitation_made",
    ]


async def test_an_admin_of_a_project_does_not_learn_who_has_an_account(
    tenant: Server, admin: httpx2.AsyncClient
):
    """Inviting a person, a disabled person or nobody gives the same answers and pages."""
    known, shut_out = await somebody(tenant), await somebody(tenant)
    async with tenant.database.transaction() as connection:
        await accounts_writes.rename_person(connection, known.id, "A name of their own")
        await accounts_writes.disable_person(connection, shut_out.id)
    seen = set()
    for email in (known.email, shut_out.email, f"{uuid.uuid4().hex}@example.com"):
        answer = await admin.post(path(tenant, "/members"), data={"email": email, "role": "viewer"})
        page = (await admin.get(answer.headers["location"])).text
        log = (await admin.get(f"/projects/{tenant.app.id}/log")).text
        assert email in page
        back = await admin.post(path(tenant, "/invitations/withdraw"), data={"email": email})
        seen.add((answer.status_code, page.replace(email, "EMAIL"), back.status_code))
        assert "A name of their own" not in page + log
    assert len(seen) == 1


async def test_an_invitation_can_be_declined_withdrawn_and_forged_by_nobody(
    tenant: Server, admin: httpx2.AsyncClient
):
    """Only the person with the address may answer, and only admins may withdraw."""
    person, other = await somebody(tenant), await somebody(tenant)
    answer_path = f"/projects/{tenant.app.id}/invitation"
    data = {"email": person.email, "role": "admin"}
    async with signed_in(tenant, person) as browser, signed_in(tenant, other) as stranger:
        for said in ({"answer": "accept"}, {"answer": "decline"}, {}):
            assert (await browser.post(answer_path, data=said)).status_code == 404
        await admin.post(path(tenant, "/members"), data=data)
        assert (await stranger.post(answer_path, data={"answer": "accept"})).status_code == 404
        assert answer_path not in (await stranger.get("/projects")).text
        declined = await browser.post(answer_path, data={"answer": "decline"})
        assert declined.headers["location"] == "/projects?done=invitation-declined"
        await admin.post(path(tenant, "/members"), data=data)
        async with signed_in(tenant, other, role=Role.MEMBER) as member:
            refused = await member.post(path(tenant, "/invitations/withdraw"), data=data)
            assert refused.status_code == 403
        await admin.post(path(tenant, "/invitations/withdraw"), data=data)
        assert (await browser.post(answer_path, data={"answer": "accept"})).status_code == 404
    assert person.email not in (await admin.get(path(tenant))).text


async def test_what_cannot_be_is_refused_in_words(tenant: Server, admin: httpx2.AsyncClient):
    """Text that is not an address and unknown roles are refused."""
    for data in ({"email": "nobody", "role": "member"}, {"email": "", "role": "king"}):
        refused = await admin.post(path(tenant, "/members"), data=data)
        assert refused.status_code == 400
        assert html_reader.parse_page(refused.text).one("p", class_="problem-box").text
    assert await actions(tenant) == []


async def test_nobody_gives_or_takes_more_than_they_are(tenant: Server, admin: httpx2.AsyncClient):
    """Admins neither make nor remove owners; members see no settings."""
    owner = await somebody(tenant)
    async with signed_in(tenant, owner, role=Role.OWNER) as browser:
        refused = await admin.post(
            path(tenant, "/members"), data={"email": owner.email, "role": "viewer"}
        )
        assert refused.status_code == 403
        removed = await admin.post(path(tenant, f"/members/{owner.id}/remove"))
        assert removed.status_code == 403
        raised = {"email": (await somebody(tenant)).email, "role": "owner"}
        assert (await admin.post(path(tenant, "/members"), data=raised)).status_code == 403
        assert (await browser.post(path(tenant, "/members"), data=raised)).status_code == 303
    async with signed_in(tenant, await somebody(tenant), role=Role.MEMBER) as browser:
        assert (await browser.get(path(tenant))).status_code == 403
        assert (await browser.post(path(tenant, "/name"), data={"name": "x"})).status_code == 403
        assert (await browser.get(f"/projects/{tenant.app.id}/log")).status_code == 403
    assert (await roles_of(tenant))[owner.email] == Role.OWNER


async def test_the_log_tells_who_watched_and_who_changed(
    tenant: Server, admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    """Both lists have the newest first and pages of their own."""
    monkeypatch.setattr(activity_log, "PART_ROWS", 2)
    await tenant.take(envelopes.replay_video_envelope(0))
    replay = f"/projects/{tenant.app.id}/replays/{REPLAY_ID}"
    for _ in range(3):
        assert (await admin.get(replay)).status_code == 200
    await admin.post(path(tenant, "/name"), data={"name": "Other"})

    async def log(query: str = "") -> list[Element]:
        page = html_reader.parse_page(
            (await admin.get(f"/projects/{tenant.app.id}/log{query}")).text
        )
        return page.all("section")

    watched, changed = await log()
    assert [link["href"] for link in watched.all("a")][:2] == [replay, replay]
    assert "Project changed" in changed.text
    assert "name: Other" in changed.text
    person = await somebody(tenant)
    data = {"email": person.email, "role": "viewer"}
    async with signed_in(tenant, person, role=Role.MEMBER):
        await admin.post(path(tenant, "/members"), data=data)
    assert person.name in (await log())[1].text, "whose role it was is told by name"
    watched, changed = await log()
    (older,) = watched.all("a", rel="next")
    watched, changed = await log(f"?{older['href'].partition('?')[2]}")
    assert len(watched.all("tr")) == 2, "its head and the one that is left"
    assert "Project changed" in changed.text


async def test_members_come_in_parts(
    tenant: Server, admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    """The page says which members it shows, and leads on to the others until the last."""
    for module in (project_overview, project_settings):
        monkeypatch.setattr(module, "PART_MEMBERS", 2)
    monkeypatch.setattr("app.web.settings.build.PART_MEMBERS", 2)
    monkeypatch.setattr("app.web.project.build.PART_MEMBERS", 2)
    for _ in range(2):
        async with signed_in(tenant, await somebody(tenant), role=Role.VIEWER):
            pass
    total = len(await roles_of(tenant))
    for address in (path(tenant), f"/projects/{tenant.app.id}"):
        shown: set[str] = set()
        following: str | None = f"{address}"
        while following:
            page = html_reader.parse_page((await admin.get(following)).text)
            section = next(one for one in page.all("section") if "Members" in one.text[:20])
            shown |= {email for email in await roles_of(tenant) if email in section.text}
            links = [link["href"] for link in section.all("a") if "Next" in link.text]
            following = links[0].partition("#")[0] if links else None
        assert len(shown) == total


async def test_keys_come_in_parts(
    tenant: Server, admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    """All keys fit at the limit; with one more, the page says so and leads on to it."""
    monkeypatch.setattr(project_overview, "PART_KEYS", 1)
    monkeypatch.setattr("app.web.project.build.PART_KEYS", 1)
    assert "Showing" not in (await admin.get(f"/projects/{tenant.app.id}")).text
    async with tenant.database.transaction() as connection:
        await project_writes.add_key(connection, tenant.app.id, label="Second key")
    first = (await admin.get(f"/projects/{tenant.app.id}")).text
    assert "Showing the first 1 of 2 keys." in first
    assert "Second key" not in first
    second = (await admin.get(f"/projects/{tenant.app.id}?keys=1")).text
    assert "Second key" in second
    assert "Showing keys 2 to 2 of 2." in second


async def test_a_person_changes_their_name(tenant: Server, admin: httpx2.AsyncClient):
    """Others see the new name; an empty one is refused."""
    assert (await admin.post("/account/name", data={"name": "Ada L."})).status_code == 303
    assert "Ada L." in (await admin.get(path(tenant))).text
    assert (await admin.post("/account/name", data={"name": " "})).status_code == 400
