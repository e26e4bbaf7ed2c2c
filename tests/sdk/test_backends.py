"""All that backends with unmodified SDKs send is kept and linked to the replay of the app."""

from collections import Counter

import pytest
from sqlalchemy import text

from tests.sdk import sending
from tests.support import html_reader
from tests.support.builders import envelopes
from tests.support.builders.wire import REPLAY_ID
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

TRACED = (sending.SENTRY_TRACE, sending.BAGGAGE)
BACKENDS = {
    "python": ((sending.PYTHON, "python_today.py", *TRACED), 2),
    "python, streaming": ((sending.PYTHON, "python_today.py", *TRACED, "stream"), 2),
    "node": ((sending.NODE, "node_today.mjs", *TRACED), 11),
    "node 7": ((sending.NODE, "node_7.cjs", *TRACED), 7),
}
"""Command of each backend, and the lowest major version of its SDK."""
EVERYTHING = {"event": 1, "attachment": 1, "log": 1, "trace_metric": 1, "check_in": 1}
KEPT_OR_IGNORED = {
    "python": {**EVERYTHING, "transaction": 1, "session": 1},
    "python, streaming": {**EVERYTHING, "session": 1},
    "node": {**EVERYTHING, "feedback": 1},
    "node 7": {"event": 1, "transaction": 1, "attachment": 1},
}
"""Fewest items of each type; some SDKs send more sessions and spans than others."""
STREAMING = {"python, streaming", "node"}
IGNORED = {"trace_metric", "check_in"}


@pytest.mark.parametrize("name", BACKENDS)
async def test_everything_that_a_backend_sends_is_kept(tenant: Server, name: str):
    """Nothing of a backend is refused, and its error is in the replay of the calling phone."""
    await tenant.take(envelopes.replay_video_envelope())
    (program, script, *arguments), major = BACKENDS[name]
    dsn = sending.make_dsn(tenant, tenant.backend)
    sent = await sending.run_sender(program, script, dsn, *arguments)
    assert int(sent["version"].partition(".")[0]) >= major
    await tenant.settled()
    counts = await tenant.outcomes(tenant.backend)
    assert [key for key in counts if key[1] == "refused"] == []
    kept: Counter[str] = Counter()
    for (item_type, outcome, _), quantity in counts.items():
        if outcome == ("ignored" if item_type in IGNORED else "kept"):
            kept[item_type] += quantity
    expected = KEPT_OR_IGNORED[name]
    assert {kind: kept[kind] for kind in expected} == expected
    assert (kept["span"] > 0) == (name in STREAMING)
    if name != "node 7":
        assert counts["error", "dropped_by_sdk", "before_send"] == 1
    page = html_reader.parse_page((await tenant.web.get(tenant.page(REPLAY_ID))).text)
    (error,) = page.all("article", class_="error")
    assert error["data-key"] == sent["error"]
    assert error["data-source"] == "backend"
    spans = [cell.text for cell in page.all("span", class_="span-name")]
    assert any("POST /pay" in span for span in spans), spans


async def test_an_early_python_sdk_is_understood(tenant: Server):
    """Version 0.14 of the SDK posts bare JSON to the store endpoint, and all of it is kept."""
    dsn = sending.make_dsn(tenant, tenant.backend)
    sent = await sending.run_sender(sending.OLD_PYTHON, "old_python.py", dsn)
    assert sent["version"].startswith("0.14.")
    await tenant.settled()
    assert await tenant.outcomes(tenant.backend) == {
        ("event", "kept", ""): 2,
        ("transaction", "kept", ""): 1,
    }


async def test_raven_is_understood(tenant: Server):
    """Raven's protocol 6, with zlib or base64 bodies and numbered levels, is kept."""
    dsn = sending.make_dsn(tenant, tenant.backend)
    sent = await sending.run_sender(sending.OLD_PYTHON, "raven_python.py", dsn)
    assert sent["version"].startswith("6.")
    await tenant.settled()
    assert await tenant.outcomes(tenant.backend) == {("event", "kept", ""): 2}
    async with tenant.database.reading() as connection:
        rows = await connection.execute(
            text("select event_id, level, title from events where project_id = :id"),
            {"id": tenant.backend.id},
        )
        events = {row.event_id.hex: (row.level, row.title) for row in rows}
    assert events == {
        sent["error"]: ("error", "ValueError: no card given"),
        sent["message"]: ("warning", "disk 90 full"),
    }
    path = f"/projects/{tenant.backend.id}/events/{sent['message']}"
    page = (await tenant.web.get(path, follow_redirects=True)).text
    assert "disk %s full" in page
    assert "raven_python.py" in page
