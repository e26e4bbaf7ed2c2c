"""People sign in with providers that others wrote: oidc-provider and oauth2-mock-server of npm."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urljoin

import httpx2
import pytest

from app.accounts import queries as accounts
from app.cli.checks.check_result import CheckLevel
from app.cli.checks.provider_checks import check_sign_in_provider
from app.core.settings import Settings
from tests.support.browsers import stranger
from tests.support.servers.ports import find_free_port
from tests.support.servers.server import Server
from tests.support.servers.sign_in_providers import (
    go_to_provider,
    let_pass,
    provider_settings,
    running_with,
)
from tests.support.waiting import PATIENCE_S

PROVIDERS = Path(__file__).parent / "providers"
GROUPS = {"oidc_project_roles": {"mobile": {"app": "member"}}}
_MOST_STEPS = 12


@asynccontextmanager
async def running_provider(script: str, *arguments: str) -> AsyncIterator[None]:
    """Run a provider until the end of the block."""
    process = await asyncio.create_subprocess_exec(
        "node", str(PROVIDERS / script), *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    try:
        async with asyncio.timeout(PATIENCE_S):
            while b"ready" not in (line := await process.stdout.readline()):
                assert line, "the provider has ended"
        yield
    finally:
        process.kill()
        await process.wait()


async def walk_through(address: str, base_url: str) -> str:
    """Follow a provider's pages as a browser does, sign in as `ada` and consent to everything.

    Returns:
        The address of the callback.
    """
    async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE_S) as client:
        answer = await client.get(address)
        for _ in range(_MOST_STEPS):
            if answer.is_redirect:
                address = urljoin(str(answer.request.url), answer.headers["location"])
                if address.startswith(base_url):
                    return address
                answer = await client.get(address)
                continue
            assert answer.status_code == 200, answer.text
            action = re.search(r'<form[^>]* action="([^"]+)"', answer.text)
            prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
            assert action, answer.text
            assert prompt, answer.text
            form = {"prompt": prompt[1], "login": "ada", "password": "any"}
            answer = await client.post(urljoin(str(answer.request.url), action[1]), data=form)
    raise AssertionError("the provider leads nowhere")


async def check_whole_stay(server: Server, issuer: str) -> None:
    """Sign in, work past a check, and sign out; ask `doctor` about the provider too."""
    async with stranger(server) as browser:
        callback = await walk_through(await go_to_provider(browser, back="/why"), server.base_url)
        answer = await browser.get(callback)
        assert (answer.status_code, answer.headers.get("location")) == (303, "/why"), answer.text
        async with server.database.reading() as connection:
            ada = await accounts.find_person(connection, "ada@example.com")
        assert ada is not None
        assert ada.name == "Ada Lovelace"
        project = f"/projects/{server.app.id}"
        assert (await browser.get(project)).status_code == 200
        for _ in range(2):
            # The second check uses what the first one was given: refresh tokens may rotate.
            await let_pass(server, browser, 20)
            assert (await browser.get(project)).status_code == 200
        page = await browser.post("/sign-out")
        assert (await browser.get("/account")).status_code == 303
        assert page.status_code in {200, 303}
    settings = Settings(**provider_settings(issuer, public_url=server.base_url, **GROUPS))
    results = await check_sign_in_provider(settings)
    assert {result.state for result in results} == {CheckLevel.OK}, results


@pytest.mark.parametrize("in_token", ["yes", "no"])
async def test_people_sign_in_with_oidc_provider(database_url: str, tmp_path: Path, in_token: str):
    """Claims may stand in the ID token, or come from the userinfo endpoint alone."""
    port = find_free_port()
    issuer = f"http://localhost:{port}"
    async with (
        running_with(issuer, database_url, tmp_path, **GROUPS) as server,
        running_provider("oidc_provider.mjs", str(port), server.base_url, in_token),
    ):
        await check_whole_stay(server, issuer)


async def test_people_sign_in_with_oauth2_mock_server(database_url: str, tmp_path: Path):
    """A provider that sends everybody back at once."""
    port = find_free_port()
    issuer = f"http://localhost:{port}"
    async with (
        running_with(issuer, database_url, tmp_path, **GROUPS) as server,
        running_provider("oauth2_mock_server.mjs", str(port)),
    ):
        await check_whole_stay(server, issuer)


async def test_doctor_says_that_the_redirect_uri_is_not_registered(
    database_url: str, tmp_path: Path
):
    """A strict provider refuses another address at once, and the check names the right one."""
    port = find_free_port()
    issuer = f"http://localhost:{port}"
    async with running_provider("oidc_provider.mjs", str(port), "http://localhost:1", "yes"):
        settings = Settings(**provider_settings(issuer, public_url="https://replays.example"))
        results = await check_sign_in_provider(settings)
    failed = [result for result in results if result.state is CheckLevel.FAIL]
    assert [result.subject for result in failed] == ["redirect URI"]
    assert "https://replays.example/sign-in/openid/callback" in failed[0].text
    # Without the provider, the reason is that it cannot be reached.
    (result,) = await check_sign_in_provider(settings)
    assert result.state is CheckLevel.FAIL
    assert "cannot be reached" in result.text
