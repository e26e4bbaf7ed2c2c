"""Tests of the access of every token to every route of the REST API.

A route that is not in the table fails the first test, until somebody says which scope it needs.
"""

from typing import Final

import pytest
from fastapi.routing import iter_route_contexts

from app.api_tokens.model import Scope
from app.rest.router import PREFIX, resources
from tests.support.builders.api_tokens import builder, project_builder
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANY: Final = frozenset(Scope)
RELEASES: Final = frozenset({Scope.RELEASES})
READ: Final = frozenset({Scope.PROJECT_READ, Scope.RELEASES})
UPLOAD: Final = frozenset({Scope.UPLOAD})
EVENTS: Final = frozenset({Scope.EVENT_READ})

_O: Final = "/organizations/{org}/"
_P: Final = "/projects/{org}/{project}/"
_R: Final = "releases/{version}/"
NEEDED: Final[dict[tuple[str, str], frozenset[Scope]]] = {
    ("GET", "/"): ANY,
    ("GET", "/organizations/"): ANY,
    ("GET", _O): ANY,
    ("GET", "/users/me/regions/"): ANY,
    ("GET", f"{_O}projects/"): READ,
    ("GET", "/projects/"): READ,
    ("GET", _P): READ,
    ("GET", f"{_O}repos/"): READ,
    ("GET", f"{_O}releases/"): READ,
    ("POST", f"{_O}releases/"): RELEASES,
    ("GET", f"{_O}{_R}"): READ,
    ("PUT", f"{_O}{_R}"): RELEASES,
    ("DELETE", f"{_O}{_R}"): RELEASES,
    ("GET", f"{_O}{_R}deploys/"): READ,
    ("POST", f"{_O}{_R}deploys/"): RELEASES,
    ("GET", f"{_O}{_R}commits/"): READ,
    ("GET", f"{_O}{_R}previous-with-commits/"): READ,
    ("GET", f"{_P}releases/"): READ,
    ("POST", f"{_P}releases/"): RELEASES,
    ("GET", f"{_P}{_R}"): READ,
    ("PUT", f"{_P}{_R}"): RELEASES,
    ("DELETE", f"{_P}{_R}"): RELEASES,
    ("GET", f"{_P}{_R}commits/"): READ,
    ("GET", f"{_P}events/{{event_id}}/"): EVENTS,
    ("GET", f"{_O}chunk-upload/"): UPLOAD,
    ("POST", f"{_O}chunk-upload/"): UPLOAD,
    ("POST", f"{_O}artifactbundle/assemble/"): UPLOAD,
    ("POST", f"{_P}files/difs/assemble/"): UPLOAD,
    ("POST", f"{_P}files/dsyms/"): UPLOAD,
    ("POST", f"{_P}files/proguard-artifact-releases/"): UPLOAD,
    ("POST", f"{_P}reprocessing/"): UPLOAD,
}
"""The scopes of which a token needs one, by method and path."""


def fill(path: str, project: object) -> str:
    """Put values into a path; nothing has these names."""
    values = {"org": "acme", "project": project, "version": "1%2F0", "event_id": "a" * 32}
    return PREFIX + path.format_map(values)


async def test_every_route_is_in_the_table():
    """The table names every route of the REST API, and none that does not exist."""
    routes = {
        (method, (context.path or "").removeprefix(PREFIX))
        for context in iter_route_contexts(resources().routes)
        for method in context.methods or ()
    }
    assert routes == set(NEEDED)


async def test_no_route_answers_without_a_token(tenant: Server):
    """Without a token, and with the key of a DSN, every route answers 401 and says why."""
    for secret in (None, str(tenant.app.key)):
        async with builder(tenant, secret) as client:
            for method, path in NEEDED:
                answer = await client.request(method, fill(path, tenant.app.id), json={})
                assert answer.status_code == 401, (method, path)
                assert answer.json()["detail"]


async def test_each_scope_opens_what_it_should(tenant: Server):
    """A token without the scope gets 403 and its name; with it, no route fails or hides."""
    for scope in Scope:
        async with project_builder(tenant, scope) as client:
            for (method, path), needed in NEEDED.items():
                answer = await client.request(method, fill(path, tenant.app.id), json={})
                assert answer.status_code < 500, (scope, method, path, answer.text)
                is_open = answer.status_code != 403
                assert is_open == (scope in needed), (scope, method, path, answer.text)
                if not is_open:
                    assert "lacks the scope" in answer.json()["detail"]


async def test_no_route_reaches_another_project(tenant: Server):
    """A token with all scopes gets 403 for a project of others, and 404 for a missing one."""
    async with project_builder(tenant) as client:
        for project, status in ((tenant.backend.id, 403), (10**15, 404), ("%00", 404)):
            for method, path in NEEDED:
                if "{project}" in path:
                    answer = await client.request(method, fill(path, project), json={})
                    assert answer.status_code == status, (method, path, answer.text)


async def test_other_methods_are_refused(tenant: Server):
    """A method that an address does not take gets 405 with a sentence."""
    async with project_builder(tenant) as client:
        for method in ("PATCH", "OPTIONS", "DELETE"):
            answer = await client.request(method, f"{PREFIX}/")
            assert answer.status_code == 405
            assert answer.json()["detail"]
            assert "GET" in answer.headers["allow"]
