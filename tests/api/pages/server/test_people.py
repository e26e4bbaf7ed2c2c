"""Tests of the people of the server: invitations, links, rights, sign-ins and who may see them."""

import re
import uuid
from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio

from app.accounts import queries as accounts
from app.accounts.model import Person
from app.audit import queries as audit
from app.audit.model import AuditLine
from app.memberships import queries as memberships
from app.memberships.model import Role
from tests.support import html_reader
from tests.support.browsers import signed_in, stranger
from tests.support.builders.people import PASSWORD, make_person
from tests.support.html_reader import Element
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

NEW_PASSWORD = "a few unrelated words"


def make_address() -> str:
    """Return an address that nobody has."""
    return f"{uuid.uuid4().hex}@example.com"


async def find_person(tenant: Server, email: str) -> Person:
    """Return the person with an address, who must be there."""
    async with tenant.database.reading() as connection:
        person = await accounts.find_person(connection, email)
    assert person is not None
    return person


async def read_roles(tenant: Server) -> dict[str, Role]:
    """Return the roles of the members of the app's project, by address."""
    async with tenant.database.reading() as connection:
        members = await memberships.list_members(connection, tenant.app.id)
    return {member.person.email: member.role for member in members}


async def list_changes(tenant: Server, person: Person) -> list[AuditLine]:
    """Return what was done to a person, the oldest first."""
    async with tenant.database.reading() as connection:
        lines = await audit.list_audit_lines(connection, limit=1_000)
    return [line for line in lines if line.subject == str(person.id)][::-1]


def find_link(page: str) -> str:
    """Return the path of the sign-in link that a page shows."""
    (path,) = {match[1] for match in re.finditer(r"https?://[^/\"]+(/sign-in/[\w-]{43})", page)}
    return path


def find_problem(page: str) -> str:
    """Return what a page says is wrong."""
    return html_reader.parse_page(page).one("p", class_="problem-box").text


def list_people(page: str) -> list[str]:
    """Return the addresses in the list of people."""
    people = html_reader.parse_page(page).all("ul", class_="card people")
    return [row.all("p", class_="quiet")[0].text for each in people for row in each.all("li")]


@pytest_asyncio.fixture(loop_scope="session")
async def admin_person(tenant: Server) -> Person:
    """An admin of the server."""
    return await make_person(tenant.database, f"admin-{make_address()}", is_admin=True)


@pytest_asyncio.fixture(loop_scope="session")
async def admin(tenant: Server, admin_person: Person) -> AsyncIterator[httpx2.AsyncClient]:
    """The browser of an admin of the server."""
    async with signed_in(tenant, admin_person) as browser:
        yield browser


async def test_an_invited_person_comes_in_by_the_link_and_reads_one_project(
    tenant: Server, admin: httpx2.AsyncClient, admin_person: Person
):
    """One form adds the account, the role and the link; the link works once and is shown once."""
    email = make_address()
    form = {"email": email.upper(), "project": str(tenant.app.id), "role": "viewer", "days": "7"}
    answer = await admin.post("/server/people/invite", data=form)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    link = find_link(answer.text)
    person = await find_person(tenant, email)
    assert (await read_roles(tenant))[email] is Role.VIEWER
    assert link not in (await admin.get(f"/server/people/{person.id}")).text
    assert "invited" in (await admin.get("/server/people", params={"search": email})).text
    async with stranger(tenant) as browser:
        assert (await browser.post(link)).headers["location"] == "/account/password"
        chosen = {"password": NEW_PASSWORD, "again": NEW_PASSWORD}
        assert (await browser.post("/account/password", data=chosen)).status_code == 303
        assert (await browser.get(f"/projects/{tenant.app.id}")).status_code == 200
        assert (await browser.get(f"/projects/{tenant.app.id}/settings")).status_code == 403
        assert (await browser.get(f"/projects/{tenant.backend.id}")).status_code == 404
    async with stranger(tenant) as browser:
        assert (await browser.post(link)).status_code == 410
    changes = await list_changes(tenant, person)
    assert [line.action for line in changes] == ["person_added", "member_set", "link_made"]
    assert {line.person_id for line in changes} == {admin_person.id}
    assert changes[2].detail == {"for": "invitation", "days": 7}


async def test_an_existing_person_is_added_without_a_link(
    tenant: Server, admin: httpx2.AsyncClient
):
    """Who signs in already gets the role; a second role or a mere repetition is refused."""
    person = await make_person(tenant.database, make_address())
    async with signed_in(tenant, person):
        form = {"email": person.email, "project": str(tenant.app.id), "role": "member"}
        added = await admin.post("/server/people/invite", data=form)
        assert added.headers["location"] == f"/server/people/{person.id}?done=member-added"
        again = await admin.post("/server/people/invite", data={**form, "role": "viewer"})
        assert again.status_code == 400
        assert "with the role member" in find_problem(again.text)
        alone = await admin.post("/server/people/invite", data={"email": person.email})
        assert "has an account already" in find_problem(alone.text)
    assert (await read_roles(tenant))[person.email] is Role.MEMBER


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"email": "qa"}, "is not an e-mail address"),
        ({"email": ""}, "is not an e-mail address"),
        ({"role": "emperor", "project": "APP"}, "Choose a role"),
        ({"role": "", "project": "APP"}, "Choose a role"),
        ({"project": "x" * 30}, "Choose a project"),
        ({"project": "\N{ARABIC-INDIC DIGIT ONE}"}, "Choose a project"),
    ],
)
async def test_a_bad_invitation_keeps_what_was_typed_and_adds_nobody(
    tenant: Server, admin: httpx2.AsyncClient, fields: dict[str, str], problem: str
):
    """The form comes back with the problem, and the account of the same transaction is undone."""
    email = make_address()
    form = {"email": email, "name": "<Q&A>", **fields}
    form = {name: value.replace("APP", str(tenant.app.id)) for name, value in form.items()}
    refused = await admin.post("/server/people/invite", data=form)
    assert refused.status_code == 400
    assert problem in find_problem(refused.text)
    page = html_reader.parse_page(refused.text)
    assert page.one("input", id="name")["value"] == "<Q&A>"
    async with tenant.database.reading() as connection:
        assert await accounts.find_person(connection, email) is None


async def test_an_invitation_to_a_project_that_is_gone_adds_nobody(
    tenant: Server, admin: httpx2.AsyncClient
):
    """The answer is 404, and nothing of the invitation stays."""
    email = make_address()
    form = {"email": email, "project": "999999999", "role": "viewer"}
    assert (await admin.post("/server/people/invite", data=form)).status_code == 404
    async with tenant.database.reading() as connection:
        assert await accounts.find_person(connection, email) is None


async def test_a_withdrawn_link_and_a_replaced_one_let_nobody_in(
    tenant: Server, admin: httpx2.AsyncClient
):
    """A new link ends the one before, and withdrawing ends the last."""
    person = await make_person(tenant.database, make_address())
    path = f"/server/people/{person.id}"
    first = find_link((await admin.post(f"{path}/link", data={"days": "3"})).text)
    second = find_link((await admin.post(f"{path}/link", data={"days": "1"})).text)
    async with stranger(tenant) as browser:
        assert (await browser.get(first)).status_code == 410
        assert (await browser.get(second)).status_code == 200
        withdrawn = await admin.post(f"{path}/link/withdraw")
        assert withdrawn.headers["location"] == f"{path}?done=link-withdrawn"
        assert (await browser.post(second)).status_code == 410
    await admin.post(f"{path}/link/withdraw")
    actions = [line.action for line in await list_changes(tenant, person)]
    assert actions == ["link_made", "link_made", "link_withdrawn"]


async def test_deactivating_signs_out_at_once_and_reactivating_lets_back_in(
    tenant: Server, admin: httpx2.AsyncClient
):
    """The very next request of a deactivated person is a stranger's, also for parts of a replay."""
    person = await make_person(tenant.database, make_address(), password=PASSWORD)
    path = f"/server/people/{person.id}"
    link = find_link((await admin.post(f"{path}/link", data={"days": "1"})).text)
    async with signed_in(tenant, person, role=Role.MEMBER) as browser:
        assert (await browser.get("/replays")).status_code == 200
        assert (await admin.post(f"{path}/deactivate")).status_code == 303
        assert (await browser.get("/replays", headers={"accept": "*/*"})).status_code == 401
        form = {"email": person.email, "password": PASSWORD}
        assert (await browser.post("/sign-in", data=form)).status_code == 401
        assert (await browser.post(link)).status_code == 410
        refused = await admin.post(f"{path}/link", data={"days": "1"})
        assert "is deactivated" in find_problem(refused.text)
        again = {"email": person.email, "project": str(tenant.backend.id), "role": "viewer"}
        refused = await admin.post("/server/people/invite", data=again)
        assert "reactivate them first" in find_problem(refused.text)
        answer = await admin.get(f"/server/people?show=deactivated&search={person.email}")
        assert list_people(answer.text) == [person.email]
        assert (await admin.post(f"{path}/reactivate")).status_code == 303
        assert (await browser.get("/replays", headers={"accept": "*/*"})).status_code == 401
        assert (await browser.post("/sign-in", data=form)).status_code == 303
    assert (await read_roles(tenant))[person.email] is Role.MEMBER
    actions = [line.action for line in await list_changes(tenant, person)]
    assert actions == ["link_made", "person_disabled", "person_enabled"]


async def test_an_admin_ends_one_sign_in_or_all_of_a_person(
    tenant: Server, admin: httpx2.AsyncClient
):
    """The page names browser and address; what is ended is over with the next request."""
    person = await make_person(tenant.database, make_address(), password=PASSWORD)
    path = f"/server/people/{person.id}"
    form = {"email": person.email, "password": PASSWORD}
    async with stranger(tenant) as one, stranger(tenant) as two, stranger(tenant) as three:
        for browser in (one, two, three):
            browser.headers["user-agent"] = "Mozilla/5.0 (X11; Linux) Firefox/144"
            assert (await browser.post("/sign-in", data=form)).status_code == 303
        page = html_reader.parse_page((await admin.get(path)).text).one("section", id="sign-ins")
        assert page.text.count("Firefox 144 on Linux From 127.0.0.1") == 3
        ends = [form["action"] for form in page.all("form") if "sign-ins/end" not in form["action"]]
        assert len(ends) == 3
        assert (await admin.post(ends[0])).status_code == 303
        assert (await admin.post(ends[0])).status_code == 404
        statuses = [
            (await browser.get("/replays", headers={"accept": "*/*"})).status_code
            for browser in (one, two, three)
        ]
        assert sorted(statuses) == [200, 200, 401]
        assert (await admin.post(f"{path}/sign-ins/end")).status_code == 303
        for browser in (one, two, three):
            assert (await browser.get("/replays", headers={"accept": "*/*"})).status_code == 401
    changes = [line for line in await list_changes(tenant, person) if "ended" in line.action]
    assert [line.detail for line in changes] == [{}, {"sign_ins": 2}]


async def test_the_handle_of_somebody_else_ends_nothing(tenant: Server, admin: httpx2.AsyncClient):
    """A sign-in is ended at the address of its own person only."""
    person, other = [await make_person(tenant.database, make_address()) for _ in range(2)]
    async with signed_in(tenant, person) as browser:
        page = html_reader.parse_page((await admin.get(f"/server/people/{person.id}")).text)
        (end,) = [form["action"] for form in page.all("form") if form["action"].endswith("/end")][
            :1
        ]
        forged = end.replace(f"/people/{person.id}/", f"/people/{other.id}/")
        assert (await admin.post(forged)).status_code == 404
        assert (await browser.get("/replays")).status_code == 200


async def test_an_admin_gives_roles_and_rights_but_not_to_themselves(
    tenant: Server, admin: httpx2.AsyncClient, admin_person: Person
):
    """Roles are set, changed and taken away; one's own rights are another admin's to change."""
    person = await make_person(tenant.database, make_address())
    path = f"/server/people/{person.id}"
    for role in ("viewer", "owner"):
        form = {"project": str(tenant.app.id), "role": role}
        saved = await admin.post(f"{path}/role", data=form)
        assert saved.headers["location"] == f"{path}?done=member-set"
        assert (await read_roles(tenant))[person.email] == role
    gone = await admin.post(f"{path}/role", data={"project": str(tenant.app.id)})
    assert gone.headers["location"] == f"{path}?done=member-removed"
    assert person.email not in await read_roles(tenant)
    for bad in ({"project": "x", "role": "viewer"}, {"role": "viewer"}, {}):
        assert (await admin.post(f"{path}/role", data=bad)).status_code == 400
    for value, expected in (("yes", True), ("no", False)):
        await admin.post(f"{path}/admin", data={"admin": value})
        assert (await find_person(tenant, person.email)).is_admin is expected
    own_path = f"/server/people/{admin_person.id}"
    for action, form in (("admin", {"admin": "no"}), ("deactivate", {})):
        refused = await admin.post(f"{own_path}/{action}", data=form)
        assert refused.status_code == 403
        assert "another admin" in find_problem(refused.text)
    assert (await find_person(tenant, admin_person.email)).is_admin
    actions = [line.action for line in await list_changes(tenant, person)]
    assert actions == [
        "member_set", "member_set", "member_removed", "person_changed", "person_changed",
    ]  # fmt: skip


async def test_the_list_is_searched_filtered_and_read_on(tenant: Server, admin: httpx2.AsyncClient):
    """A search takes signs as they are, and 101 people are two parts."""
    mark = uuid.uuid4().hex
    emails = [f"p{number:03d}-{mark}@example.com" for number in range(101)]
    for email in emails:
        await make_person(tenant.database, email)
    odd = await make_person(tenant.database, f"100%_{mark}@example.com")

    async def search(**query: str) -> Element:
        return html_reader.parse_page((await admin.get("/server/people", params=query)).text)

    async def find(**query: str) -> list[str]:
        return list_people((await admin.get("/server/people", params=query)).text)

    first = await search(search=mark.upper())
    assert "Showing the first 100 of 102 accounts" in first.text
    next_part = first.one("a", "data-next-part")["href"]
    people = list_people((await admin.get(next_part)).text)
    assert len(people) == 2
    assert await find(search=f"100%_{mark}") == [odd.email]
    assert await find(search=f"%{mark}%") == []
    assert await find(search=f"p000-{mark}", show="active") == []
    assert await find(search=f"p000-{mark}", show="invited") == [emails[0]]
    assert await find(search=mark, show="admins") == []
    assert "Nobody matches" in (await search(search="\\" + mark)).text
    assert "Showing" in (await search(search=mark, show="no-such")).text


async def test_only_admins_of_the_server_see_the_pages_and_the_link_to_them(
    tenant: Server, admin: httpx2.AsyncClient
):
    """An owner of a project gets 403, a stranger the sign-in form, and other sites nothing."""
    owner = await make_person(tenant.database, make_address())
    async with signed_in(tenant, owner, role=Role.OWNER) as browser:
        for path in ("/server", "/server/people", "/server/people/invite", "/server/people/1"):
            assert (await browser.get(path)).status_code == 403, path
        assert "/server/people" not in (await browser.get("/projects")).text
    assert 'href="/server/people"' in (await admin.get("/projects")).text
    assert (await admin.get("/server")).headers["location"] == "/server/people"
    assert (await admin.get("/server/people/999999999")).status_code == 404
    async with stranger(tenant) as browser:
        assert (await browser.get("/server/people")).headers["location"].startswith("/sign-in")
    forged = await admin.post(
        f"/server/people/{owner.id}/deactivate",
        headers={"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
    )
    assert forged.status_code == 403
    assert (await find_person(tenant, owner.email)).disabled_at is None


async def test_an_admin_of_the_server_adds_a_stranger_from_the_settings_of_a_project(
    tenant: Server, admin: httpx2.AsyncClient
):
    """An address without an account gets one with its role, and the link is shown once."""
    email = make_address()
    path = f"/projects/{tenant.app.id}/settings/members"
    answer = await admin.post(path, data={"email": email, "role": "viewer"})
    assert answer.status_code == 200
    link = find_link(answer.text)
    assert (await read_roles(tenant))[email] is Role.VIEWER
    async with stranger(tenant) as browser:
        assert (await browser.post(link)).status_code == 303
        assert (await browser.get(f"/projects/{tenant.app.id}")).status_code == 200
    again = await admin.post(path, data={"email": email, "role": "member"})
    assert again.headers["location"].endswith("?done=member-set")
