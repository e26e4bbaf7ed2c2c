"""`/api/envelope/` and `/api/store/` name no project: the key or the DSN decides."""

import pytest

from tests.support.builders import envelopes, payloads
from tests.support.builders.envelopes import envelope, envelope_header, item
from tests.support.builders.wire import EVENT_ID
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEPT = {("event", "kept", ""): 1}


def envelope_with_dsn(dsn: str) -> bytes:
    """Return an envelope with one event, whose header has a DSN."""
    header = envelope_header(event_id=EVENT_ID, dsn=dsn)
    return envelope(header, item("event", payloads.event()))


@pytest.mark.parametrize(("key", "status"), [(None, 401), ("f" * 32, 403)])
@pytest.mark.parametrize("path", ["/api/store/", "/api/store", "/api/envelope/", "/api/envelope"])
async def test_a_request_without_a_known_key_is_refused(
    tenant: Server, path: str, key: str | None, status: int
):
    """Without a project in the path, only a known key says where an event belongs."""
    headers = {} if key is None else envelopes.headers(key, encoding=None)
    answer = await tenant.sender.post(path, content=b"{}", headers=headers)
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("path", ["/api/envelope/", "/api/envelope", "/api/store/"])
@pytest.mark.parametrize(
    ("key", "project", "status"),
    [
        ("{app.key}", "{app.id}", 200),
        ("{app.key}", "{backend.id}", 403),
        ("{app.key}", "app", 400),
        ("f" * 32, "{app.id}", 403),
    ],
)
async def test_a_dsn_in_the_envelope_names_the_project(
    tenant: Server, path: str, key: str, project: str, status: int
):
    """The DSN decides if the request has no key, and its key must belong to its project."""
    names = {"app": tenant.app, "backend": tenant.backend}
    dsn = f"https://{key}@a.example/{project}".format(**names)
    body = envelope_with_dsn(dsn)
    answer = await tenant.sender.post(path, content=body)
    assert answer.status_code == status, answer.text
    await tenant.settled()
    assert await tenant.outcomes() == (KEPT if status == 200 else {})


async def test_a_dsn_in_the_envelope_must_agree_with_the_key(tenant: Server):
    """The endpoint without a project answers like the one with a project."""
    dsn = f"https://{tenant.backend.key}@a.example/{tenant.backend.id}"
    body = envelope_with_dsn(dsn)
    headers = envelopes.headers(tenant.app.key, encoding=None)
    answer = await tenant.sender.post("/api/envelope/", content=body, headers=headers)
    assert answer.status_code == 403


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/api/envelope/", "/api/store"])
async def test_endpoints_without_a_project_accept_only_posts(
    tenant: Server, path: str, method: str
):
    """Other methods get 405, as they do at the endpoints with a project."""
    answer = await tenant.sender.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST, OPTIONS")
