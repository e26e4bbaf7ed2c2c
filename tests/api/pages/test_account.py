"""Tests of signing in and out, of accounts, of new projects, and of requests by strangers."""

import asyncio
import re

import pytest

from app.accounts import links
from app.accounts.model import Person
from app.projects import queries as projects
from tests.support.browsers import signed_in, stranger
from tests.support.builders.people import PASSWORD, make_person
from tests.support.servers.server import Server


async def make_link(server: Server, person: Person) -> str:
    """Create a sign-in link."""
    async with server.database.transaction() as connection:
        return f"/sign-in/{await links.make_sign_in_link(connection, person.id)}"


async def test_all_other_sign_ins_end_at_once(server: Server):
    """The browser that asks stays signed in, and the page says from where each sign-in came."""
    person = await make_person(server.database, password=PASSWORD)
    form = {"email": person.email, "password": PASSWORD}
    async with signed_in(server, person) as other, stranger(server) as browser:
        await browser.post("/sign-in", data=form)
        page = (await browser.get("/account")).text
        assert "127.0.0.1" in page
        assert "/account/sign-ins/end-others" in page
        ended = await browser.post("/account/sign-ins/end-others")
        assert ended.headers["location"] == "/account?done=other-sign-ins-ended"
        assert (await other.get("/account", headers={"accept": "*/*"})).status_code == 401
        left = (await browser.get("/account")).text
        assert "/account/sign-ins/end-others" not in left


async def test_a_stranger_is_led_to_the_sign_in_form_and_back(server: Server):
    """After signing in, the page that was asked for is shown; scripts get 401."""
    await make_person(server.database, password=PASSWORD)
    async with stranger(server) as browser:
        redirect = await browser.get("/projects?x=1")
        assert redirect.headers["location"] == "/sign-in?back=%2Fprojects%3Fx%3D1"
        assert (await browser.get("/projects", headers={"accept": "*/*"})).status_code == 401
        form = await browser.get(redirect.headers["location"])
        assert 'value="/projects?x=1"' in form.text
        fields = {"email": "Ada@example.com", "password": PASSWORD, "back": "/projects?x=1"}
        signed_in_answer = await browser.post("/sign-in", data=fields)
        assert (signed_in_answer.status_code, signed_in_answer.headers["location"]) == (
            303,
            "/projects?x=1",
        )
        cookie = signed_in_answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert "secure" not in cookie
        assert (await browser.get("/projects")).status_code == 200
        signed_out = await browser.post("/sign-out")
        assert signed_out.headers["clear-site-data"] == '"cache", "storage"'
        assert (await browser.get("/projects")).status_code == 303


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil.example", ""])
async def test_nobody_is_led_elsewhere_after_signing_in(server: Server, back: str):
    """The server follows only paths of its own after a sign-in."""
    await make_person(server.database, password=PASSWORD)
    async with stranger(server) as browser:
        fields = {"email": "ada@example.com", "password": PASSWORD, "back": back}
        entered = await browser.post("/sign-in", data=fields)
        assert entered.headers["location"] == "/replays"


async def test_the_sixth_wrong_password_is_one_too_many(server: Server):
    """The first five answers do not reveal whether the address is known, and the sixth is 429."""
    await make_person(server.database, password=PASSWORD)
    async with stranger(server) as browser:
        fields = {"email": "ada@example.com", "password": "wrong"}
        for _ in range(5):
            refused = await browser.post("/sign-in", data=fields)
            assert refused.status_code == 401
            assert "The address or the password is wrong." in refused.text
        limited = await browser.post("/sign-in", data=fields)
        assert limited.status_code == 429
        assert 0 < int(limited.headers["retry-after"]) <= 15 * 60
        assert "Too many failed sign-ins; try again in 15 minutes" in limited.text
        assert 'value="ada@example.com"' in limited.text


async def test_many_sign_ins_at_once_are_limited(server: Server):
    """Few of forty guesses at once from one network are checked; none causes a server error."""
    async with stranger(server) as browser:
        fields = {"email": "ada@example.com", "password": "wrong"}
        answers = await asyncio.gather(
            *(browser.post("/sign-in", data={**fields, "email": f"{n}@a.de"}) for n in range(40))
        )
        assert {answer.status_code for answer in answers} == {401, 429}
        waits = {answer.headers.get("retry-after") for answer in answers}
        assert waits == {None, "5"}
        assert (await browser.post("/sign-in", data=fields)).status_code == 401


async def test_a_sign_in_link_signs_in_once_and_replaces_the_password(server: Server):
    """Opening the link does nothing; its button signs in, and the old password is not needed."""
    person = await make_person(server.database, password=PASSWORD)
    link = await make_link(server, person)
    async with stranger(server) as browser:
        for _ in range(2):
            assert "ada@example.com" in (await browser.get(link)).text
        used = await browser.post(link)
        assert (used.status_code, used.headers["location"]) == (303, "/account/password")
        assert "Choose a password" in (await browser.get("/account/password")).text
        short = await browser.post("/account/password", data={"password": "a", "again": "a"})
        assert (short.status_code, "at least 12" in short.text) == (400, True)
        easy = {"password": "ada-ada-2026", "again": "ada-ada-2026"}
        refused = await browser.post("/account/password", data=easy)
        assert (refused.status_code, "easy to guess" in refused.text) == (400, True)
        differing = {"password": "a new long password", "again": "another long one"}
        assert "not the same" in (await browser.post("/account/password", data=differing)).text
        same = {"password": "a new long password", "again": "a new long password"}
        saved = await browser.post("/account/password", data=same)
        assert saved.headers["location"] == "/replays?done=password-saved"
        assert (await browser.get("/replays")).status_code == 200
        assert (await browser.get(link)).status_code == 410
        assert (await browser.post(link)).status_code == 410
        # The link stood in for the password once.
        assert (await browser.get("/account/password")).headers["location"] == "/account"
        assert (await browser.post("/account/password", data=same)).status_code == 401


async def test_people_end_their_own_sign_ins(server: Server):
    """Other sign-ins and this one can be ended; those of other people are not found."""
    await make_person(server.database, password=PASSWORD)
    fields = {"email": "ada@example.com", "password": PASSWORD}
    async with stranger(server) as desk, stranger(server) as phone:
        await desk.post("/sign-in", data=fields)
        await phone.post("/sign-in", data=fields, headers={"user-agent": "Firefox/144.0 Android"})
        page = (await desk.get("/account")).text
        assert "Firefox 144 on Android" in page
        handles = re.findall(r"/account/sign-ins/([0-9a-f]+)/end", page)
        assert (await server.web.post(f"/account/sign-ins/{handles[0]}/end")).status_code == 404
        # The last used is named first: end the other before this one.
        for handle in reversed(handles):
            await phone.post(f"/account/sign-ins/{handle}/end")
        assert (await desk.get("/account")).status_code == 303
        assert (await phone.get("/account")).status_code == 303


async def test_a_full_list_of_sign_ins_says_so(server: Server, monkeypatch: pytest.MonkeyPatch):
    """The page says that older sign-ins may exist, once the list is at its limit."""
    person = await make_person(server.database)
    monkeypatch.setattr("app.web.account.build.MOST_LISTED", 2)
    async with signed_in(server, person) as browser:
        assert "Only the sign-ins" not in (await browser.get("/account")).text
        async with signed_in(server, person):
            assert "Only the sign-ins" in (await browser.get("/account")).text


async def test_an_admin_makes_a_project_with_a_key(server: Server):
    """The page of the new project shows its DSN; a name that cannot be used is refused."""
    assert (await server.web.get("/projects/new")).status_code == 200
    created = await server.web.post("/projects/new", data={"name": "Café"})
    page = await server.web.get(created.headers["location"])
    assert "Café" in page.text
    assert re.search(r"http://[0-9a-f]{32}@127\.0\.0\.1:\d+/\d+", page.text)
    assert "Café" in (await server.web.get("/projects")).text
    assert (await server.web.post("/projects/new", data={"name": " "})).status_code == 400


async def test_an_admin_of_the_server_makes_members_directly(server: Server):
    """An address that nobody has gets an account, and its link is shown."""
    person = await make_person(server.database)
    settings = f"/projects/{server.app.id}/settings"
    data = {"email": person.email, "role": "member"}
    added = await server.web.post(f"{settings}/members", data=data)
    assert added.headers["location"] == f"{settings}?done=member-set"
    async with signed_in(server, person) as browser:
        assert (await browser.get(f"/projects/{server.app.id}")).status_code == 200
    nobody = {"email": "nobody@example.com", "role": "member"}
    invited = await server.web.post(f"{settings}/members", data=nobody)
    assert invited.status_code == 200
    assert "/sign-in/" in invited.text


async def test_only_admins_of_the_server_make_projects(server: Server):
    """Other people neither make projects, nor start the demo, nor see those they are not in."""
    person = await make_person(server.database)
    async with signed_in(server, person) as browser:
        for answer in (
            await browser.get("/projects/new"),
            await browser.post("/projects/new", data={"name": "Mine"}),
            await browser.post("/demo"),
        ):
            assert answer.status_code == 403
        assert (await browser.get(f"/projects/{server.app.id}")).status_code == 404
        assert "You are not a member of any project" in (await browser.get("/projects")).text
        replays = (await browser.get("/replays")).text
        assert "You are not a member of any project" in replays
        assert "/projects/new" not in replays
    async with server.database.reading() as connection:
        names = [project.name for project in await projects.list_all_projects(connection)]
    assert "Mine" not in names


async def test_a_theme_is_remembered(server: Server):
    """The next page has the theme of the cookie, and the form leads back to its page."""
    answer = await server.web.post("/theme", data={"theme": "dark", "back": "/projects"})
    assert answer.headers["location"] == "/projects"
    assert 'data-theme="dark"' in (await server.web.get("/projects")).text


async def test_another_site_cannot_send_our_forms(server: Server):
    """`Origin` or `Sec-Fetch-Site` must name this server; a form with neither is refused."""
    client = server.web
    path = "/sign-out"
    foreign = {"origin": "https://evil.example"}
    assert (await client.post(path, headers={"sec-fetch-site": "cross-site"})).status_code == 403
    assert (await client.post(path, headers=foreign)).status_code == 403
    assert (await client.post(path, headers={"origin": "null"})).status_code == 403
    assert (await server.sender.post(path)).status_code == 403
    same = {"sec-fetch-site": "same-origin"}
    assert (await client.post(path, headers={**same, **foreign})).status_code == 403
    assert (await client.post(path, headers=same)).status_code == 303


async def test_every_answer_carries_the_security_headers(server: Server):
    """Pages, refusals and files have the headers; only files may be cached."""
    page = await server.web.get("/replays")
    missing = await server.web.get("/nowhere")
    refused = await server.sender.post("/sign-out")
    sheet = re.findall(r'href="(/static/[^"]+/css/[^"]+)"', page.text)[0]
    file = await server.web.get(sheet)
    for answer in (page, missing, refused, file):
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; ")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
    assert page.headers["cache-control"] == "no-store"
    assert "immutable" in file.headers["cache-control"]


async def test_addresses_that_lead_nowhere_are_not_found(server: Server):
    """Browsers get a page and scripts one line of text; a wrong method gets 405."""
    for path in ("/nowhere", "/projects/abc", f"/projects/{2**63}", "/projects/0"):
        answer = await server.web.get(path)
        assert answer.status_code == 404
        assert "There is nothing here" in answer.text
        assert 'href="/issues"' in answer.text
        assert 'action="/sign-out"' in answer.text
    async with stranger(server) as somebody:
        assert 'href="/issues"' not in (await somebody.get("/nowhere")).text
    plain = await server.web.get("/nowhere", headers={"accept": "*/*"})
    assert plain.headers["content-type"].startswith("text/plain")
    assert (await server.web.post("/replays")).status_code == 405


async def test_a_form_that_is_too_large_is_refused(server: Server):
    """A form may have 64 KiB and 50 fields."""
    long_form = await server.web.post("/sign-in", data={"email": "x" * 70_000})
    assert long_form.status_code == 413
    wide_form = await server.web.post("/sign-in", data={f"f{number}": "" for number in range(51)})
    assert wide_form.status_code == 400


async def test_browsers_report_and_fetch_the_icon(server: Server):
    """Reports and the icon need neither an origin nor a sign-in."""
    report = await server.sender.post("/csp-report", content=b'{"csp-report": {}}')
    assert report.status_code == 204
    icon = await server.sender.get("/favicon.ico")
    assert icon.headers["content-type"] == "image/svg+xml"
    assert (await server.sender.get("/")).headers["location"] == "/replays"
