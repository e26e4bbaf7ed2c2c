"""Test data of the SDKs' own projects through our door: what they think they send, we take."""

import json
from typing import Any

import pytest

from tests.support import envelopes, samples
from tests.support.envelopes import envelope, envelope_header, item
from tests.support.server import Server
from tests.support.wire import EVENT_ID

pytestmark = [samples.needs_samples, pytest.mark.asyncio(loop_scope="session")]

PEER = samples.ROOT / "peer"
ENVELOPES = sorted(
    path.relative_to(PEER).as_posix()
    for path in PEER.rglob("*")
    if path.suffix in {".txt", ".envelope"} and path.name != "LICENSE.txt"
)
REFUSED = {
    "attachment.txt": {"attachment": "its envelope names no event"},
    "envelope_attachment.txt": {"attachment": "its envelope names no event"},
    "event-attachment.txt": {"event": "its JSON has no end"},
    "envelope-event-attachment.txt": {"event": "its JSON has no end"},
}
"""Items that nobody could take, and why."""
UNREADABLE = {"session-only.txt"}
"""Envelopes of one item whose length is wrong."""
AS_ITEMS = {
    "sentry_event.json": "event",
    "sentry_base_event.json": "event",
    "sentry_base_event_with_null_extra.json": "event",
    "sentry_transaction.json": "transaction",
    "sentry_transaction_legacy_date_format.json": "transaction",
    "sentry_transaction_no_measurement_unit.json": "transaction",
    "checkin_crontab.json": "check_in",
    "checkin_interval.json": "check_in",
}
SNAPSHOTS = {
    "failed-request-event-ios.json": "event",
    "failed-request-event-ios-v10.json": "event",
    "successful-request-transaction-ios.json": "transaction",
    "successful-request-transaction-ios-v10.json": "transaction",
}


def java(name: str) -> Any:
    """Read one JSON file of sentry-java."""
    return json.loads((PEER / "sentry-java" / "json" / name).read_text("utf-8"))


@pytest.mark.parametrize("name", ENVELOPES)
async def test_envelopes_of_the_sdks_are_taken(tenant: Server, name: str):
    """Whole, but for the items that the table names."""
    file = name.rpartition("/")[2]
    answer = await tenant.post((PEER / name).read_bytes())
    assert answer.status_code == (400 if file in UNREADABLE else 200)
    await tenant.settled()
    outcomes = await tenant.outcomes()
    refused = {kind for kind, outcome, _ in outcomes if outcome == "refused"}
    assert refused - {"envelope"} == set(REFUSED.get(file, {}))
    assert file in UNREADABLE or outcomes


@pytest.mark.parametrize("name", AS_ITEMS)
async def test_items_of_the_java_sdk_are_taken(tenant: Server, name: str):
    """Every member that it can write, with times of any century."""
    kind = AS_ITEMS[name]
    header = envelope_header(event_id=EVENT_ID)
    await tenant.take(envelope(header, item(kind, java(name))))
    outcomes = await tenant.outcomes()
    wanted = (kind, "ignored", "type") if kind == "check_in" else (kind, "kept", "")
    assert outcomes[wanted] == 1
    assert {key[0] for key in outcomes if key[1] == "refused"} <= {"span"}


async def test_replay_items_of_the_java_sdk_are_taken(tenant: Server):
    """Its replay event, with every kind of rrweb event that it writes."""
    account = java("sentry_replay_event.json")
    replay_id = account.pop("replay_id")
    for name in ("segment_id", "platform"):
        del account[name]
    events = [
        java(f"rrweb_{kind}_event.json")
        for kind in ("meta", "options", "breadcrumb", "span", "interaction", "interaction_move")
    ]
    await tenant.take(
        envelopes.replay_video_envelope(0, replay_id=replay_id, events=events, **account)
    )
    assert await tenant.outcomes() == {("replay_video", "kept", ""): 1}
    page = await tenant.web.get(tenant.page(replay_id))
    assert page.status_code == 200


async def test_logs_of_the_java_sdk_are_taken(tenant: Server):
    """Each record, with attributes of every type."""
    container = java("sentry_logs.json")
    await tenant.take(envelope(envelope_header(event_id=None), item("log", container)))
    assert await tenant.outcomes() == {("log", "kept", ""): len(container["items"])}


@pytest.mark.parametrize("name", SNAPSHOTS)
async def test_items_of_the_cocoa_sdk_are_taken(tenant: Server, name: str):
    """As its tests expect them, placeholders for ids and times included."""
    found = json.loads((PEER / "sentry-cocoa/network-envelope-snapshots" / name).read_text("utf-8"))
    kind = SNAPSHOTS[name]
    (payload,) = (one["payload"] for one in found["items"] if one["header"]["type"] == kind)
    await tenant.take(envelope({**found["header"], "event_id": EVENT_ID}, item(kind, payload)))
    assert (await tenant.outcomes())[kind, "kept", ""] == 1
