"""Tests of the guard: which forms are accepted, and which hosts a request may name."""

import httpx2
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from app.web.frame.middleware.guard import Guard

PUBLIC = "https://replays.example"
INNER = "http://10.0.0.5:8000"


async def _page(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("fine")(scope, receive, send)


async def post(headers: dict[str, str], *, public_url: str | None) -> int:
    """Send a form; return the status of the answer."""
    guard = Guard(
        _page, base_url=public_url or "http://localhost:8000", is_only_origin=bool(public_url)
    )
    transport = httpx2.ASGITransport(guard)
    async with httpx2.AsyncClient(transport=transport, base_url=INNER) as client:
        return (await client.post("/sign-in", headers=headers)).status_code


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": PUBLIC}, 200),
        ({"origin": "https://REPLAYS.example:443"}, 200),
        ({"origin": PUBLIC, "sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "same-origin"}, 200),
        # A name of a stranger that leads here: the browser takes it for one origin.
        ({"origin": "http://evil.test", "host": "evil.test"}, 403),
        (
            {"origin": "http://evil.test", "host": "evil.test", "sec-fetch-site": "same-origin"},
            403,
        ),
        ({"origin": INNER}, 403),
        ({"origin": "http://replays.example"}, 403),
        ({"origin": f"{PUBLIC}.evil.test"}, 403),
        ({"origin": f"{PUBLIC}:444"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "null", "sec-fetch-site": "same-origin"}, 403),
        ({"origin": "https://[", "sec-fetch-site": "same-origin"}, 403),
        ({"origin": PUBLIC, "sec-fetch-site": "same-site"}, 403),
        ({"origin": PUBLIC, "sec-fetch-site": "cross-site"}, 403),
        ({"origin": PUBLIC, "sec-fetch-site": "none"}, 403),
        ({}, 403),
    ],
)
async def test_with_a_public_address_only_its_pages_send_forms(
    headers: dict[str, str], status: int
):
    """`Origin` must name the public address, whatever `Host` says."""
    assert await post(headers, public_url=PUBLIC) == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": INNER}, 200),
        ({"origin": "http://localhost:8000"}, 200),
        ({"origin": "http://10.0.0.5"}, 403),
        ({"origin": "http://evil.test"}, 403),
        ({"origin": "http://evil.test", "sec-fetch-site": "same-origin"}, 200),
        ({"origin": "null"}, 403),
        ({}, 403),
    ],
)
async def test_without_a_public_address_the_host_that_was_asked_is_ours(
    headers: dict[str, str], status: int
):
    """People who open the server by the address of the machine can sign in."""
    assert await post(headers, public_url=None) == status


@pytest.mark.parametrize(
    ("hosts", "version", "status"),
    [
        (["a.example"], "1.1", 200),
        (["a.example", "a.example"], "1.1", 400),
        ([], "1.1", 400),
        ([], "1.0", 200),
    ],
)
async def test_a_request_names_one_host(hosts: list[str], version: str, status: int):
    """A proxy could use one and the server another (RFC 9112, 3.2)."""
    started: list[int] = []

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            started.append(int(str(message["status"])))

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "http_version": version,
        "headers": [(b"host", host.encode()) for host in hosts],
    }
    await Guard(_page)(scope, _nothing, send)  # type: ignore[arg-type]  # a plain message
    assert started == [status]


async def _nothing() -> dict[str, object]:
    return {"type": "http.request"}
