"""Tests of the cookies of a sign-in, and of the address by which the server knows a visitor."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.accounts import links
from app.accounts.model import Person
from tests.support import html_reader
from tests.support.browsers import signed_in, stranger
from tests.support.builders.people import PASSWORD, make_person
from tests.support.servers import server as servers
from tests.support.servers.server import Server
from tests.support.waiting import PATIENCE_S

FORWARDED = {"x-forwarded-for": "203.0.113.9"}


async def make_link(server: Server, person: Person) -> str:
    """Create a sign-in link."""
    async with server.database.transaction() as connection:
        return f"/sign-in/{await links.make_sign_in_link(connection, person.id)}"


@asynccontextmanager
async def over_https(
    database_url: str, folder: Path
) -> AsyncIterator[tuple[Server, httpx2.AsyncClient]]:
    """Start a server that people reach by https, and a browser that keeps cookies by hand."""
    async with servers.running(
        database_url, folder, public_url="https://replays.example"
    ) as server:
        port = server.service.page_services.settings.port
        headers = {"origin": "https://replays.example", "accept": "text/html"}
        async with httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            trust_env=False,
            headers=headers,
            timeout=PATIENCE_S,
        ) as browser:
            yield server, browser


async def test_signing_in_ends_the_previous_sign_in_of_the_browser(server: Server):
    """The new sign-in replaces the one of this browser; other browsers stay signed in."""
    ada = await make_person(server.database, password=PASSWORD)
    eve = await make_person(server.database, "eve@example.com", password=PASSWORD)
    async with stranger(server) as browser, signed_in(server, ada) as other:
        old_tokens = []
        for email in ("ada@example.com", "eve@example.com"):
            await browser.post("/sign-in", data={"email": email, "password": PASSWORD})
            old_tokens.append(browser.cookies["playhead"])
        await browser.post(await make_link(server, eve))
        assert (await browser.get("/account")).status_code == 200
        assert (await other.get("/account")).status_code == 200
        for token in old_tokens:
            async with stranger(server) as thief:
                thief.cookies.set("playhead", token)
                assert (await thief.get("/account")).status_code == 303


async def test_a_failed_sign_in_keeps_the_previous_one(server: Server):
    """A wrong password does not sign out the browser that sends it."""
    await make_person(server.database, password=PASSWORD)
    async with stranger(server) as browser:
        await browser.post("/sign-in", data={"email": "ada@example.com", "password": PASSWORD})
        await browser.post("/sign-in", data={"email": "ada@example.com", "password": "wrong"})
        assert (await browser.get("/account")).status_code == 200


async def test_cookies_are_bound_to_https(database_url: str, tmp_path: Path):
    """Prefixes keep other hosts and plain connections from setting the cookies."""
    async with over_https(database_url, tmp_path) as (server, browser):
        ada = await make_person(server.database, password=PASSWORD)
        used = await browser.post(await make_link(server, ada))
        sign_in, link = sorted(used.headers.get_list("set-cookie"))
        assert sign_in.startswith("__Host-playhead=")
        assert link.startswith("__Secure-playhead-link=")
        for cookie in (sign_in, link):
            assert "; Secure" in cookie
            assert "HttpOnly" in cookie
        assert "Path=/account/password" in link
        cookies = "; ".join(cookie.partition(";")[0] for cookie in (sign_in, link))
        passwords = {"password": "a new long password", "again": "a new long password"}
        saved = await browser.post("/account/password", data=passwords, headers={"cookie": cookies})
        assert saved.status_code == 303
        [dropped] = [
            cookie
            for cookie in saved.headers.get_list("set-cookie")
            if cookie.startswith('__Secure-playhead-link=""')
        ]
        assert "Max-Age=0" in dropped
        assert "; Secure" in dropped


@pytest.mark.parametrize("path", ["/metrics/", "/replays/", "/projects/", "/sign-in/"])
async def test_no_redirect_leads_to_the_host_that_the_request_names(server: Server, path: str):
    """A path with one slash too many gets 404, not a redirect to the host in its header."""
    answer = await server.web.get(path, headers={"host": "evil.test"})
    assert answer.status_code == 404
    assert "location" not in answer.headers


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/redoc"])
async def test_the_server_does_not_describe_itself_to_strangers(server: Server, path: str):
    """The server has no page that lists its routes."""
    async with stranger(server) as browser:
        assert (await browser.get(path)).status_code == 404


async def read_alerts(server: Server, **changes: Any) -> list[str]:
    """Open a page, and return its alerts."""
    page = html_reader.parse_page((await server.web.get("/projects", **changes)).text)
    return [alert.text for alert in page.all("details", class_="alert")]


async def test_server_admins_are_alerted_to_a_proxy_that_is_not_trusted(server: Server):
    """The alert names the setting and the address, which only server admins see."""
    assert await read_alerts(server) == []
    ada = await make_person(server.database)
    [alert] = await read_alerts(server, headers=FORWARDED)
    assert "The proxy at 127.0.0.1 is not trusted" in alert
    assert "PLAYHEAD_TRUSTED_PROXIES=127.0.0.1" in alert
    async with signed_in(server, ada) as browser:
        assert "PLAYHEAD_TRUSTED_PROXIES" not in (await browser.get("/projects")).text


async def test_behind_a_trusted_proxy_guesses_count_for_the_visitor(
    database_url: str, tmp_path: Path
):
    """No alert is shown, and the limit applies to the address that the proxy names."""
    async with servers.running(database_url, tmp_path, trusted_proxies="127.0.0.1") as server:
        assert await read_alerts(server, headers=FORWARDED) == []
        await make_person(server.database, password=PASSWORD)
        async with stranger(server) as browser:
            wrong = {"email": "ada@example.com", "password": "wrong"}
            for _ in range(5):
                await browser.post("/sign-in", data=wrong, headers=FORWARDED)
            right = {**wrong, "password": PASSWORD}
            limited = await browser.post("/sign-in", data=right, headers=FORWARDED)
            assert limited.status_code == 429
            elsewhere = {"x-forwarded-for": "203.0.113.9, 203.0.113.10"}
            entered = await browser.post("/sign-in", data=right, headers=elsewhere)
            assert entered.status_code == 303
