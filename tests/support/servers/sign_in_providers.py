"""Sign-in providers that run here, and browsers that sign in at them."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx2
from oidc_provider_mock import User, run_server_in_thread
from pydantic import SecretStr
from sqlalchemy import text

from app.accounts import tokens
from tests.support.browsers import stranger
from tests.support.servers import server as servers
from tests.support.servers.server import Server
from tests.support.waiting import PATIENCE_S

# The mock is built with authlib, whose server side takes https only unless it is told otherwise.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

CALLBACK: Final = "/sign-in/openid/callback"
ACCESS_TOKEN_LASTS: Final = timedelta(hours=1)
"""How long an access token of the mock is good."""
ADA: Final[dict[str, object]] = {
    "email": "ada@example.com",
    "email_verified": True,
    "name": "Ada Lovelace",
    "groups": ["mobile"],
}


@dataclass(frozen=True)
class MockProvider:
    """A provider at which anybody signs in as whomever they name."""

    issuer: str

    def describe(self, subject: str = "ada", **claims: object) -> None:
        """Set what the provider says about an account, beside what it says about Ada."""
        answer = httpx2.put(
            f"{self.issuer}/users/{subject}",
            json={**ADA, **claims},
            trust_env=False,
            timeout=PATIENCE_S,
        )
        assert answer.status_code == 204, answer.text

    def forget_tokens(self, subject: str = "ada") -> None:
        """Refuse all tokens of an account from now on."""
        httpx2.post(
            f"{self.issuer}/users/{subject}/revoke-tokens", trust_env=False, timeout=PATIENCE_S
        )


@contextmanager
def running_mock(*, port: int = 0, issues_refresh_token: bool = True) -> Iterator[MockProvider]:
    """Run a provider that knows Ada."""
    with run_server_in_thread(
        port,
        issue_refresh_token=issues_refresh_token,
        access_token_max_age=ACCESS_TOKEN_LASTS,
        user_claims=[User(sub="ada", claims=dict(ADA))],
    ) as server:
        yield MockProvider(f"http://localhost:{server.server_port}")


def provider_settings(issuer: str, **changes: Any) -> dict[str, Any]:
    """Return the settings of a server at which people sign in with a provider."""
    return {
        "oidc_issuer": issuer,
        "oidc_client_id": "playhead",
        "oidc_client_secret": SecretStr("a secret between two servers"),
        "oidc_label": "Example",
        **changes,
    }


@asynccontextmanager
async def running_with(
    issuer: str, database_url: str, folder: Path, **changes: Any
) -> AsyncIterator[Server]:
    """Run a server at which people sign in with a provider."""
    settings = provider_settings(issuer, **changes)
    async with servers.running(database_url, folder, **settings) as server:
        yield server


async def go_to_provider(browser: httpx2.AsyncClient, *, back: str = "") -> str:
    """Begin to sign in; return the address at the provider that the browser is sent to."""
    answer = await browser.get("/sign-in/openid", params={"back": back})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def choose_account(address: str, subject: str = "ada") -> str:
    """Sign in at the mock; return the address of the callback that it sends the browser to."""
    async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE_S) as client:
        answer = await client.post(address, data={"sub": subject})
    assert answer.status_code == 302, answer.text
    return str(answer.headers["location"])


async def sign_in_at_mock(
    browser: httpx2.AsyncClient, subject: str = "ada", *, back: str = ""
) -> httpx2.Response:
    """Sign in with the mock; return this server's answer to the callback."""
    address = await go_to_provider(browser, back=back)
    return await browser.get(await choose_account(address, subject))


@asynccontextmanager
async def signed_in_at_mock(
    server: Server, subject: str = "ada"
) -> AsyncIterator[httpx2.AsyncClient]:
    """Offer a browser that has signed in with the mock."""
    async with stranger(server) as browser:
        answer = await sign_in_at_mock(browser, subject)
        assert answer.status_code == 303, answer.text
        yield browser


async def let_pass(server: Server, browser: httpx2.AsyncClient, minutes: float) -> None:
    """Let time pass since the provider last confirmed the sign-in of a browser."""
    token = browser.cookies["playhead"]
    async with server.database.transaction() as connection:
        moved = await connection.execute(
            text(
                "update provider_checks set checked_at = checked_at - cast(:passed as interval),"
                " check_at = check_at - cast(:passed as interval) where token_sha256 = :digest"
            ),
            {"passed": timedelta(minutes=minutes), "digest": tokens.hash_token(token)},
        )
        assert moved.rowcount == 1
