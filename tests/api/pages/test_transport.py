"""Answers are compressed for clients that accept it, and have no body for HEAD."""

import gzip

import httpx2
import pytest

from tests.support.builders import envelopes
from tests.support.builders.wire import REPLAY_ID
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGES = ("/replays", "/issues", "/projects", "/account", "/why", "/feedback")


async def raw(
    client: httpx2.AsyncClient, path: str, method: str = "GET", **headers: str
) -> tuple[httpx2.Response, bytes]:
    """Ask without decompressing the answer."""
    async with client.stream(method, path, headers=headers) as answer:
        return answer, b"".join([part async for part in answer.aiter_raw()])


@pytest.mark.parametrize("path", [*PAGES, "PROJECT", "PROJECT/set-up", "REPLAY"])
async def test_pages_are_compressed(tenant: Server, path: str):
    """Every page is compressed for browsers that accept gzip; others get the same text."""
    await tenant.take(envelopes.replay_video_envelope(0))
    path = where(tenant, path)
    answer, packed = await raw(tenant.web, path, **{"accept-encoding": "gzip"})
    assert (answer.status_code, answer.headers["content-encoding"]) == (200, "gzip")
    assert "Accept-Encoding" in answer.headers["vary"]
    plain, body = await raw(tenant.web, path, **{"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert "Accept-Encoding" in plain.headers["vary"]
    assert len(packed) < len(body) / 2
    # What differs are moments, as in "2 seconds ago".
    assert gzip.decompress(packed)[:400] == body[:400]


def where(tenant: Server, path: str) -> str:
    """Return the path of a page."""
    project = f"/projects/{tenant.app.id}"
    return path.replace("PROJECT", project).replace("REPLAY", tenant.page(REPLAY_ID))


async def test_video_is_sent_as_it_is(tenant: Server):
    """Compressed files would gain nothing, and a range of them must stay a range."""
    await tenant.take(envelopes.replay_video_envelope(0))
    for rest in ("/segments/0.mp4", "/index"):
        path = tenant.page(REPLAY_ID, rest)
        answer, body = await raw(tenant.web, path, **{"accept-encoding": "gzip"})
        assert answer.status_code == 200
        assert "content-encoding" not in answer.headers
        assert int(answer.headers["content-length"]) == len(body) > 500


@pytest.mark.parametrize(
    "path",
    [*PAGES, "PROJECT", "REPLAY", "REPLAY/segments/0.mp4", "/health/live", "/health/ready"],
)
async def test_head_is_answered_like_get(tenant: Server, path: str):
    """HEAD has the status and headers of GET, and no body."""
    await tenant.take(envelopes.replay_video_envelope(0))
    path = where(tenant, path)
    got, body = await raw(tenant.web, path)
    answer, nothing = await raw(tenant.web, path, "HEAD")
    assert (answer.status_code, nothing) == (200, b"")
    assert body
    told, expected = dict(answer.headers), dict(got.headers)
    for varying in ("date", "transfer-encoding", "content-length"):
        expected.pop(varying, None), told.pop(varying, None)
    assert told == expected
    assert ("content-length" in answer.headers) == ("content-length" in got.headers)


async def test_head_of_metrics(tenant: Server):
    """Monitors may use HEAD for health checks."""
    answer, nothing = await raw(tenant.sender, "/metrics", "HEAD")
    assert (answer.status_code, nothing) == (200, b"")
    assert answer.headers["content-type"].startswith("text/plain")


async def test_head_of_what_is_not_there(tenant: Server):
    """Strangers and wrong addresses get the same status as with GET."""
    for client in (tenant.web, tenant.sender):
        got, _ = await raw(client, "/projects/999999")
        answer, nothing = await raw(client, "/projects/999999", "HEAD")
        assert (answer.status_code, nothing) == (got.status_code, b"")
