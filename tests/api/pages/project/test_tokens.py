"""Tests of the page of a project's API tokens: each is made, shown once, used and revoked."""

import base64
import json
import re
import uuid
from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio
import sqlalchemy

from app.administration.api_tokens import change_tokens
from app.audit import queries as audit
from app.memberships.model import Role
from tests.support import html_reader
from tests.support.browsers import signed_in
from tests.support.builders.api_tokens import builder, make_token
from tests.support.builders.people import make_person
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECRET = re.compile(r"sntrys_[A-Za-z0-9+/]+=*_[A-Za-z0-9+/]{43}")
FORM = {"name": "GitHub", "upload": "yes", "reach": "project", "days": ""}


@pytest_asyncio.fixture(loop_scope="session")
async def admin(tenant: Server) -> AsyncIterator[httpx2.AsyncClient]:
    """The browser of an admin of the app's project."""
    person = await make_person(tenant.database, f"{uuid.uuid4().hex}@example.com")
    async with signed_in(tenant, person, role=Role.ADMIN) as browser:
        yield browser


def read_secret(answer: httpx2.Response) -> str:
    """Return the token that a page shows."""
    assert answer.status_code == 200, answer.text
    match = SECRET.search(html_reader.parse_page(answer.text).text)
    assert match
    return match[0]


async def read_status(tenant: Server, secret: str) -> int:
    """Return the status with which the REST API answers a token."""
    async with builder(tenant, secret) as client:
        return (await client.get("/api/0/")).status_code


async def test_a_token_is_shown_once_works_and_is_revoked(
    tenant: Server, admin: httpx2.AsyncClient
):
    """The page shows a new token once; then its ending, its last use, and how to revoke it."""
    path = f"/projects/{tenant.app.id}/tokens"
    async with tenant.database.transaction() as connection:
        # Those that other tests have made for all projects of a person reach this one, too.
        await connection.execute(sqlalchemy.text("delete from api_tokens"))
    assert "no valid token" in (await admin.get(path)).text
    answer = await admin.post(path, data={**FORM, "days": "30"})
    secret = read_secret(answer)
    assert json.loads(base64.b64decode(secret.split("_")[1]))["url"] == tenant.base_url
    assert f"SENTRY_URL={tenant.base_url}\n" in answer.text
    assert await read_status(tenant, secret) == 200
    page = (await admin.get(path)).text
    assert secret not in page
    text = html_reader.parse_page(page).text
    assert f"…{secret[-4:]}" in text
    assert "127.0.0.1" in text
    assert "Builds use this token." in text
    (revoke,) = re.findall(rf'action="({path}/\d+/revoke)"', page)
    assert (await admin.post(revoke)).headers["location"] == f"{path}?done=token-revoked"
    assert await read_status(tenant, secret) == 401
    page = (await admin.get(path)).text
    assert "1 token no longer valid" in html_reader.parse_page(page).text
    assert (await admin.post(revoke)).status_code == 303, "revoking twice changes nothing"
    async with tenant.database.reading() as connection:
        lines = await audit.list_audit_lines(connection, project_id=tenant.app.id)
    actions = [line.action for line in lines if line.action.startswith("token_")][::-1]
    assert actions == ["token_added", "token_used", "token_revoked"]
    assert all(secret not in str(line) for line in lines)


async def test_a_token_for_all_projects_is_its_makers(tenant: Server, admin: httpx2.AsyncClient):
    """Other admins of a project see such a token, and only its maker revokes it."""
    path = f"/projects/{tenant.app.id}/tokens"
    secret = read_secret(await admin.post(path, data={**FORM, "name": "Wide", "reach": "all"}))
    other = await make_person(tenant.database, f"{uuid.uuid4().hex}@example.com")
    (revoke,) = re.findall(rf'action="({path}/\d+/revoke)"', (await admin.get(path)).text)
    async with signed_in(tenant, other, role=Role.ADMIN) as browser:
        page = (await browser.get(path)).text
        assert "Wide" in page
        assert revoke not in page
        assert (await browser.post(revoke)).status_code == 403
    assert await read_status(tenant, secret) == 200
    assert (await admin.post(revoke)).status_code == 303
    assert await read_status(tenant, secret) == 401


async def test_a_form_with_a_mistake_is_shown_again(tenant: Server, admin: httpx2.AsyncClient):
    """A token needs a name and a right; what was typed stays in the form."""
    path = f"/projects/{tenant.app.id}/tokens"
    for form, words in (
        ({**FORM, "name": " "}, "name of 1 to 80"),
        ({**FORM, "name": "n" * 81}, "name of 1 to 80"),
        ({"name": "CI", "reach": "project"}, "needs a scope"),
        ({**FORM, "days": "soon"}, "after how many days"),
        ({**FORM, "days": "0"}, "1 to 3650 days"),
    ):
        answer = await admin.post(path, data=form)
        assert answer.status_code == 400
        assert words in html_reader.parse_page(answer.text).text
        assert not SECRET.search(answer.text)
    assert 'value="CI"' in (await admin.post(path, data={"name": "CI", "read": "no"})).text


async def test_a_project_has_a_limited_number_of_tokens(
    tenant: Server, admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    """The token beyond the limit is refused, until another is revoked."""
    monkeypatch.setattr(change_tokens, "MOST_TOKENS", 2)
    path = f"/projects/{tenant.app.id}/tokens"
    for _ in range(2):
        read_secret(await admin.post(path, data=FORM))
    refused = await admin.post(path, data=FORM)
    assert refused.status_code == 400
    assert "revoke one" in refused.text
    revoke = re.findall(rf'action="({path}/\d+/revoke)"', refused.text)[0]
    await admin.post(revoke)
    read_secret(await admin.post(path, data=FORM))


async def test_tokens_of_other_projects_are_out_of_reach(tenant: Server, admin: httpx2.AsyncClient):
    """A token is neither listed nor revoked on the page of another project."""
    secret = await make_token(tenant.database, tenant.backend.id, name="Of the backend")
    path = f"/projects/{tenant.app.id}/tokens"
    assert "Of the backend" not in (await admin.get(path)).text
    listed = (await tenant.web.get(f"/projects/{tenant.backend.id}/tokens")).text
    number = re.findall(r"/tokens/(\d+)/revoke", listed)[0]
    assert (await admin.post(f"{path}/{number}/revoke")).status_code == 404
    assert await read_status(tenant, secret) == 200


async def test_without_a_public_address_the_form_asks_for_one(
    tenant: Server, admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    """A token leads to the address that was typed; a wrong one makes none."""
    path = f"/projects/{tenant.app.id}/tokens"
    settings = tenant.service.page_services.settings
    monkeypatch.setitem(settings.__dict__, "public_url", None)
    assert 'name="address"' in (await admin.get(path)).text
    answer = await admin.post(path, data={**FORM, "address": "https://10.0.0.7:8443/"})
    claims = json.loads(base64.b64decode(read_secret(answer).split("_")[1]))
    assert claims["url"] == "https://10.0.0.7:8443"
    wrong = await admin.post(path, data={**FORM, "address": "somewhere"})
    assert wrong.status_code == 400
