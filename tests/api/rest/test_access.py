"""Tests of who may use the REST API, and of the form of its answers."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from app.accounts import writes as account_writes
from app.api_tokens import queries, writes
from app.api_tokens.model import Scope
from app.api_tokens.secret import make_secret
from app.core import clock
from app.db.engine import Database
from app.ingest.admission.token_buckets import TokenBuckets
from app.memberships import writes as membership_writes
from app.memberships.model import Role
from app.rest.services import RestServices
from tests.support.builders.api_tokens import builder, make_token, project_builder
from tests.support.builders.people import make_person
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

INFO = "/api/0/"


async def revoke(database: Database, secret: str) -> None:
    """Revoke a token."""
    async with database.transaction() as connection:
        token = await queries.find_live_token(connection, secret)
        assert token
        assert await writes.revoke_token(connection, token.id)


async def test_info_tells_the_scopes_of_the_token(tenant: Server):
    """`GET /api/0/` names the rights of a token as Sentry does, and no person."""
    async with project_builder(tenant, Scope.RELEASES, Scope.UPLOAD) as client:
        answer = await client.get(INFO)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "version": "0",
        "auth": {"scopes": ["org:ci", "project:releases"]},
        "user": None,
    }


HEADERS = [
    None,
    "",
    "Bearer",
    "Bearer sntrys_e30=_" + "a" * 43,
    "Bearer sntrys_" + "e" * 40 + "_" + "a" * 43,
    "Bearer sntryu_" + "a" * 64,
    "Basic YTpi",
    "Bearer " + "a" * 5_000,
    "Bearer \xff\xfe",
]


async def test_a_request_without_a_token_that_works_gets_401(tenant: Server):
    """Requests without a token, or with one that nobody made, get 401 and a sentence."""
    async with builder(tenant, None) as client:
        for header in HEADERS:
            headers = {} if header is None else {b"authorization": header.encode("latin-1")}
            answer = await client.get(INFO, headers=headers)
            assert answer.status_code == 401, header
            assert answer.headers["www-authenticate"] == "Bearer"
            assert "token" in answer.json()["detail"]


async def test_a_key_or_a_sign_in_is_no_token(tenant: Server):
    """The key of a DSN, a cookie and a token in the query do not open the REST API."""
    secret = await make_token(tenant.database, tenant.app.id)
    async with builder(tenant, str(tenant.app.key)) as client:
        assert (await client.get(INFO)).status_code == 401
    assert (await tenant.web.get(INFO)).status_code == 401
    async with builder(tenant, None) as client:
        for name in ("token", "auth_token", "sentry_key"):
            assert (await client.get(INFO, params={name: secret})).status_code == 401


async def test_a_revoked_or_expired_token_gets_401_at_once(tenant: Server):
    """The next request after a token was revoked, or after its end, gets 401."""
    secret = await make_token(tenant.database, tenant.app.id)
    async with builder(tenant, secret) as client:
        assert (await client.get(INFO)).status_code == 200
        await revoke(tenant.database, secret)
        assert (await client.get(INFO)).status_code == 401
    past = clock.now() - timedelta(seconds=1)
    async with builder(
        tenant, await make_token(tenant.database, tenant.app.id, expires_at=past)
    ) as client:
        assert (await client.get(INFO)).status_code == 401


async def test_too_many_requests_wait(tenant: Server, monkeypatch: pytest.MonkeyPatch):
    """A token that is used too often, and a network of tokens that do not work, have to wait.

    A token that has worked goes on all the same.
    """
    application: Any = tenant.service.application
    services: RestServices = application._rest._app.state.rest_services
    monkeypatch.setattr(services.rates, "_requests", TokenBuckets[int](0.01, 3))
    monkeypatch.setattr(services.rates, "_failures", TokenBuckets[str](0.01, 3))
    wrong = make_secret("https://replays.example.com", now=clock.now())
    async with project_builder(tenant) as client, builder(tenant, wrong) as stranger:
        assert (await client.get(INFO)).status_code == 200
        statuses = [(await stranger.get(INFO)).status_code for _ in range(5)]
        assert statuses == [401, 401, 401, 503, 503]
        assert (await client.get(INFO)).status_code == 200
        answers = [await client.get(INFO) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 503]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 600
    assert "too many requests" in answers[-1].json()["detail"]


async def test_a_token_of_a_person_reaches_what_they_administer(tenant: Server):
    """A token for all projects of its maker ends when they lose the role or are deactivated."""
    person = await make_person(tenant.database, f"maker.{tenant.app.id}@example.com")
    secret = await make_token(tenant.database, None, made_by=person.id)
    async with builder(tenant, secret) as client:
        assert (await client.get(INFO)).status_code == 401
        for role, status in ((Role.ADMIN, 200), (Role.MEMBER, 401), (Role.OWNER, 200)):
            async with tenant.database.transaction() as connection:
                await membership_writes.set_member(connection, tenant.app.id, person.id, role)
                # Another owner, since the last one may not be demoted.
                other = await make_person(tenant.database, f"{role}.{tenant.app.id}@example.com")
                await membership_writes.set_member(connection, tenant.app.id, other.id, Role.OWNER)
            assert (await client.get(INFO)).status_code == status, role
        async with tenant.database.transaction() as connection:
            await account_writes.disable_person(connection, person.id)
        assert (await client.get(INFO)).status_code == 401


async def test_the_slash_at_the_end_may_be_missing(tenant: Server):
    """An address without its last slash is the same one."""
    async with project_builder(tenant) as client:
        assert (await client.get("/api/0")).json() == (await client.get("/api/0/")).json()


async def test_unknown_addresses_get_404_with_a_sentence(tenant: Server):
    """An unknown address gets JSON with a `detail`, never a page or an answer of ingest."""
    async with project_builder(tenant) as client:
        for path in (
            "/api/0/monitors/",
            "/api/0/organizations/playhead/preprodartifacts/",
            "/api/0/organizations/api/1/envelope/",
            "/api/0/organizations/playhead/code/api%2F1%2Fenvelope/",
            "/api/0/%00/",
            "/api/0/upload/",
        ):
            for method in ("GET", "POST"):
                answer = await client.request(method, path)
                assert answer.status_code == 404, path
                assert "does not have" in answer.json()["detail"]


async def test_answers_are_not_kept_and_not_guessed(tenant: Server):
    """Answers have headers against caches and against being read as a page."""
    async with project_builder(tenant) as client:
        answer: httpx2.Response = await client.get(INFO)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
