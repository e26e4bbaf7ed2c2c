"""Health checks tell load balancers where to send phones and people, and monitors what fails."""

from types import SimpleNamespace

import pytest

from app.ingest import health
from tests.support.servers.server import alone

CHECKS = ("/health/live", "/health/door", "/health/pages", "/health/ready")


async def read_statuses(server) -> list[int]:
    """Return the statuses of all health checks."""
    return [(await server.sender.get(path)).status_code for path in CHECKS]


async def test_a_server_that_is_about_to_stop_says_so_and_serves_on(server):
    """During a drain the checks of load balancers fail, and pages and envelopes are answered."""
    assert await read_statuses(server) == [200, 200, 200, 200]
    server.service.drain.begin(lambda: None)
    assert await read_statuses(server) == [200, 503, 503, 503]
    answer = await server.sender.get("/health/door")
    assert answer.json() == {"status": "not ready", "detail": "this process is about to stop"}
    assert (await server.web.get("/replays")).status_code == 200
    await server.take(b'{"event_id":"%b"}\n{"type":"event"}\n{}' % (b"a" * 32))


async def test_phones_are_sent_to_a_server_whose_database_is_away(server):
    """Without Postgres only the check of monitors fails; envelopes are accepted as before."""
    server.database.block("the database is away")
    try:
        assert await read_statuses(server) == [200, 200, 200, 503]
    finally:
        server.database.unblock()


async def test_phones_are_not_sent_to_a_full_journal(server, monkeypatch):
    """A server that would hang up on phones asks not to be sent any."""
    facts = SimpleNamespace(f_bavail=0, f_frsize=1)
    monkeypatch.setattr(health, "os", SimpleNamespace(statvfs=lambda _path: facts))
    assert await read_statuses(server) == [200, 503, 200, 503]


@pytest.mark.parametrize(
    ("roles", "expected"), [("pages", [503, 200]), ("door,worker", [200, 503])]
)
async def test_requests_are_sent_to_processes_with_their_role(
    database_url, tmp_path, roles, expected
):
    """A process without a role asks load balancers not to send it what that role serves."""
    async with alone(database_url, tmp_path, roles=roles) as (_service, sender):
        statuses = [
            (await sender.get(path)).status_code for path in ("/health/door", "/health/pages")
        ]
    assert statuses == expected
