"""Requests made to break a server: it answers, lives, and stores no more than it may."""

import pytest
from sqlalchemy import text

from app.projects import queries as projects
from tests.support.builders import envelopes
from tests.support.recorded import delivery, samples
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

CASES = {request.name.partition("/")[2]: request for request in samples.requests(samples.HOSTILE)}
STORED = {
    "segments": "select count(*) from segments where project_id = :id",
    "videos": "select count(*) from segments where project_id = :id and layout is not null",
    "events": "select count(*) from events where project_id = :id",
    "transactions": "select count(transaction_id) from span_blocks where project_id = :id",
}
ALLOWED = {
    "nothing": {},
    "event": {"events": 1},
    "segment-without-video": {"segments": 1},
    "segment": {"segments": 2, "videos": 2},
}
"""What a case may leave behind at most; `two-segments` carries two."""


def is_allowed(status: int, allowed: list[str]) -> bool:
    """Tell whether a status is one of `2xx`, `4xx` or exact numbers."""
    return any(str(status) == one or f"{status // 100}xx" == one for one in map(str, allowed))


async def stored(server: Server) -> dict[str, int]:
    """Count what the app's project holds."""
    async with server.database.reading() as connection:
        return {
            name: await connection.scalar(text(query), {"id": server.app.id}) or 0
            for name, query in STORED.items()
        }


@pytest.mark.parametrize("name", CASES)
async def test_a_hostile_request_does_no_harm(tenant, name):
    """Its answer is allowed, it leaves no more than it may, and the next request is taken."""
    request = CASES[name]
    answer = await delivery.deliver(tenant, request)
    assert is_allowed(answer.status_code, request.expect["status"]), answer.text
    await tenant.take(envelopes.event_envelope(), project=tenant.backend)
    found = await stored(tenant)
    most = ALLOWED.get(request.expect["result"])
    if most is not None:
        assert {key: count for key, count in found.items() if count > most.get(key, 0)} == {}
    if request.expect["result"] == "segment" and request.expect["status"] == ["2xx"]:
        assert found["segments"] > 0
    async with tenant.database.reading() as connection:
        assert await projects.list_quarantined(connection, tenant.app.id) == []
    replay_id = request.expect.get("replay_id")
    if found["segments"] and replay_id:
        page = await tenant.web.get(tenant.page(replay_id))
        assert page.status_code in {200, 404}
        assert "<script>" not in page.text
        index = await tenant.web.get(tenant.page(replay_id, "/index"))
        assert index.status_code == page.status_code
