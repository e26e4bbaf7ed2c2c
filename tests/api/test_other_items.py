"""Everything that is neither replay nor error nor trace, through the real doors."""

import pytest

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
