"""Items that are neither replay nor error nor trace, through the real doors."""

from datetime import date

import pytest

from app.errors import sessions
from tests.support import delivery, envelopes, reading, samples
from tests.support.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def outcome_rows(server: Server) -> list[list[str]]:
    """Read the table of outcomes on the project's page, without its days."""
    answer = await server.web.get(f"/projects/{server.app.id}")
    assert answer.status_code == 200
    table = reading.read(answer.text).one("section", id="outcomes").one("tbody")
    return [[cell.text.strip() for cell in row.all("td")][1:] for row in table.all("tr")]


async def test_what_an_sdk_dropped_is_told_on_the_project_page(tenant):
    """The report itself is kept; what it tells of is counted in the SDK's words."""
    report = envelopes.client_report_item("cache_overflow", "replay")
    await tenant.take(envelopes.envelope({}, report), envelopes.envelope({}, report))
    assert await tenant.outcomes() == {
        ("client_report", "kept", ""): 2,
        ("replay", "dropped_by_sdk", "cache_overflow"): 2,
    }
    assert await outcome_rows(tenant) == [
        ["client_report", "kept", "", "2"],
        ["replay", "dropped by the SDK", "cache overflow", "2"],
    ]


async def test_a_report_that_is_none_is_refused(tenant):
    """And changes no count."""
    await tenant.take(envelopes.envelope({}, envelopes.item("client_report", {"reason": "x"})))
    assert await tenant.outcomes() == {("client_report", "refused", "malformed"): 1}


@samples.needs_samples
async def test_recorded_losses_are_counted(tenant):
    """What the newest Python SDK said it dropped, number by number."""
    await delivery.deliver_family(tenant, "python-2.75-features")
    counts = await tenant.outcomes() + await tenant.outcomes(tenant.backend)
    dropped = {key: number for key, number in counts.items() if key[1] == "dropped_by_sdk"}
    assert dropped == {
        ("error", "dropped_by_sdk", "before_send"): 5,
        ("transaction", "dropped_by_sdk", "sample_rate"): 1,
    }


async def sessions_of(server: Server) -> dict[tuple[str, str], int]:
    """Read the counts of sessions by release and status."""
    async with server.database.reading() as connection:
        found = await sessions.sessions_of(
            connection, [server.app.id, server.backend.id], since=date(2026, 1, 1)
        )
    return {(key.release, key.status): number for key, number in found.items()}


async def test_sessions_are_counted_by_release_and_status(tenant):
    """A session began once and ended once, however often that is told."""
    began, ended = (
        envelopes.envelope({}, envelopes.session_item(word)) for word in ("ok", "crashed")
    )
    await tenant.take(ended, began)
    await tenant.take(began, ended)
    assert await sessions_of(tenant) == {
        ("shop@4.2.0", "started"): 1,
        ("shop@4.2.0", "crashed"): 1,
    }
    assert await tenant.outcomes() == {
        ("session", "kept", ""): 1,
        ("session", "duplicate", ""): 3,
    }


async def test_aggregates_of_sessions_add_up(tenant):
    """They have no id: two of them are two."""
    counts = {"aggregates": [{"started": "2026-08-06T07:06:00Z", "exited": 2}]}
    item = envelopes.item("sessions", counts | {"attrs": {"release": "api@1"}})
    await tenant.take(envelopes.envelope({}, item, item))
    assert await sessions_of(tenant) == {("api@1", "started"): 4, ("api@1", "exited"): 4}
    assert await tenant.outcomes() == {("sessions", "kept", ""): 2}


async def test_a_session_of_no_release_is_refused(tenant):
    """There is nothing to count it for."""
    await tenant.take(
        envelopes.envelope({}, envelopes.item("session", {"status": "ok"})),
        envelopes.envelope({}, envelopes.item("sessions", {"aggregates": 7})),
    )
    assert await tenant.outcomes() == {
        ("session", "refused", "malformed"): 1,
        ("sessions", "refused", "malformed"): 1,
    }


@samples.needs_samples
@pytest.mark.parametrize(
    ("family", "expected"),
    [
        ("android-anr-a", {"started": 1, "abnormal": 1}),
        ("rn-android-a", {"started": 1, "exited": 1}),
        ("node-7-express", {"started": 3, "exited": 2, "crashed": 1}),
        ("python-2.75-features", {"started": 1, "errored": 1}),
    ],
)
async def test_recorded_sessions_are_counted(tenant, family, expected):
    """Began, and ended as each SDK said, alone or in aggregates."""
    await delivery.deliver_family(tenant, family)
    found = await sessions_of(tenant)
    assert {status: number for (_, status), number in found.items()} == expected
