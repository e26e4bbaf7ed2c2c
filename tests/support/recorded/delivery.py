"""Delivers recorded requests to a running server as they were sent: only project and key change."""

import random
import re
from collections.abc import Sequence

import httpx2

from tests.support.recorded import contents, samples
from tests.support.servers.server import Keyed, Server

_PATH = re.compile(r"^((?:/[^/]+)?/api/)([^/]+)(/)")
_KEY = re.compile(r"(sentry_key=)[0-9a-f]{32}")
_BACKENDS = {"201", "211"}
_AUTH = {"x-sentry-auth", "authorization"}
_HOP = {"host", "content-length", "connection", "transfer-encoding"}


async def deliver(server: Server, request: samples.Request) -> httpx2.Response:
    """Send one request; those to the backends that the app called go to the backend's project."""
    path_match = _PATH.match(request.path)
    to = server.backend if path_match and path_match[2] in _BACKENDS else server.app
    path, query = request.path, request.query
    if not request.expect.get("keep_path"):
        path = _PATH.sub(lambda match: f"{match[1]}{to.id}{match[3]}", path)
    keep_auth = bool(request.expect.get("keep_auth"))
    if not keep_auth:
        query = _rekeyed(query, to)
    headers = [
        (name, value if keep_auth or name not in _AUTH else _rekeyed(value, to))
        for name, value in request.headers
        if name not in _HOP
    ]
    url = httpx2.URL(server.base_url)
    target = (path + (f"?{query}" if query else "")).encode()
    return await server.sender.send(
        server.sender.build_request(
            request.method,
            url.copy_with(raw_path=target),
            headers=headers,
            content=request.body or None,
        )
    )


async def deliver_family(
    server: Server, family: str, *, order: Sequence[int] | None = None
) -> None:
    """Send all requests of a family, each answered 200, and wait until they are digested."""
    requests = contents.requests(family)
    for place in range(len(requests)) if order is None else order:
        answer = await deliver(server, requests[place])
        assert answer.status_code == 200, f"{requests[place].name}: {answer.text}"
    await server.settled()


def shuffled(family: str) -> list[int]:
    """Return an order of delivery for a family: the same in every run, another for each family."""
    places = list(range(len(contents.requests(family))))
    random.Random(family).shuffle(places)
    return places


def _rekeyed(text: str, to: Keyed) -> str:
    return _KEY.sub(lambda match: match[1] + to.key, text)
