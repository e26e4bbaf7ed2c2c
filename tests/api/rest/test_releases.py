"""Tests of releases, commits and deploys as build servers report and read them."""

import re
from datetime import UTC, datetime
from urllib.parse import quote

import httpx2
import pytest
from sqlalchemy import text

from app.releases import build_queries
from tests.support.builders.api_tokens import builder, make_token, project_builder
from tests.support.builders.people import make_person
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

ORGANIZATION = "/api/0/organizations/acme/releases/"
COMMIT = {
    "id": "ee16c2eb51f730d6c054f1ab2a723ba9aff528d1",
    "repository": "origin",
    "author_name": "Ada",
    "author_email": "ada@example.com",
    "timestamp": "2026-11-30T04:44:20Z",
    "message": "Mend the cart\n",
    "patch_set": [{"path": "cart.kt", "type": "M"}],
}


async def read_slug(server: Server) -> str:
    """Return the slug of the tenant's app."""
    async with server.database.reading() as connection:
        slug: str = await connection.scalar(
            text("select slug from projects where id = :id"), {"id": server.app.id}
        )
    return slug


def of_project(name: object) -> str:
    """Return the address of the releases of a project, as sentry-cli 2 asks for it."""
    return f"/api/0/projects/acme/{name}/releases/"


def release_address(version: str) -> str:
    """Return the address of a release, as sentry-cli 3 asks for it."""
    return f"{ORGANIZATION}{quote(version, safe='')}/"


@pytest.mark.parametrize("generation", ["of an organization", "of a project"])
async def test_a_release_is_made_finished_and_read(tenant: Server, generation: str):
    """A release has one life in both generations of the API, whatever its name has in it."""
    slug = await read_slug(tenant)
    base = of_project(slug) if generation == "of a project" else ORGANIZATION
    async with project_builder(tenant) as client:
        for version in ("2.4.0", "com.acme.shop@1.2.3+4", "a/b/envelope", "é x", "%2F"):
            await follow_release(client, tenant, version, slug=slug, base=base)


async def follow_release(
    client: httpx2.AsyncClient, tenant: Server, version: str, *, slug: str, base: str
) -> None:
    """Make, finish, change, read, list and delete a release."""
    here = f"{base}{quote(version, safe='')}/"
    assert (await client.get(here)).status_code == 404
    answer = await client.post(
        base,
        json={
            "version": version,
            "projects": [slug],
            "dateStarted": "2026-11-30T05:06:46.942436880Z",
        },
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["version"] == version
    assert answer.json()["dateReleased"] is None
    assert answer.json()["dateStarted"] == "2026-11-30T05:06:46.942436Z"
    (project,) = answer.json()["projects"]
    assert (project["id"], project["slug"]) == (str(tenant.app.id), slug)
    finished = await client.put(
        here, json={"projects": [slug], "dateReleased": "2026-11-30T05:07:00Z"}
    )
    assert finished.status_code == 200
    assert finished.json()["dateReleased"] == "2026-11-30T05:07:00.000000Z"
    assert finished.json()["dateCreated"] == answer.json()["dateCreated"]
    again = await client.post(base, json={"version": version, "url": "https://ci.example/1"})
    assert again.status_code == 201
    body = (await client.get(here)).json()
    assert body == again.json()
    assert (body["url"], body["dateReleased"]) == (
        "https://ci.example/1",
        "2026-11-30T05:07:00.000000Z",
    )
    listed = await client.get(of_project(tenant.app.id))
    assert [release["version"] for release in listed.json()] == [version]
    assert (await client.delete(here)).status_code == 204
    assert (await client.get(here)).status_code == 404


async def test_finishing_makes_a_release_that_nobody_has_made(tenant: Server):
    """A build that only finishes its release does not fail."""
    async with project_builder(tenant) as client:
        answer = await client.put(
            release_address("9.1"), json={"dateReleased": "2026-11-30T05:07:00Z"}
        )
        assert answer.status_code == 200
        assert (await client.get(release_address("9.1"))).json()["dateReleased"]


async def test_commits_and_deploys_are_kept(tenant: Server):
    """Commits replace those before; deploys add up; both are listed and counted."""
    async with project_builder(tenant) as client:
        await client.post(ORGANIZATION, json={"version": "3.0"})
        assert (await client.get("/api/0/organizations/acme/repos/?cursor=")).json() == []
        assert (await client.get(f"{release_address('3.0')}previous-with-commits/")).json() == {}
        second = {**COMMIT, "id": "b" * 40}
        await client.put(release_address("3.0"), json={"commits": [second]})
        answer = await client.put(release_address("3.0"), json={"commits": [COMMIT, second]})
        assert answer.json()["commitCount"] == 2
        assert answer.json()["lastCommit"]["id"] == COMMIT["id"]
        commits = (await client.get(f"{release_address('3.0')}commits/")).json()
        assert [commit["id"] for commit in commits] == [COMMIT["id"], "b" * 40]
        assert commits[0]["author"] == {"name": "Ada", "email": "ada@example.com"}
        deploy = await client.post(
            f"{release_address('3.0')}deploys/",
            json={
                "environment": "production",
                "name": None,
                "url": None,
                "dateStarted": None,
                "dateFinished": "2026-11-30T05:06:58.623125638Z",
            },
        )
        assert deploy.status_code == 201
        assert deploy.json()["environment"] == "production"
        assert deploy.json()["dateFinished"] == "2026-11-30T05:06:58.623125Z"
        await client.post(f"{release_address('3.0')}deploys/", json={"environment": "staging"})
        deploys = (await client.get(f"{release_address('3.0')}deploys/")).json()
        assert [each["environment"] for each in deploys] == ["staging", "production"]
        body = (await client.get(release_address("3.0"))).json()
        assert (body["deployCount"], body["lastDeploy"]["environment"]) == (2, "staging")
        missing = await client.post(
            f"{release_address('3.1')}deploys/", json={"environment": "production"}
        )
        assert missing.status_code == 404
        assert "3.1" in missing.json()["detail"]


async def test_the_page_shows_what_builds_have_named(tenant: Server, monkeypatch):
    """Releases without sessions are there, each with its newest commits and latest deploys."""
    monkeypatch.setattr(build_queries, "SHOWN_DEPLOYS", 2)
    async with project_builder(tenant) as client:
        commits = [{**COMMIT, "id": f"{number:040x}"} for number in range(25)]
        await client.post(ORGANIZATION, json={"version": "shop@3.0", "commits": commits})
        await client.post(ORGANIZATION, json={"version": "shop@3.1", "commits": [COMMIT]})
        await client.post(ORGANIZATION, json={"version": "shop@2.9", "status": "archived"})
        for environment in ("beta", "staging", "production"):
            await client.post(
                f"{release_address('shop@3.1')}deploys/", json={"environment": environment}
            )
    answer = await tenant.web.get(f"/projects/{tenant.app.id}/releases")
    assert answer.status_code == 200
    page = answer.text
    assert page.index("shop@3.1") < page.index("shop@3.0")
    assert "shop@2.9" not in page
    assert page.count("Mend the cart") == build_queries.SHOWN_COMMITS + 1
    assert "And 5 earlier commits" in page
    assert re.findall(r">(beta|staging|production) <", page) == ["production", "staging"]
    assert "1 earlier deploy<" in page


async def test_a_release_of_sessions_is_listed_and_takes_deploys(tenant: Server):
    """A release that no build server has named exists by its sessions."""
    async with tenant.database.transaction() as connection:
        await connection.execute(
            text(
                "insert into release_sessions values (:id, '5.0', '', current_date, 'started', 7)"
            ),
            {"id": tenant.app.id},
        )
    async with project_builder(tenant) as client:
        assert (await client.get(release_address("5.0"))).json()["version"] == "5.0"
        assert (await client.delete(release_address("5.0"))).status_code == 400
        deploy = await client.post(
            f"{release_address('5.0')}deploys/", json={"environment": "production"}
        )
        assert deploy.status_code == 201
        listed = (await client.get(ORGANIZATION)).json()
        assert [(each["version"], each["deployCount"]) for each in listed] == [("5.0", 1)]


async def test_lists_have_pages_and_a_search(tenant: Server):
    """A list goes on at the cursor of its `Link`, and may be searched by a part of the version."""
    async with project_builder(tenant) as client:
        for number in range(5):
            await client.post(ORGANIZATION, json={"version": f"shop@1.{number}"})
        versions: list[str] = []
        address: str | None = f"{ORGANIZATION}?per_page=2&cursor=&query="
        while address:
            page = await client.get(address)
            versions += [release["version"] for release in page.json()]
            following = page.links["next"]
            address = following["url"] if following["results"] == "true" else None
        assert versions == [f"shop@1.{number}" for number in reversed(range(5))]
        answer = await client.get(ORGANIZATION, params={"query": "OP@1.3"})
        assert [release["version"] for release in answer.json()] == ["shop@1.3"]
        assert (await client.get(ORGANIZATION, params={"query": "100%"})).json() == []
        assert (await client.get(ORGANIZATION, params={"cursor": "x"})).status_code == 400
        archived = await client.put(
            release_address("shop@1.3"), json={"projects": [], "status": "archived"}
        )
        assert archived.json()["status"] == "archived"


BODIES = [
    b"", b"[]", b"{", b"null", b'{"version": 1}', b'{"version": null}', b'{"projects": ["a"]}',
    b'{"version": "1", "projects": "app"}', b'{"version": "1", "projects": [true]}',
    b'{"version": "1", "projects": [[]]}', b'{"version": "1", "dateReleased": "soon"}',
    b'{"version": "1", "commits": [{}]}', b'{"version": "1", "commits": {}}',
    b'{"version": "1", "status": "gone"}', b'{"version": "1", "status": []}',
 b'{"version": "1", "url": 7}',
    b'{"version": "1", "url": "' + b"a" * 3_000 + b'"}',
    b"[" * 100_000, b'{"version": "\\u0000"}',
]  # fmt: skip


async def test_bodies_that_make_no_sense_get_400(tenant: Server):
    """A body that cannot be read is refused with a sentence, and makes nothing."""
    async with project_builder(tenant) as client:
        for body in BODIES:
            answer = await client.post(ORGANIZATION, content=body)
            assert answer.status_code == 400, (body[:80], answer.text)
            assert answer.json()["detail"].endswith(".")
        assert (await client.get(ORGANIZATION)).json() == []


async def test_a_body_that_is_too_large_is_refused(tenant: Server):
    """A body over 4 MiB gets 413."""
    async with project_builder(tenant) as client:
        answer = await client.post(ORGANIZATION, content=b" " * (4 * 1024 * 1024 + 1))
    assert answer.status_code == 413


async def test_names_that_no_release_can_have_get_400(tenant: Server):
    """Such a name is refused in a body and in an address, and never leads elsewhere."""
    async with project_builder(tenant) as client:
        for version in ("..", ".", "", " ", "a\nb", "a" * 1_000, "\0", "a\x7f"):
            answer = await client.post(ORGANIZATION, json={"version": version})
            assert answer.status_code == 400, answer.text
            if version not in {"", ".", ".."}:  # which clients of HTTP take out of an address
                for method in ("GET", "PUT", "DELETE"):
                    answer = await client.request(method, release_address(version), json={})
                    assert answer.status_code == 400, answer.text
        assert (await client.get(f"{ORGANIZATION}%2e%2e/")).status_code in (400, 404)


async def test_a_token_reaches_its_project_only(tenant: Server):
    """Another project gets 403, one that does not exist 404, by slug as by number."""
    async with project_builder(tenant) as client:
        for name, status in ((tenant.backend.id, 403), ("no-such-app", 404), (10**18, 404)):
            here = of_project(name)
            answers = [
                await client.get(here),
                await client.post(here, json={"version": "1"}),
                await client.put(f"{here}1/", json={}),
                await client.delete(f"{here}1/"),
                await client.post(ORGANIZATION, json={"version": "1", "projects": [name]}),
                await client.put(release_address("1"), json={"projects": [name]}),
                await client.get(ORGANIZATION, params={"project": name}),
            ]
            assert {answer.status_code for answer in answers} == {status}, name
    async with project_builder(tenant, project_id=tenant.backend.id) as client:
        assert (await client.get(ORGANIZATION)).json() == []


async def test_a_token_of_several_projects_names_those_of_a_release(tenant: Server):
    """A release of two projects is one to its reader; who makes it says where it belongs."""
    person = await make_person(tenant.database, f"boss.{tenant.app.id}@example.com", is_admin=True)
    secret = await make_token(tenant.database, None, made_by=person.id)
    version = f"wide-{tenant.app.id}"
    async with builder(tenant, secret) as client:
        assert (await client.post(ORGANIZATION, json={"version": version})).status_code == 400
        names = [tenant.app.id, tenant.backend.id]
        answer = await client.post(ORGANIZATION, json={"version": version, "projects": names})
        assert [int(project["id"]) for project in answer.json()["projects"]] == names
        changed = await client.put(release_address(version), json={"url": "https://ci.example/2"})
        assert len(changed.json()["projects"]) == 2
    async with project_builder(tenant) as client:
        projects = (await client.get(release_address(version))).json()["projects"]
        assert [int(project["id"]) for project in projects] == [tenant.app.id]


async def test_what_a_token_does_is_in_the_log(tenant: Server):
    """The first use from an address, a release and a deploy leave a line each."""
    async with project_builder(tenant) as client:
        await client.post(ORGANIZATION, json={"version": "7.0"})
        now = datetime.now(UTC).isoformat()  # noqa: TID251 - what a build server sends
        await client.put(release_address("7.0"), json={"dateReleased": now})
        await client.post(f"{release_address('7.0')}deploys/", json={"environment": "production"})
        await client.delete(release_address("7.0"))
    async with tenant.database.reading() as connection:
        rows = await connection.execute(
            text(
                "select action, subject, detail from audit_lines where project_id = :id order by id"
            ),
            {"id": tenant.app.id},
        )
        lines = [(row.action, row.subject, row.detail) for row in rows]
    by_token = {"token": "Build server"}
    assert [action for action, _, _ in lines][-5:] == [
        "token_used", "release_added", "release_changed", "deploy_added", "release_deleted",
    ]  # fmt: skip
    assert lines[-4][1:] == ("7.0", by_token)
    assert lines[-3][2] == {**by_token, "released": True}
    assert lines[-2][2] == {**by_token, "environment": "production"}
