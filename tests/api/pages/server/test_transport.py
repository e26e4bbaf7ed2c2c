"""Tests of the transport of pages: compression where a client accepts it, and HEAD."""

import gzip

import httpx2
import pytest

from tests.support.builders import envelopes
from tests.support.builders.wire import REPLAY_ID
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGES = ("/replays", "/issues", "/projects", "/account", "/why", "/feedback")


async def request_raw(
    client: httpx2.AsyncClient, path: str, method: str = "GET", **headers: str
) -> tuple[httpx2.Response, bytes]:
    """Send a request, and return the answer without decompressing it."""
    async with client.stream(method, path, headers=headers) as answer:
        return answer, b"".join([part async for part in answer.aiter_raw()])


@pytest.mark.parametrize("path", [*PAGES, "PROJECT", "PROJECT/set-up", "REPLAY"])
async def test_pages_are_compressed(tenant: Server, path: str):
    """Every page is compressed for browsers that accept gzip; others get the same text."""
    await tenant.take(envelopes.replay_video_envelope(0))
    path = expand_path(tenant, path)
    answer, packed = await request_raw(tenant.web, path, **{"accept-encoding": "gzip"})
    assert (answer.status_code, answer.headers["content-encoding"]) == (200, "gzip")
    assert "Accept-Encoding" in answer.headers["vary"]
    plain, body = await request_raw(tenant.web, path, **{"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert "Accept-Encoding" in plain.headers["vary"]
    assert len(packed) < len(body) / 2
    # What differs are moments, as in "2 seconds ago".
    assert gzip.decompress(packed)[:400] == body[:400]


def expand_path(tenant: Server, path: str) -> str:
    """Return the path of a page of the tenant's project or replay."""
    project = f"/projects/{tenant.app.id}"
    return path.replace("PROJECT", project).replace("REPLAY", tenant.page(REPLAY_ID))


async def test_video_is_sent_without_compression(tenant: Server):
    """Compressed files would gain nothing, and a range of them must stay a range."""
    await tenant.take(envelopes.replay_video_envelope(0))
    for below in ("/segments/0.mp4", "/index"):
        path = tenant.page(REPLAY_ID, below)
        answer, body = await request_raw(tenant.web, path, **{"accept-encoding": "gzip"})
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
    path = expand_path(tenant, path)
    get_answer, get_body = await request_raw(tenant.web, path)
    head_answer, head_body = await request_raw(tenant.web, path, "HEAD")
    assert (head_answer.status_code, head_body) == (200, b"")
    assert get_body
    headers, expected = dict(head_answer.headers), dict(get_answer.headers)
    for varying in ("date", "transfer-encoding", "content-length"):
        expected.pop(varying, None), headers.pop(varying, None)
    assert headers == expected
    assert ("content-length" in head_answer.headers) == ("content-length" in get_answer.headers)


async def test_head_of_the_metrics_is_answered(tenant: Server):
    """Monitors may use HEAD to check that the metrics are there."""
    answer, body = await request_raw(tenant.sender, "/metrics", "HEAD")
    assert (answer.status_code, body) == (200, b"")
    assert answer.headers["content-type"].startswith("text/plain")


async def test_head_of_an_unknown_page_has_the_status_of_get(tenant: Server):
    """People who are signed in and strangers get the same status for HEAD as for GET."""
    for client in (tenant.web, tenant.sender):
        get_answer, _ = await request_raw(client, "/projects/999999")
        head_answer, head_body = await request_raw(client, "/projects/999999", "HEAD")
        assert (head_answer.status_code, head_body) == (get_answer.status_code, b"")
