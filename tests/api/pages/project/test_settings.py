"""Tests of the settings of a project."""

import uuid
from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio

from app.accounts import writes as accounts_writes
from app.accounts.model import Person
from app.administration.projects import project_overview, project_settings
from app.audit import queries as audit
from app.memberships import queries as memberships
from app.memberships.model import Role
from app.projects import writes as project_writes
from tests.support import html_reader
from tests.support.browsers import signed_in
from tests.support.builders.people import make_person
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def add_somebody(tenant: Server) -> Person:
    """Add a person with a new address."""
    return await make_person(tenant.database, f"{uuid.uuid4().hex}@example.com")


async def read_roles(tenant: Server) -> dict[str, Role]:
    """Return the roles of the members of the app's project, by address."""
    async with tenant.database.reading() as connection:
        members = await memberships.list_members(connection, tenant.app.id)
    return {member.person.email: member.role for member in members}


async def list_actions(tenant: Server) -> list[str]:
    """Return the actions in the audit log of the app's project, the last one first."""
    async with tenant.database.reading() as connection:
        lines = await audit.list_audit_lines(connection, project_id=tenant.app.id)
    return [line.action for line in lines]


def settings_path(tenant: Server, below: str = "") -> str:
    """Return the address of the project's settings, or of a form in them."""
    return f"/projects/{tenant.app.id}/settings{below}"


@pytest_asyncio.fixture(loop_scope="session")
async def admin(tenant: Server) -> AsyncIterator[httpx2.AsyncClient]:
    """The browser of an admin of the app's project."""
    async with signed_in(tenant, await add_somebody(tenant), role=Role.ADMIN) as browser:
        yield browser


async def test_an_admin_renames_a_project(tenant: Server, admin: httpx2.AsyncClient):
    """The settings show the new name; an empty name is refused with a reason."""
    saved = await admin.post(settings_path(tenant, "/name"), data={"name": " Shop, new "})
    assert saved.status_code == 303
    page = html_reader.parse_page((await admin.get(settings_path(tenant))).text)
    assert page.one("input", id="name")["value"] == "Shop, new"
    refused = await admin.post(settings_path(tenant, "/name"), data={"name": " "})
    assert refused.status_code == 400
    assert "needs 1 to" in html_reader.parse_page(refused.text).one("p", class_="problem-box").text
    assert await list_actions(tenant) == ["project_changed"]


async def test_a_member_is_invited_accepts_gets_a_new_role_and_is_removed(
    tenant: Server, admin: httpx2.AsyncClient
):
    """An invitation makes nobody a member until they accept, and the log has every step."""
    person = await add_somebody(tenant)
    data = {"email": person.email.upper(), "role": "member"}
    invited = await admin.post(settings_path(tenant, "/members"), data=data)
    assert invited.headers["location"] == settings_path(tenant, "?done=invited")
    assert person.email not in await read_roles(tenant)
    answer_path = f"/projects/{tenant.app.id}/invitation"
    async with signed_in(tenant, person) as browser:
        assert (await browser.get(f"/projects/{tenant.app.id}")).status_code == 404
        form = html_reader.parse_page((await browser.get("/projects")).text).one(
            "form", action=answer_path
        )
        assert "Accept" in form.text
        accepted = await browser.post(answer_path, data={"answer": "accept"})
        assert accepted.headers["location"].startswith(f"/projects/{tenant.app.id}?")
        assert (await read_roles(tenant))[person.email] == Role.MEMBER
        assert (await browser.post(answer_path, data={"answer": "accept"})).status_code == 404
    changed = await admin.post(settings_path(tenant, "/members"), data={**data, "role": "viewer"})
    assert changed.headers["location"] == settings_path(tenant, "?done=member-set")
    assert (await read_roles(tenant))[person.email] == Role.VIEWER
    removed = await admin.post(settings_path(tenant, f"/members/{person.id}/remove"))
    assert removed.status_code == 303
    assert person.email not in await read_roles(tenant)
    assert await list_actions(tenant) == [
        "member_removed",
        "member_set",
        "invitation_accepted",
        "invitation_made",
    ]


async def test_an_admin_of_a_project_does_not_learn_who_has_an_account(
    tenant: Server, admin: httpx2.AsyncClient
):
    """Inviting a person, a disabled person or nobody gives the same answers and pages."""
    registered, disabled = await add_somebody(tenant), await add_somebody(tenant)
    async with tenant.database.transaction() as connection:
        await accounts_writes.rename_person(connection, registered.id, "A name of their own")
        await accounts_writes.disable_person(connection, disabled.id)
    answers = set()
    for email in (registered.email, disabled.email, f"{uuid.uuid4().hex}@example.com"):
        answer = await admin.post(
            settings_path(tenant, "/members"), data={"email": email, "role": "viewer"}
        )
        page = (await admin.get(answer.headers["location"])).text
        log = (await admin.get(f"/projects/{tenant.app.id}/log")).text
        assert email in page
        back = await admin.post(
            settings_path(tenant, "/invitations/withdraw"), data={"email": email}
        )
        answers.add((answer.status_code, page.replace(email, "EMAIL"), back.status_code))
        assert "A name of their own" not in page + log
    assert len(answers) == 1


async def test_an_invitation_can_be_declined_and_withdrawn_but_not_forged(
    tenant: Server, admin: httpx2.AsyncClient
):
    """Only the person with the address may answer, and only admins may withdraw."""
    person, other_person = await add_somebody(tenant), await add_somebody(tenant)
    answer_path = f"/projects/{tenant.app.id}/invitation"
    data = {"email": person.email, "role": "admin"}
    async with signed_in(tenant, person) as browser, signed_in(tenant, other_person) as stranger:
        for form in ({"answer": "accept"}, {"answer": "decline"}, {}):
            assert (await browser.post(answer_path, data=form)).status_code == 404
        await admin.post(settings_path(tenant, "/members"), data=data)
        assert (await stranger.post(answer_path, data={"answer": "accept"})).status_code == 404
        assert answer_path not in (await stranger.get("/projects")).text
        declined = await browser.post(answer_path, data={"answer": "decline"})
        assert declined.headers["location"] == "/projects?done=invitation-declined"
        await admin.post(settings_path(tenant, "/members"), data=data)
        async with signed_in(tenant, other_person, role=Role.MEMBER) as member:
            refused = await member.post(settings_path(tenant, "/invitations/withdraw"), data=data)
            assert refused.status_code == 403
        await admin.post(settings_path(tenant, "/invitations/withdraw"), data=data)
        assert (await browser.post(answer_path, data={"answer": "accept"})).status_code == 404
    assert person.email not in (await admin.get(settings_path(tenant))).text


async def test_an_invalid_invitation_is_refused_with_a_reason(
    tenant: Server, admin: httpx2.AsyncClient
):
    """A text that is not an address, or an unknown role, changes nothing."""
    for data in ({"email": "nobody", "role": "member"}, {"email": "", "role": "king"}):
        refused = await admin.post(settings_path(tenant, "/members"), data=data)
        assert refused.status_code == 400
        assert html_reader.parse_page(refused.text).one("p", class_="problem-box").text
    assert await list_actions(tenant) == []


async def test_nobody_gives_or_takes_a_role_above_their_own(
    tenant: Server, admin: httpx2.AsyncClient
):
    """Admins neither make nor remove owners, and members see no settings."""
    owner = await add_somebody(tenant)
    async with signed_in(tenant, owner, role=Role.OWNER) as browser:
        refused = await admin.post(
            settings_path(tenant, "/members"), data={"email": owner.email, "role": "viewer"}
        )
        assert refused.status_code == 403
        removed = await admin.post(settings_path(tenant, f"/members/{owner.id}/remove"))
        assert removed.status_code == 403
        raised = {"email": (await add_somebody(tenant)).email, "role": "owner"}
        assert (await admin.post(settings_path(tenant, "/members"), data=raised)).status_code == 403
        assert (
            await browser.post(settings_path(tenant, "/members"), data=raised)
        ).status_code == 303
    async with signed_in(tenant, await add_somebody(tenant), role=Role.MEMBER) as browser:
        assert (await browser.get(settings_path(tenant))).status_code == 403
        assert (
            await browser.post(settings_path(tenant, "/name"), data={"name": "x"})
        ).status_code == 403
        assert (await browser.get(f"/projects/{tenant.app.id}/log")).status_code == 403
    assert (await read_roles(tenant))[owner.email] == Role.OWNER


async def test_members_of_a_project_are_shown_in_parts(
    tenant: Server, admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    """The page says which members it shows, and leads on to the others until the last."""
    for module in (project_overview, project_settings):
        monkeypatch.setattr(module, "PART_MEMBERS", 2)
    monkeypatch.setattr("app.web.settings.build.PART_MEMBERS", 2)
    monkeypatch.setattr("app.web.project.build.PART_MEMBERS", 2)
    for _ in range(2):
        async with signed_in(tenant, await add_somebody(tenant), role=Role.VIEWER):
            pass
    total = len(await read_roles(tenant))
    for address in (settings_path(tenant), f"/projects/{tenant.app.id}"):
        shown_emails: set[str] = set()
        following: str | None = f"{address}"
        while following:
            page = html_reader.parse_page((await admin.get(following)).text)
            sections = page.all("section")
            section = next(section for section in sections if "Members" in section.text[:20])
            shown_emails |= {email for email in await read_roles(tenant) if email in section.text}
            links = [link["href"] for link in section.all("a") if "Next" in link.text]
            following = links[0].partition("#")[0] if links else None
        assert len(shown_emails) == total


async def test_keys_of_a_project_are_shown_in_parts(
    tenant: Server, admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    """All keys fit at the limit; with one more, the page says so and links to it."""
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
    """Other people see the new name; an empty one is refused."""
    assert (await admin.post("/account/name", data={"name": "Ada L."})).status_code == 303
    assert "Ada L." in (await admin.get(settings_path(tenant))).text
    assert (await admin.post("/account/name", data={"name": " "})).status_code == 400
