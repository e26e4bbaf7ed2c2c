"""Recorded requests that are made to break a server do no harm to it."""

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
"""Rows that a case may store at most; `two-segments` carries two segments."""


def is_allowed(status: int, allowed: list[str]) -> bool:
    """Tell whether a status matches one of `2xx`, `4xx` or an exact number."""
    return any(
        str(status) == pattern or f"{status // 100}xx" == pattern for pattern in map(str, allowed)
    )


async def count_stored_rows(server: Server) -> dict[str, int]:
    """Count the rows that the app's project holds."""
    async with server.database.reading() as connection:
        return {
            name: await connection.scalar(text(query), {"id": server.app.id}) or 0
            for name, query in STORED.items()
        }


@pytest.mark.parametrize("name", CASES)
async def test_a_hostile_request_does_no_harm(tenant, name):
    """A hostile request gets an allowed answer, stores no more than it may, and blocks nobody."""
    request = CASES[name]
    answer = await delivery.deliver(tenant, request)
    assert is_allowed(answer.status_code, request.expect["status"]), answer.text
    await tenant.take(envelopes.event_envelope(), project=tenant.backend)
    counts = await count_stored_rows(tenant)
    most_allowed = ALLOWED.get(request.expect["result"])
    if most_allowed is not None:
        assert {
            key: count for key, count in counts.items() if count > most_allowed.get(key, 0)
        } == {}
    if request.expect["result"] == "segment" and request.expect["status"] == ["2xx"]:
        assert counts["segments"] > 0
    async with tenant.database.reading() as connection:
        assert await projects.list_quarantined(connection, tenant.app.id) == []
    replay_id = request.expect.get("replay_id")
    if counts["segments"] and replay_id:
        page = await tenant.web.get(tenant.page(replay_id))
        assert page.status_code in {200, 404}
        assert "<script>" not in page.text
        index = await tenant.web.get(tenant.page(replay_id, "/index"))
        assert index.status_code == page.status_code
