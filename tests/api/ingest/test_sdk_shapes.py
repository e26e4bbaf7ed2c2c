"""Everything that an SDK's serializer can write is accepted, improbable values included."""

from typing import Final

import pytest

from tests.support.builders import envelopes, sdk_shapes
from tests.support.builders.envelopes import envelope, envelope_header, item
from tests.support.builders.sdk_shapes import Shape
from tests.support.builders.wire import EVENT_ID, REPLAY_ID
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

SHAPES: Final[dict[str, tuple[str, Shape]]] = {
    "an event with every member": ("event", sdk_shapes.event()),
    "a transaction in seconds": ("transaction", sdk_shapes.transaction()),
    "a transaction in dates": ("transaction", sdk_shapes.transaction(seconds=False)),
    "measurements without units": ("transaction", sdk_shapes.transaction(units=False)),
    "a crontab check-in": (
        "check_in",
        sdk_shapes.check_in(schedule={"type": "crontab", "value": "0 * * * *"}),
    ),
    "an interval check-in": (
        "check_in",
        sdk_shapes.check_in(schedule={"type": "interval", "value": 42, "unit": "minute"}),
    ),
    "an event with placeholders": ("event", sdk_shapes.redacted_event()),
    "a transaction with placeholders": ("transaction", sdk_shapes.redacted_transaction()),
}

HEADER: Final = envelope_header(event_id=EVENT_ID)
LOG_FILE: Final = item("attachment", b"line one\nline two\n", filename="log.txt")
NATIVE_EVENT: Final = item("event", {"event_id": EVENT_ID, "platform": "native", "level": "fatal"})
CUT_EVENT: Final = item("event", b'{"event_id":"' + EVENT_ID.encode() + b'","sdk":{"name":"a"}')
SESSION: Final = {
    "sid": "c81d4e2e-bcf2-11e6-869b-7df92533d2db",
    "did": "123",
    "init": True,
    "started": "2020-02-07T14:16:00Z",
    "status": "ok",
    "seq": 123_456,
    "errors": 2,
    "duration": 6000.0,
    "timestamp": "2020-02-07T14:16:00Z",
    "attrs": {"release": "com.example@1.0+123", "user_agent": "made up"},
}
REPORT: Final = {"event_id": EVENT_ID, "name": "jonas", "email": "a@b.com", "comments": "broken"}

WHOLE: Final = {
    "an attachment before its event": envelope({"event_id": EVENT_ID}, LOG_FILE, NATIVE_EVENT),
    "a session without an envelope id": envelope({}, item("session", SESSION)),
    "no line feed at the end": envelope(HEADER, NATIVE_EVENT, last_line_feed=False),
    "a user report": envelope({"event_id": EVENT_ID}, item("user_report", REPORT)),
    "an event of the zero id and of 1970": envelope(
        {"event_id": "0" * 32, "sdk": {"name": "", "version": ""}},
        item("event", {"event_id": "0" * 32, "timestamp": "1970-01-01T00:00:00.000Z"}),
    ),
    "an event of ten kilobytes and another behind it": envelope(
        {"event_id": EVENT_ID},
        item("event", {"event_id": EVENT_ID, "extra": {"blob": "x" * 10_000}}),
        item("event", {"event_id": REPLAY_ID, "platform": "native"}),
    ),
}
IN_PART: Final = {
    "an attachment whose envelope names no event": (
        envelope({}, LOG_FILE),
        "attachment",
    ),
    "an event whose JSON has no end": (envelope(HEADER, CUT_EVENT, LOG_FILE), "event"),
}
"""Envelopes with one item that cannot be read, and the type of that item."""


@pytest.mark.parametrize("name", SHAPES)
async def test_items_with_improbable_values_are_kept(tenant: Server, name: str):
    """Only spans may be refused, namely those whose times cannot be placed."""
    kind, payload = SHAPES[name]
    await tenant.take(envelope(HEADER, item(kind, payload)))
    outcomes = await tenant.outcomes()
    expected = (kind, "ignored", "type") if kind == "check_in" else (kind, "kept", "")
    assert outcomes[expected] == 1
    assert {key[0] for key in outcomes if key[1] == "refused"} <= {"span"}


@pytest.mark.parametrize("name", WHOLE)
async def test_every_framing_of_an_sdk_is_accepted_whole(tenant: Server, name: str):
    """Each item of the envelope is kept."""
    await tenant.take(WHOLE[name])
    outcomes = await tenant.outcomes()
    assert outcomes
    assert {outcome for _, outcome, _ in outcomes} == {"kept"}


@pytest.mark.parametrize("name", IN_PART)
async def test_an_unreadable_item_is_refused_alone(tenant: Server, name: str):
    """The envelope is answered with 200, and only the item that cannot be read is refused."""
    body, refused = IN_PART[name]
    await tenant.take(body)
    outcomes = await tenant.outcomes()
    assert {kind for kind, outcome, _ in outcomes if outcome == "refused"} == {refused}


async def test_an_envelope_whose_only_item_is_cut_is_refused(tenant: Server):
    """A length beyond the end of the body is answered with 400."""
    body = envelope(HEADER, item("session", SESSION, length=9_999), last_line_feed=False)
    assert (await tenant.post(body)).status_code == 400


async def test_replay_events_of_another_century_are_kept(tenant: Server):
    """A replay event of 1942 with rrweb events of 1970 makes a replay that has a page."""
    account = sdk_shapes.replay_event()
    del account["platform"]  # the builder writes the event in the dialect of a real platform
    await tenant.take(
        envelopes.replay_video_envelope(
            0, replay_id=REPLAY_ID, events=sdk_shapes.recording(), **account
        )
    )
    assert await tenant.outcomes() == {("replay_video", "kept", ""): 1}
    page = await tenant.web.get(tenant.page(REPLAY_ID))
    assert page.status_code == 200


async def test_log_attributes_of_every_type_are_kept(tenant: Server):
    """Each record of a log item is counted."""
    await tenant.take(envelope(envelope_header(event_id=None), item("log", sdk_shapes.logs())))
    assert await tenant.outcomes() == {("log", "kept", ""): 1}
