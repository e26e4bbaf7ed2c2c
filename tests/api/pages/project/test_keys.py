"""Tests of the page of a project's keys: each is added, renamed, and switched off and on."""

import uuid
from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio

from app.administration.projects import project_keys
from app.audit import queries as audit
from app.audit.model import AuditLine
from app.core.ids import PublicKey
from app.memberships.model import Role
from app.projects import queries as projects
from app.projects.model import ProjectKey
from tests.support import html_reader
from tests.support.browsers import signed_in
from tests.support.builders import envelopes
from tests.support.builders.people import make_person
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def admin(tenant: Server) -> AsyncIterator[httpx2.AsyncClient]:
    """The browser of an admin of the app's project."""
    person = await make_person(tenant.database, f"{uuid.uuid4().hex}@example.com")
    async with signed_in(tenant, person, role=Role.ADMIN) as browser:
        yield browser


async def list_keys(tenant: Server) -> list[ProjectKey]:
    """Return the keys of the app's project."""
    async with tenant.database.reading() as connection:
        return await projects.list_keys(connection, tenant.app.id)


async def list_changes(tenant: Server) -> list[AuditLine]:
    """Return what was done to keys of the app's project, the oldest first."""
    async with tenant.database.reading() as connection:
        lines = await audit.list_audit_lines(connection, project_id=tenant.app.id)
    return [line for line in lines if line.action.startswith("key_")][::-1]


async def send(tenant: Server, key: PublicKey) -> int:
    """Send an envelope with a key; return the status of the answer."""
    headers = envelopes.headers(key)
    return (await tenant.post(envelopes.event_envelope(), headers=headers)).status_code


async def test_a_key_is_added_works_at_once_and_stops_at_once(
    tenant: Server, admin: httpx2.AsyncClient
):
    """The process that switches a key follows before it answers, and says who did what."""
    path = f"/projects/{tenant.app.id}/keys"
    added = await admin.post(path, data={"label": " iOS, store build "})
    assert added.headers["location"] == f"{path}?done=key-added"
    key = (await list_keys(tenant))[-1]
    assert key.label == "iOS, store build"
    assert await send(tenant, key.public_key) == 200
    page = html_reader.parse_page((await admin.get(path)).text)
    assert key.public_key in page.text
    off = await admin.post(f"{path}/{key.public_key}/switch", data={"on": "no"})
    assert off.headers["location"] == f"{path}?done=key-off"
    assert await send(tenant, key.public_key) in {401, 403}
    assert await send(tenant, tenant.app.key) == 200
    await admin.post(f"{path}/{key.public_key}/switch", data={"on": "yes"})
    assert await send(tenant, key.public_key) == 200
    renamed = await admin.post(f"{path}/{key.public_key}/name", data={"label": "Old builds"})
    assert renamed.headers["location"] == f"{path}?done=key-renamed"
    assert (await list_keys(tenant))[-1].label == "Old builds"
    changes = [(line.action, line.subject, line.detail) for line in await list_changes(tenant)]
    assert changes == [
        ("key_added", key.public_key, {"name": "iOS, store build"}),
        ("key_changed", key.public_key, {"name": "iOS, store build", "on": False}),
        ("key_changed", key.public_key, {"name": "iOS, store build", "on": True}),
        ("key_changed", key.public_key, {"name": "Old builds"}),
    ]


async def test_the_page_warns_of_what_stops(tenant: Server, admin: httpx2.AsyncClient):
    """A key in use and the last key have a warning of their own; a key never used has none."""
    path = f"/projects/{tenant.app.id}/keys"
    await admin.post(path, data={"label": "Spare"})
    assert await send(tenant, tenant.app.key) == 200
    await tenant.service.ingest.admission.quotas.refresh(tenant.database)
    used, spare = await list_keys(tenant)
    assert used.last_used_at is not None
    assert (spare.last_used_at, spare.has_been_used) == (None, False)
    cards = html_reader.parse_page((await admin.get(path)).text).all("li", class_="card stack")
    assert "Apps or services use this key" in cards[0].text
    assert "only key" not in cards[0].text
    assert "Nothing has used this key for 30 days, or ever" in cards[1].text
    await admin.post(f"{path}/{spare.public_key}/switch", data={"on": "no"})
    cards = html_reader.parse_page((await admin.get(path)).text).all("li", class_="card stack")
    assert "It is the only key that is on" in cards[0].text
    await admin.post(f"{path}/{used.public_key}/switch", data={"on": "no"})
    assert "All keys are off" in (await admin.get(path)).text
    assert "Switch one on" in (await admin.get(f"/projects/{tenant.app.id}")).text


async def test_bad_names_and_keys_of_others_are_refused(tenant: Server, admin: httpx2.AsyncClient):
    """An empty name gets the form back; a key of another project does not exist here."""
    path = f"/projects/{tenant.app.id}/keys"
    refused = await admin.post(path, data={"label": "  "})
    assert refused.status_code == 400
    assert "Give the key a name" in refused.text
    own = f"{path}/{tenant.app.key}/name"
    assert (await admin.post(own, data={"label": " "})).status_code == 400
    for key in (tenant.backend.key, "f" * 32, "x"):
        assert (await admin.post(f"{path}/{key}/name", data={"label": "x"})).status_code == 404
        assert (await admin.post(f"{path}/{key}/switch", data={"on": "no"})).status_code == 404
    long_name = await admin.post(own, data={"label": "\N{PILE OF POO}" * 500})
    assert long_name.status_code == 303
    assert len((await list_keys(tenant))[0].label.encode()) <= 200


async def test_a_project_has_at_most_a_hundred_keys(
    tenant: Server, admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    """At the limit a key is added, and past it the form says why not."""
    monkeypatch.setattr(project_keys, "MOST_KEYS", 2)
    path = f"/projects/{tenant.app.id}/keys"
    assert (await admin.post(path, data={"label": "second"})).status_code == 303
    refused = await admin.post(path, data={"label": "third"})
    assert refused.status_code == 400
    assert "at most 2 keys" in refused.text
    assert len(await list_keys(tenant)) == 2
