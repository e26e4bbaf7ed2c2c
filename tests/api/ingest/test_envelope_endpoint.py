"""The envelope endpoint over HTTP: who may send, in which forms, and what is answered."""

import base64
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from app.core.limits import LIMITS
from app.projects import writes as project_writes
from tests.support.builders import envelopes, payloads
from tests.support.builders.wire import EVENT_ID, REPLAY_ID, compact
from tests.support.servers.server import exchange

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEPT_EVENT = {("event", "kept", ""): 1}


def unsigned_headers(**headers: str) -> dict[str, str]:
    """Return the headers of a plain body without authentication, and those given."""
    return {"Content-Type": "application/x-sentry-envelope", **headers}


@pytest.mark.parametrize(
    "path",
    [
        "/api/{id}/envelope/",
        "/api/{id}/envelope",
        "/sentry/api/{id}/envelope/",
        "/a/b/api/{id}/envelope",
    ],
)
async def test_paths_of_all_sdks_are_accepted(tenant, path):
    """The slash at the end is optional, and the path may have any prefix."""
    answer = await tenant.sender.post(
        path.format(id=tenant.app.id),
        content=envelopes.event_envelope(),
        headers=envelopes.headers(tenant.app.key, encoding=None),
    )
    assert (answer.status_code, answer.json()) == (200, {"id": EVENT_ID})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Sentry-Auth", "Sentry sentry_version=7,sentry_client=a/1,sentry_key={key}"),
        ("X-Sentry-Auth", "Sentry sentry_key={key}, sentry_version=7"),
        ("X-Sentry-Auth", "sentry sentry_key={key} , sentry_client=raven/5"),
        ("Authorization", "Sentry sentry_version=7, sentry_key={key}"),
    ],
)
async def test_keys_are_found_in_headers(tenant, name, value):
    """A key is in X-Sentry-Auth or Authorization, with or without blanks, in any order."""
    headers = unsigned_headers(**{name: value.format(key=tenant.app.key)})
    answer = await tenant.post(envelopes.event_envelope(), headers=headers)
    assert answer.status_code == 200, answer.text


async def test_the_key_is_found_in_the_query(tenant):
    """Browsers put the key there, and send a body of any content type."""
    path = f"{tenant.ingest_path()}?{envelopes.auth_query(tenant.app.key)}"
    answer = await tenant.sender.post(
        path, content=envelopes.event_envelope(), headers={"Content-Type": "text/plain"}
    )
    assert answer.status_code == 200, answer.text


async def test_the_key_is_found_in_the_dsn(tenant):
    """A tunnelled envelope names its key only in its own header."""
    header = envelopes.envelope_header(
        event_id=EVENT_ID, dsn=f"https://{tenant.app.key}@example.com/{tenant.app.id}"
    )
    body = envelopes.envelope(header, envelopes.item("event", payloads.event()))
    answer = await tenant.post(body, headers=unsigned_headers())
    assert (answer.status_code, answer.json()) == (200, {"id": EVENT_ID})


@pytest.mark.parametrize(
    "dsn", ["https://{key}@example.com/999", "https://{other}@example.com/{id}"]
)
async def test_a_dsn_that_contradicts_the_request_is_refused(tenant, dsn):
    """An envelope that names another project or another key gets 403."""
    other_dsn = dsn.format(key=tenant.app.key, other=tenant.backend.key, id=tenant.app.id)
    header = envelopes.envelope_header(dsn=other_dsn)
    body = envelopes.envelope(header, envelopes.item("event", payloads.event()))
    answer = await tenant.post(body)
    assert answer.status_code == 403
    assert "DSN" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("auth", "status"),
    [
        (None, 401),
        ("Sentry sentry_version=7", 401),
        ("Bearer abc", 401),
        ("Sentry sentry_key=not-a-key", 401),
        ("Sentry sentry_key=" + "f" * 32, 403),
        ("Sentry sentry_key={other}", 403),
    ],
)
async def test_strangers_are_refused(tenant, auth, status):
    """A key that is missing, unreadable, unknown or of another project is refused."""
    headers = unsigned_headers()
    if auth is not None:
        headers["X-Sentry-Auth"] = auth.format(other=tenant.backend.key)
    answer = await tenant.post(envelopes.event_envelope(), headers=headers)
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"detail", "causes"}
    assert answer.headers["access-control-allow-origin"] == "*"
    await tenant.settled()
    assert await tenant.outcomes() == {}


GZIP = gzip.compress(envelopes.event_envelope())
ENCODED = {
    "none": (envelopes.event_envelope(), None),
    "identity": (envelopes.event_envelope(), "identity"),
    "gzip": (GZIP, "gzip"),
    "x-gzip": (GZIP, "x-gzip"),
    "gzip, undeclared": (GZIP, None),
    "gzip, declared in vain": (envelopes.event_envelope(), "gzip"),
    "gzip of two members": (envelopes.gzipped(envelopes.event_envelope(), members=2), "gzip"),
    "deflate": (zlib.compress(envelopes.event_envelope()), "deflate"),
    "raw deflate": (zlib.compress(envelopes.event_envelope(), wbits=-15), "deflate"),
}


@pytest.mark.parametrize("name", sorted(ENCODED))
async def test_content_encodings_are_decoded(tenant, name):
    """The encodings are those that SDKs use and those that proxies leave behind."""
    body, encoding = ENCODED[name]
    answer = await tenant.post(body, encoding=encoding)
    assert (answer.status_code, answer.json()) == (200, {"id": EVENT_ID})
    await tenant.settled()
    assert await tenant.outcomes() == KEPT_EVENT


async def test_chunked_bodies_are_accepted(tenant):
    """The SDK of Node sends bodies without a length."""

    async def pieces() -> AsyncIterator[bytes]:
        yield GZIP[:100]
        yield GZIP[100:]

    answer = await tenant.sender.post(
        tenant.ingest_path(), content=pieces(), headers=envelopes.headers(tenant.app.key)
    )
    assert (answer.status_code, answer.json()) == (200, {"id": EVENT_ID})


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"", None),
        (b"\n\r\n", None),
        (b"no json\n{}", None),
        (b"[1]\n", None),
        (GZIP[: len(GZIP) // 2], "gzip"),
        (GZIP[:-8] + bytes(8), "gzip"),
        (b'{}\n{"type":"event","length":100}\n{}', None),
    ],
)
async def test_a_body_that_can_never_be_read_is_refused(tenant, body, encoding):
    """The answer is 400 with the reason in JSON, and one outcome is counted."""
    answer = await tenant.post(body, encoding=encoding)
    assert answer.status_code == 400, answer.text
    assert answer.json()["causes"] == ["malformed"]
    assert answer.json()["detail"]
    await tenant.outcomes_reach({("envelope", "refused", "malformed"): 1})


@pytest.mark.parametrize("project", ["abc", "1.5", "9" * 40])
async def test_the_project_must_be_a_number(tenant, project):
    """Anything else in the path gets 400."""
    answer = await tenant.sender.post(
        f"/api/{project}/envelope/",
        content=envelopes.event_envelope(),
        headers=envelopes.headers(tenant.app.key, encoding=None),
    )
    assert answer.status_code == 400
    assert "project" in answer.json()["detail"]


async def test_a_body_over_the_limit_is_refused(tenant):
    """A body that announces more than the limit gets 413 before it is read."""
    request = (
        f"POST {tenant.ingest_path()} HTTP/1.1\r\nHost: a\r\n"
        f"X-Sentry-Auth: {envelopes.auth_header(tenant.app.key)}\r\n"
        f"Content-Length: {LIMITS.body_bytes + 1}\r\n\r\n{{"
    )
    answer = await exchange(tenant.base_url, request.encode())
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"too_large"' in answer
    assert b"connection: close" in answer.lower()


async def test_a_body_that_inflates_past_the_limit_is_refused(tenant):
    """A compressed bomb gets 413, and is counted."""
    packer = zlib.compressobj(wbits=31)
    megabyte = bytes(1024 * 1024)
    parts = [packer.compress(megabyte) for _ in range(LIMITS.inflated_bytes // len(megabyte) + 1)]
    answer = await tenant.post(b"".join(parts) + packer.flush(), encoding="gzip")
    assert answer.status_code == 413
    await tenant.outcomes_reach({("envelope", "refused", "too_large"): 1})


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
async def test_other_methods_are_not_allowed(tenant, method):
    """The answer is 405, and names the methods that are allowed."""
    answer = await tenant.sender.request(method, tenant.ingest_path())
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST, OPTIONS"


async def test_a_preflight_allows_the_headers_of_sdks(tenant):
    """Browsers may ask from any origin whether they may post."""
    answer = await tenant.sender.options(
        tenant.ingest_path(),
        headers={"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"},
    )
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "x-sentry-auth" in answer.headers["access-control-allow-headers"]
    assert "POST" in answer.headers["access-control-allow-methods"]


async def test_without_an_event_id_the_answer_is_empty(tenant):
    """An envelope of sessions or logs has no id to answer with."""
    body = envelopes.envelope({}, envelopes.session_item())
    answer = await tenant.post(body)
    assert (answer.status_code, answer.json()) == (200, {})
    await tenant.settled()
    assert await tenant.outcomes() == {("session", "kept", ""): 1}


async def test_an_envelope_without_items_is_accepted(tenant):
    """The envelope is empty, and nothing is counted."""
    answer = await tenant.post(envelopes.envelope({"event_id": EVENT_ID}))
    assert (answer.status_code, answer.json()) == (200, {"id": EVENT_ID})
    await tenant.settled()
    assert await tenant.outcomes() == {}


async def test_old_sdks_post_events_without_an_envelope(tenant):
    """An event for `/store/` is JSON, or base64 of zlib."""
    plain = compact(payloads.event())
    packed = base64.b64encode(zlib.compress(compact(payloads.event("b" * 32))))
    headers = envelopes.headers(tenant.app.key, encoding=None)
    for body, event_id in [(plain, EVENT_ID), (packed, "b" * 32)]:
        answer = await tenant.sender.post(
            tenant.ingest_path(kind="store"), content=body, headers=headers
        )
        assert (answer.status_code, answer.json()) == (200, {"id": event_id})
    await tenant.settled()
    assert await tenant.outcomes() == {("event", "kept", ""): 2}


async def test_sdks_of_old_browsers_send_events_by_asking_for_an_image(tenant):
    """The address holds the event as JSON or as base64 of zlib, escaped or not."""
    plain = compact(payloads.event()).decode()
    packed = base64.b64encode(zlib.compress(compact(payloads.event("b" * 32)))).decode()
    query = f"?sentry_version=4&sentry_client=raven-js/1.1&sentry_key={tenant.app.key}&sentry_data="
    address = tenant.ingest_path(kind="store") + query
    for data in (quote(plain), packed):
        answer = await tenant.sender.get(address + data)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/gif"
        assert answer.content.startswith(b"GIF89a")
        assert len(answer.content) == 42
    await tenant.settled()
    assert await tenant.outcomes() == {("event", "kept", ""): 2}
    assert (await tenant.sender.get(f"{address}nothing")).status_code == 400
    assert (await tenant.sender.get(address.replace("/store/", "/envelope/"))).status_code == 405
    assert (await tenant.sender.get(tenant.ingest_path(kind="store"))).status_code == 405
    stranger = await tenant.sender.get(address.replace(tenant.app.key, "0" * 32) + quote(plain))
    assert stranger.status_code in {401, 403}


async def test_a_key_that_is_switched_off_is_refused(tenant):
    """The key gets 403, and an outcome, once the server has read the keys again."""
    async with tenant.database.transaction() as connection:
        await project_writes.set_key_active(
            connection, tenant.app.id, tenant.app.key, is_active=False
        )
    await tenant.service.page_services.keys.refresh()
    answer = await tenant.post(envelopes.event_envelope())
    assert answer.status_code == 403
    assert json.loads(answer.content)["detail"] == "this key is switched off"
    await tenant.outcomes_reach({("envelope", "refused", "key_off"): 1})


async def test_the_answer_to_a_segment_names_its_replay(tenant):
    """The envelope of a segment has the id of its replay."""
    answer = await tenant.post(
        envelopes.gzipped(envelopes.replay_video_envelope()), encoding="gzip"
    )
    assert (answer.status_code, answer.json()) == (200, {"id": REPLAY_ID})
