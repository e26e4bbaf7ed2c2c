"""Tests of signing in with an OpenID Connect provider: a mock, and whatever can go wrong."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from app.accounts import queries as accounts, writes as account_writes
from app.accounts.model import Person, PersonOrigin
from app.audit import queries as audit
from tests.support import html_reader
from tests.support.browsers import stranger
from tests.support.builders.people import PASSWORD, make_person
from tests.support.servers.server import Server
from tests.support.servers.sign_in_providers import (
    MockProvider,
    choose_account,
    go_to_provider,
    running_mock,
    running_with,
    sign_in_at_mock,
)
from tests.support.waiting import PATIENCE_S


@pytest.fixture
def mock() -> Iterator[MockProvider]:
    """A provider that knows Ada, in the group `mobile`."""
    with running_mock() as provider:
        yield provider


@pytest.fixture
async def server(mock: MockProvider, database_url: str, tmp_path: Path) -> AsyncIterator[Server]:
    """A server at which everybody of the provider may sign in."""
    async with running_with(mock.issuer, database_url, tmp_path) as started:
        yield started


@pytest.fixture
async def browser(server: Server) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser that nobody is signed in with."""
    async with stranger(server) as client:
        yield client


async def find_person(server: Server, email: str = "ada@example.com") -> Person | None:
    """Return the person with an address."""
    async with server.database.reading() as connection:
        return await accounts.find_person(connection, email)


async def list_actions(server: Server) -> list[tuple[str, dict[str, object]]]:
    """Return the audit log, the oldest line first: each action with its facts."""
    async with server.database.reading() as connection:
        lines = await audit.list_audit_lines(connection)
    return [(line.action, dict(line.detail)) for line in reversed(lines)]


def read_problem(answer: httpx2.Response) -> str:
    """Return the sentence about what went wrong."""
    return html_reader.parse_page(answer.text).one("p", class_="problem-box").text


async def test_the_first_sign_in_adds_a_person(server: Server, browser: httpx2.AsyncClient):
    """A person of the provider who is new here gets an account, and no right by it."""
    answer = await sign_in_at_mock(browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/replays")
    ada = await find_person(server)
    assert ada is not None
    assert (ada.name, ada.origin, ada.is_admin) == ("Ada Lovelace", PersonOrigin.PROVIDER, False)
    page = await browser.get("/account")
    assert "Ada Lovelace" in page.text
    assert "You sign in with Example" in page.text
    assert (await browser.get(f"/projects/{server.app.id}")).status_code == 404
    assert await list_actions(server) == [
        ("person_added", {"by": "openid"}),
        ("sign_in", {"by": "openid", "address": "127.0.0.1"}),
    ]


async def test_the_second_sign_in_finds_the_same_person(server: Server, mock: MockProvider):
    """The subject decides, also when the address at the provider has changed."""
    for email in ("ada@example.com", "countess@example.com"):
        mock.describe(email=email)
        async with stranger(server) as browser:
            assert (await sign_in_at_mock(browser)).status_code == 303
            assert "ada@example.com" in (await browser.get("/account")).text
    assert await find_person(server, "countess@example.com") is None


async def test_the_way_there_names_this_server_and_proves_the_way_back(
    browser: httpx2.AsyncClient, server: Server
):
    """The address at the provider has PKCE, state, nonce and the registered redirect URI."""
    address = await go_to_provider(browser)
    query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert query["redirect_uri"] == f"{server.base_url}/sign-in/openid/callback"
    assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
    assert query["scope"] == "openid profile email"
    assert len(query["code_challenge"]) == 43
    assert min(len(query["state"]), len(query["nonce"])) == 43
    [cookie] = browser.cookies.jar
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "lax"
    assert "secret" not in address


@pytest.mark.parametrize(
    ("back", "leads_to"),
    [
        ("/projects?from=1", "/projects?from=1"),
        ("https://evil.example/", "/replays"),
        ("//evil.example", "/replays"),
        ("/\\evil.example", "/replays"),
        ("\\\\evil.example", "/replays"),
        ("/a\r\nset-cookie: x=y", "/replays"),
        ("javascript:alert(1)", "/replays"),
    ],
)
async def test_the_way_back_leads_to_this_server_only(
    browser: httpx2.AsyncClient, back: str, leads_to: str
):
    """Whatever the address asks for, a sign-in ends on a page of this server."""
    answer = await sign_in_at_mock(browser, back=back)
    assert answer.headers["location"] == leads_to


async def test_a_cookie_cannot_lead_elsewhere(browser: httpx2.AsyncClient):
    """The page to go back to is checked again when it comes from the cookie."""
    import base64  # noqa: PLC0415 - of this test alone
    import json  # noqa: PLC0415 - of this test alone

    address = await go_to_provider(browser)
    [cookie] = browser.cookies.jar
    assert cookie.value
    parts = json.loads(base64.urlsafe_b64decode(cookie.value + "=="))
    parts[3] = "//evil.example"
    changed = base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()
    browser.cookies.set(cookie.name, changed, domain=cookie.domain, path="/")
    answer = await browser.get(await choose_account(address))
    assert answer.headers["location"] == "/replays"


async def test_a_callback_is_believed_in_its_own_browser_only(
    server: Server, browser: httpx2.AsyncClient
):
    """A stranger's callback signs nobody in: neither the browser nor the code is taken."""
    callback = await choose_account(await go_to_provider(browser))
    async with stranger(server) as victim:
        await go_to_provider(victim)  # The victim has begun a sign-in of their own.
        answer = await victim.get(callback)
        assert answer.status_code == 401
        assert "was not begun in this browser" in read_problem(answer)
        assert "playhead" not in victim.cookies
    assert (await browser.get(callback)).status_code == 303


async def test_a_callback_is_believed_once(browser: httpx2.AsyncClient):
    """The cookie of a sign-in goes with it, so its callback cannot be opened again."""
    callback = await choose_account(await go_to_provider(browser))
    assert (await browser.get(callback)).status_code == 303
    assert (await browser.get(callback)).status_code == 401
    assert [cookie.name for cookie in browser.cookies.jar] == ["playhead"]


async def test_a_sign_in_never_keeps_the_token_of_the_browser(
    server: Server, browser: httpx2.AsyncClient
):
    """A token that somebody put into the browser before is not the one of the sign-in."""
    browser.cookies.set("playhead", "fixed-by-an-attacker")
    await sign_in_at_mock(browser)
    tokens = [cookie.value for cookie in browser.cookies.jar if cookie.name == "playhead"]
    assert "fixed-by-an-attacker" in tokens  # The client keeps both, as it set one without domain.
    assert len(set(tokens)) == 2
    async with stranger(server) as attacker:
        attacker.cookies.set("playhead", "fixed-by-an-attacker")
        assert (await attacker.get("/account")).status_code == 303


async def test_signing_in_again_ends_the_sign_in_before(
    server: Server, browser: httpx2.AsyncClient
):
    """The sign-in that the browser had is over."""
    await sign_in_at_mock(browser)
    old = browser.cookies["playhead"]
    await sign_in_at_mock(browser)
    assert browser.cookies["playhead"] != old
    async with stranger(server) as thief:
        thief.cookies.set("playhead", old)
        assert (await thief.get("/account")).status_code == 303


async def test_several_tabs_sign_in_at_once(browser: httpx2.AsyncClient):
    """A tab does not spoil the sign-in that another one has begun."""
    addresses = [await go_to_provider(browser, back=f"/why?id={tab}") for tab in "abc"]
    for tab, address in zip("abc", addresses, strict=True):
        answer = await browser.get(await choose_account(address))
        assert answer.headers["location"] == f"/why?id={tab}"


async def test_a_verified_address_links_a_person_of_this_server(
    server: Server, browser: httpx2.AsyncClient
):
    """Who has an account here keeps it; from then on the provider decides, not the password."""
    ada = await make_person(server.database, password=PASSWORD)
    async with stranger(server) as other:
        form = {"email": ada.email, "password": PASSWORD}
        await other.post("/sign-in", data=form)
        assert (await sign_in_at_mock(browser)).status_code == 303
        assert (await other.get("/account")).status_code == 303, "nobody checks it there"
        refused = await other.post("/sign-in", data=form)
        assert refused.status_code == 401
        assert "You sign in with Example here" in read_problem(refused)
    linked = await find_person(server)
    assert linked is not None
    assert (linked.id, linked.origin) == (ada.id, PersonOrigin.PROVIDER)
    assert ("identity_linked", {"by": "openid"}) in await list_actions(server)


@pytest.mark.parametrize("is_verified", [False, None, "false", 0, "yes"])
async def test_an_unverified_address_takes_over_nobody(
    server: Server, browser: httpx2.AsyncClient, mock: MockProvider, is_verified: object
):
    """An address that anybody could have typed in neither finds a person nor adds one."""
    ada = await make_person(server.database, password=PASSWORD)
    mock.describe(email_verified=is_verified)
    mock.describe("mallory", email="new@example.com", email_verified=is_verified)
    for subject in ("ada", "mallory"):
        answer = await sign_in_at_mock(browser, subject)
        assert answer.status_code == 401
        assert "does not say that the address" in read_problem(answer)
        assert "playhead" not in browser.cookies
    unchanged = await find_person(server)
    assert unchanged is not None
    assert (unchanged.id, unchanged.origin) == (ada.id, PersonOrigin.LOCAL)
    assert await find_person(server, "new@example.com") is None
    facts = {"by": "openid", "reason": "email_not_verified", "address": "127.0.0.1"}
    assert await list_actions(server) == [("sign_in_failed", facts), ("sign_in_failed", facts)]


async def test_an_address_that_goes_to_somebody_else_takes_over_nobody(
    server: Server, browser: httpx2.AsyncClient, mock: MockProvider
):
    """A second account of the provider with the address of the first one is refused."""
    await sign_in_at_mock(browser)
    mock.describe("another-ada")
    async with stranger(server) as other:
        answer = await sign_in_at_mock(other, "another-ada")
    assert answer.status_code == 401
    assert "playhead user unlink ada@example.com" in read_problem(answer)


async def test_a_disabled_person_stays_out(
    server: Server, browser: httpx2.AsyncClient, mock: MockProvider
):
    """The provider does not bring back whom an admin of this server has deactivated."""
    ada = await make_person(server.database)
    async with server.database.transaction() as connection:
        await account_writes.disable_person(connection, ada.id)
    answer = await sign_in_at_mock(browser)
    assert answer.status_code == 401
    assert "deactivated" in read_problem(answer)


async def test_the_userinfo_endpoint_fills_what_the_token_lacks(
    server: Server, browser: httpx2.AsyncClient, mock: MockProvider, monkeypatch: pytest.MonkeyPatch
):
    """Claims that the ID token leaves out come from the userinfo endpoint."""
    from oidc_provider_mock import _app  # noqa: PLC0415 - of this test alone

    def say_only_who(_self: object, user: Any, _scope: str) -> dict[str, str]:
        return {"sub": user.sub}

    monkeypatch.setattr(_app.OpenIDCode, "generate_user_info", say_only_who)
    assert (await sign_in_at_mock(browser)).status_code == 303
    assert await find_person(server) is not None


async def test_no_address_is_an_error_in_words(browser: httpx2.AsyncClient, mock: MockProvider):
    """The message names the scope that is missing."""
    mock.describe(email=None)
    answer = await sign_in_at_mock(browser)
    assert answer.status_code == 401
    assert "PLAYHEAD_OIDC_SCOPES" in read_problem(answer)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"error": "access_denied"}, "did not let you in"),
        ({"error": "invalid_scope"}, "PLAYHEAD_OIDC_SCOPES"),
        ({"error": "made_up<script>"}, "refused the sign-in: made_up<script>"),
        ({}, "sent no code"),
        ({"code": "made-up"}, "refused this sign-in"),
        ({"code": "x", "iss": "https://other.example"}, "another provider"),
    ],
)
async def test_refusals_of_the_provider_are_told_in_words(
    browser: httpx2.AsyncClient, query: dict[str, str], words: str
):
    """A callback without a good code signs nobody in, and says why."""
    address = await go_to_provider(browser)
    state = parse_qs(urlsplit(address).query)["state"][0]
    answer = await browser.get("/sign-in/openid/callback", params={"state": state, **query})
    assert answer.status_code == 401
    assert words in read_problem(answer)
    assert "playhead" not in browser.cookies


async def test_a_provider_that_is_down_is_told_in_words(database_url: str, tmp_path: Path):
    """The form says so, and a local admin still signs in by password."""
    async with running_with("http://localhost:9", database_url, tmp_path) as server:
        await make_person(server.database, "root@example.com", password=PASSWORD, is_admin=True)
        async with stranger(server) as browser:
            answer = await browser.get("/sign-in/openid")
            assert answer.status_code == 503
            assert "cannot be reached" in read_problem(answer)
            form = {"email": "root@example.com", "password": PASSWORD}
            assert (await browser.post("/sign-in", data=form)).status_code == 303


async def test_signing_out_ends_both_sign_ins(server: Server, browser: httpx2.AsyncClient):
    """The sign-in here is over at once, and the page goes on to the provider's own sign-out."""
    await sign_in_at_mock(browser)
    token = browser.cookies["playhead"]
    answer = await browser.post("/sign-out")
    assert answer.status_code == 200
    address = html_reader.parse_page(answer.text).all("a", class_="button")[0]["href"]
    query = parse_qs(urlsplit(address).query)
    assert query["post_logout_redirect_uri"] == [f"{server.base_url}/sign-in"]
    assert query["client_id"] == ["playhead"]
    assert query["id_token_hint"][0].count(".") == 2
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    async with stranger(server) as thief:
        thief.cookies.set("playhead", token)
        assert (await thief.get("/account")).status_code == 303


async def test_without_a_provider_its_addresses_lead_nowhere(tmp_path: Path, database_url: str):
    """A server without a provider has no button, and 404 at the addresses of one."""
    from tests.support.servers import server as servers  # noqa: PLC0415 - of this test alone

    async with servers.running(database_url, tmp_path) as server, stranger(server) as browser:
        assert "Sign in with" not in (await browser.get("/sign-in")).text
        for path in ("/sign-in/openid", "/sign-in/openid/callback?code=x&state=y"):
            assert (await browser.get(path)).status_code == 404


async def test_a_visit_to_another_name_of_this_server_moves_to_the_public_one(
    server: Server,
):
    """The cookie must be set at the address that the provider sends people back to."""
    other = server.base_url.replace("127.0.0.1", "localhost")
    async with httpx2.AsyncClient(base_url=other, trust_env=False, timeout=PATIENCE_S) as browser:
        answer = await browser.get("/sign-in/openid", params={"back": "/projects"})
    assert answer.headers["location"].startswith(
        f"{server.base_url}/sign-in/openid?back=%2Fprojects"
    )
