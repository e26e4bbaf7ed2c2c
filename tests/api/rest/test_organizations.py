"""Tests of the lists with which build tools are configured."""

import pytest

from tests.support.builders.api_tokens import builder, make_token, project_builder
from tests.support.builders.people import make_person
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_there_is_one_organization(tenant: Server):
    """The organisation has every member without which sentry-cli fails, under any name."""
    async with project_builder(tenant) as client:
        answer = await client.get("/api/0/organizations/?cursor=")
        (organization,) = answer.json()
        body = (await client.get("/api/0/organizations/acme/")).json()
        regions = (await client.get("/api/0/users/me/regions/")).json()
    assert 'rel="next"; results="false"' in answer.headers["link"]
    assert body == organization
    assert organization["slug"] == "playhead"
    assert {
        "id", "name", "dateCreated", "isEarlyAdopter", "require2FA", "requireEmailVerification",
        "features",
    } <= set(organization)  # fmt: skip
    assert regions == {"regions": [{"name": "default", "url": tenant.base_url}]}


async def test_the_projects_are_those_of_the_token(tenant: Server):
    """A list has the projects that the token reaches and no other, and goes on in pages."""
    async with project_builder(tenant) as client:
        (project,) = (await client.get("/api/0/projects/")).json()
        assert (await client.get("/api/0/organizations/acme/projects/")).json() == [project]
        assert project["id"] == str(tenant.app.id)
        slug = project["slug"]
        assert (await client.get(f"/api/0/projects/acme/{slug}/")).json() == project
        assert (await client.get(f"/api/0/projects/acme/{tenant.backend.id}/")).status_code == 403
        assert (await client.get("/api/0/projects/acme/acme/")).status_code == 404
    admin = await make_person(tenant.database, f"a.{tenant.app.id}@example.com", is_admin=True)
    async with builder(tenant, await make_token(tenant.database, None, made_by=admin.id)) as client:
        seen: list[str] = []
        address: str | None = "/api/0/projects/?per_page=1"
        while address and len(seen) < 3:
            page = await client.get(address)
            seen += [project["id"] for project in page.json()]
            following = page.links["next"]
            address = following["url"] if following["results"] == "true" else None
    assert len(set(seen)) == len(seen) >= 2
