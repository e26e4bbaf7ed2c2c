"""Tests of what groups of a sign-in provider give and take, and of checks while somebody works."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest

from app.accounts import links, queries as accounts
from app.administration.people.provider_check import SignInEnding
from app.audit import queries as audit
from app.core import clock
from app.memberships import queries as memberships, writes as membership_writes
from app.memberships.model import Role
from app.openid import provider
from tests.support import html_reader
from tests.support.browsers import stranger
from tests.support.builders.people import PASSWORD, make_person
from tests.support.servers.server import Server
from tests.support.servers.sign_in_providers import (
    ACCESS_TOKEN_LASTS,
    MockProvider,
    let_pass,
    running_mock,
    running_with,
    sign_in_at_mock,
    signed_in_at_mock,
)

GROUPS: dict[str, Any] = {
    "oidc_allowed_groups": ["staff"],
    "oidc_admin_groups": ["operators"],
    "oidc_project_roles": {
        "mobile": {"app": "member", "backend": "viewer"},
        "leads": {"app": "admin"},
        "auditors": {"*": "viewer"},
    },
}


@pytest.fixture
def mock() -> Iterator[MockProvider]:
    """A provider that knows Ada, in the group `mobile`."""
    with running_mock() as provider:
        yield provider


@pytest.fixture
async def server(mock: MockProvider, database_url: str, tmp_path: Path) -> AsyncIterator[Server]:
    """A server where groups decide."""
    async with running_with(mock.issuer, database_url, tmp_path, **GROUPS) as started:
        yield started


async def read_roles(server: Server, email: str = "ada@example.com") -> dict[str, Role]:
    """Return the roles of a person in both projects, as a member."""
    async with server.database.reading() as connection:
        person = await accounts.find_person(connection, email)
        assert person is not None
        names = {server.app.id: "app", server.backend.id: "backend"}
        roles = await memberships.read_roles(connection, person.id, list(names))
    return {names[project_id]: role for project_id, role in roles.items()}


async def list_facts(server: Server, action: str) -> list[dict[str, object]]:
    """Return the facts of the lines of an action, the oldest first."""
    async with server.database.reading() as connection:
        lines = await audit.list_audit_lines(connection)
    return [dict(line.detail) for line in reversed(lines) if line.action == action]


async def status_of(browser: httpx2.AsyncClient, path: str = "/account") -> int:
    """Ask for a page; return the status."""
    return (await browser.get(path)).status_code


async def test_groups_give_roles_at_each_sign_in(server: Server, mock: MockProvider):
    """The strongest role of all groups counts, and what no group gives any more goes."""
    expected = [
        (["mobile"], {"app": Role.MEMBER, "backend": Role.VIEWER}),
        (["mobile", "leads"], {"app": Role.ADMIN, "backend": Role.VIEWER}),
        (["leads", "unknown"], {"app": Role.ADMIN}),
        (["auditors", "leads"], {"app": Role.ADMIN, "backend": Role.VIEWER}),
        (["staff"], {}),
    ]
    for groups, roles in expected:
        mock.describe(groups=groups)
        async with signed_in_at_mock(server):
            assert await read_roles(server) == roles
    changes = await list_facts(server, "member_set")
    assert all(change["by"] == "groups" for change in changes)
    assert {"by": "groups", "role": "admin"} in changes
    assert await list_facts(server, "member_removed") == [{"by": "groups"}] * 3


async def test_a_role_that_somebody_gave_stays(server: Server, mock: MockProvider):
    """Groups neither raise nor take the role that an admin has given by hand."""
    async with signed_in_at_mock(server):
        pass
    async with server.database.transaction() as connection:
        ada = await accounts.find_person(connection, "ada@example.com")
        assert ada is not None
        await membership_writes.set_member(connection, server.app.id, ada.id, Role.OWNER)
    for groups in (["mobile"], ["staff"]):
        mock.describe(groups=groups)
        async with signed_in_at_mock(server):
            assert (await read_roles(server))["app"] is Role.OWNER
    assert "backend" not in await read_roles(server)


async def test_a_group_makes_admins_of_the_server_and_takes_it_back(
    server: Server, mock: MockProvider
):
    """The right lasts as long as the group."""
    mock.describe(groups=["operators"])
    async with signed_in_at_mock(server) as browser:
        assert await status_of(browser, "/projects/new") == 200
        mock.describe(groups=["staff"])
        assert await status_of(browser, "/projects/new") == 200
        await let_pass(server, browser, 11)
        assert await status_of(browser, "/projects/new") == 403
    facts = await list_facts(server, "person_changed")
    assert [fact["server_admin"] for fact in facts] == [True, False]


async def test_a_local_admin_stays_one_whatever_the_provider_says(
    server: Server, mock: MockProvider
):
    """An admin who was made by hand keeps the right and the password, also without any group."""
    root = await make_person(server.database, "ada@example.com", password=PASSWORD, is_admin=True)
    async with signed_in_at_mock(server) as browser:
        assert await status_of(browser, "/projects/new") == 200
        mock.describe(groups=[])
        await let_pass(server, browser, 11)
        assert await status_of(browser) == 303, "the sign-in from the provider is over"
    async with stranger(server) as browser:
        form = {"email": root.email, "password": PASSWORD}
        assert (await browser.post("/sign-in", data=form)).status_code == 303
        assert await status_of(browser, "/projects/new") == 200


async def test_somebody_in_no_group_stays_out(server: Server, mock: MockProvider):
    """The message names the address they came with, and the audit log has one line, not many."""
    mock.describe(groups=["guests"])
    async with stranger(server) as browser:
        for _ in range(2):
            assert (await sign_in_at_mock(browser)).status_code == 401
        answer = await sign_in_at_mock(browser)
        problem = html_reader.parse_page(answer.text).one("p", class_="problem-box").text
        assert "ada@example.com" in problem
        assert "in none of the groups" in problem
    async with server.database.reading() as connection:
        assert await accounts.find_person(connection, "ada@example.com") is None
    facts = {"by": "openid", "reason": "not_in_group", "address": "127.0.0.1"}
    assert await list_facts(server, "sign_in_failed") == [facts]


async def test_a_provider_that_says_nothing_about_groups_lets_nobody_in(
    server: Server, mock: MockProvider
):
    """Without the claim nobody can be in a group, and the message says which one is missing."""
    mock.describe(groups=None)
    async with stranger(server) as browser:
        answer = await sign_in_at_mock(browser)
    assert answer.status_code == 401
    assert "PLAYHEAD_OIDC_GROUPS_CLAIM" in answer.text


async def test_who_leaves_the_group_is_signed_out_everywhere_within_15_minutes(
    server: Server, mock: MockProvider
):
    """A check after 10 minutes of use ends all sign-ins that came from the provider."""
    async with signed_in_at_mock(server) as browser, signed_in_at_mock(server) as other:
        mock.describe(groups=[])
        await let_pass(server, browser, 9)
        assert await status_of(browser) == 200, "it is not asked more often than needed"
        await let_pass(server, browser, 2)
        answer = await browser.get("/account")
        assert answer.headers["location"].startswith("/sign-in?back=%2Faccount&ended=")
        form = await browser.get(answer.headers["location"])
        assert "no longer in a group" in form.text
        assert await status_of(other) == 303
    facts = {"by": "openid", "reason": SignInEnding.NOT_IN_GROUP}
    assert await list_facts(server, "sign_in_ended") == [facts]


async def test_whose_token_is_refused_is_signed_out(server: Server, mock: MockProvider):
    """The provider has ended the session, so this one ends too; another device goes on."""
    async with signed_in_at_mock(server) as browser:
        mock.forget_tokens()
        async with signed_in_at_mock(server) as other:
            await let_pass(server, browser, 11)
            answer = await browser.get("/account", headers={"accept": "*/*"})
            assert answer.status_code == 401
            assert "Example has ended your sign-in" in answer.text
            assert await status_of(other) == 200
    facts = {"by": "openid", "reason": SignInEnding.TOKEN_REFUSED}
    assert await list_facts(server, "sign_in_ended") == [facts]


@pytest.mark.parametrize("path", ["/account", "/projects/{id}", "/replays"])
async def test_a_check_gives_new_roles_to_the_request_that_made_it(
    server: Server, mock: MockProvider, path: str
):
    """Rights are read again after the provider was asked, whichever page it was."""
    async with signed_in_at_mock(server) as browser:
        mock.describe(groups=["leads"])
        await let_pass(server, browser, 14)
        assert await status_of(browser, path.format(id=server.app.id)) == 200
        assert await read_roles(server) == {"app": Role.ADMIN}


async def test_many_requests_at_once_ask_the_provider_once(
    server: Server, mock: MockProvider, monkeypatch: pytest.MonkeyPatch
):
    """One request checks, and the others wait for it: refresh tokens may work only once."""
    import asyncio  # noqa: PLC0415 - of this test alone

    provider = server.service.page_services.sign_in_provider
    assert provider is not None
    asked, check_sign_in = [], type(provider.openid).check_sign_in

    async def count(self: Any, *arguments: Any) -> Any:
        asked.append(arguments)
        return await check_sign_in(self, *arguments)

    monkeypatch.setattr(type(provider.openid), "check_sign_in", count)
    async with signed_in_at_mock(server) as browser:
        await let_pass(server, browser, 20)
        statuses = await asyncio.gather(*(status_of(browser) for _ in range(8)))
    assert statuses == [200] * 8
    assert len(asked) == 1


@asynccontextmanager
async def provider_away(
    database_url: str, folder: Path, **changes: Any
) -> AsyncIterator[tuple[Server, httpx2.AsyncClient, int]]:
    """Offer a browser that has signed in with a provider that does not answer any more."""
    with running_mock() as mock:
        port = int(mock.issuer.rpartition(":")[2])
        started = running_with(mock.issuer, database_url, folder, **changes)
        server = await started.__aenter__()
        browser_context = signed_in_at_mock(server)
        browser = await browser_context.__aenter__()
    try:
        yield server, browser, port
    finally:
        await browser_context.__aexit__(None, None, None)
        await started.__aexit__(None, None, None)


async def test_a_provider_that_is_away_shuts_nobody_out_for_an_hour(
    database_url: str, tmp_path: Path
):
    """An outage says nothing about anybody's rights; after an hour it ends the use all the same."""
    async with provider_away(database_url, tmp_path) as (server, browser, port):
        await let_pass(server, browser, 16)
        page = await browser.get("/account")
        assert page.status_code == 200
        assert "The sign-in provider does not answer" in page.text
        await let_pass(server, browser, 30)
        assert await status_of(browser) == 200
        await let_pass(server, browser, 20)
        answer = await browser.get("/account")
        assert answer.status_code == 503
        assert "The sign-in provider does not answer" in answer.text
        assert (await browser.get("/sign-in")).status_code == 200, "for local admins"
        with running_mock(port=port):
            await let_pass(server, browser, 2)
            # The mock has forgotten the tokens: it answers again, and refuses them.
            assert await status_of(browser) == 303


async def test_without_a_refresh_token_userinfo_is_asked(database_url: str, tmp_path: Path):
    """The access token shows whether the sign-in holds, for as long as it is good."""
    with running_mock(issues_refresh_token=False) as mock:
        async with (
            running_with(mock.issuer, database_url, tmp_path, **GROUPS) as server,
            signed_in_at_mock(server) as browser,
        ):
            mock.describe(groups=["leads"])
            await let_pass(server, browser, 20)
            assert await status_of(browser) == 200
            assert await read_roles(server) == {"app": Role.ADMIN}


async def test_without_any_token_the_browser_goes_to_the_provider_again(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """After 15 minutes a page leads through the provider, where the person is still signed in."""
    with running_mock(issues_refresh_token=False) as mock:
        async with (
            running_with(mock.issuer, database_url, tmp_path, **GROUPS) as server,
            signed_in_at_mock(server) as browser,
        ):
            with monkeypatch.context() as after_the_token:
                ended_at = clock.now() + ACCESS_TOKEN_LASTS
                after_the_token.setattr(provider, "clock", SimpleNamespace(now=lambda: ended_at))
                await let_pass(server, browser, 11)
                assert await status_of(browser) == 200
                await let_pass(server, browser, 5)
                answer = await browser.get("/projects?from=1")
                assert answer.headers["location"] == "/sign-in/openid?back=%2Fprojects%3Ffrom%3D1"
                script = await browser.get("/projects", headers={"accept": "application/json"})
                assert script.status_code == 401
            again = await sign_in_at_mock(browser, back="/projects")
            assert again.headers["location"] == "/projects"
            assert await status_of(browser) == 200


async def test_passwords_can_be_switched_off_but_for_local_admins(
    mock: MockProvider, database_url: str, tmp_path: Path
):
    """The message names the way in; the form for local admins is still there."""
    async with (
        running_with(mock.issuer, database_url, tmp_path, oidc_passwords=False) as server,
        stranger(server) as browser,
    ):
        await make_person(server.database, "eve@example.com", password=PASSWORD)
        await make_person(server.database, "root@example.com", password=PASSWORD, is_admin=True)
        assert "Sign in as a local admin" in (await browser.get("/sign-in")).text
        form = {"email": "eve@example.com", "password": PASSWORD}
        refused = await browser.post("/sign-in", data=form)
        assert refused.status_code == 401
        assert "You sign in with Example here" in refused.text
        async with server.database.transaction() as connection:
            eve = await accounts.find_person(connection, "eve@example.com")
            assert eve is not None
            link = await links.make_sign_in_link(connection, eve.id)
        refused = await browser.post(f"/sign-in/{link}")
        assert "You sign in with Example here" in refused.text
        form["email"] = "root@example.com"
        assert (await browser.post("/sign-in", data=form)).status_code == 303


async def test_another_provider_ends_the_sign_ins_of_the_first_one(
    mock: MockProvider, database_url: str, tmp_path: Path
):
    """Nobody can check them any more, so the next check ends them."""
    async with (
        running_with(mock.issuer, database_url, tmp_path) as server,
        signed_in_at_mock(server) as browser,
    ):
        token = browser.cookies["playhead"]
        await let_pass(server, browser, 11)
    from tests.support.servers import server as servers  # noqa: PLC0415 - of this test alone

    async with servers.running(database_url, tmp_path) as plain, stranger(plain) as browser:
        browser.cookies.set("playhead", token)
        answer = await browser.get("/account")
        assert answer.headers["location"].endswith("ended=no_provider")
        assert "no longer uses the provider" in (await browser.get(answer.headers["location"])).text
