"""Tests of the reading of replay events."""

import json

import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS
from app.formats.replay import replay_event
from app.formats.replay.replay_event import User
from app.formats.wire.envelope import EnvelopeHeader
from tests.support import examples
from tests.support.builders import payloads
from tests.support.builders.wire import MISSING, REPLAY_ID, STARTED_MS, TRACE_ID, changed, compact

OTHER_ID = "0123456789abcdef0123456789abcdef"


def _read_bytes(
    data: bytes | memoryview, header: EnvelopeHeader | None = None
) -> replay_event.ReplayEvent:
    decoded = replay_event.decode_replay_event(data)
    return replay_event.read_replay_event(decoded, header or EnvelopeHeader())


def _read(**changes: object) -> replay_event.ReplayEvent:
    return _read_bytes(compact(changed(payloads.replay_event(3), changes)))


@pytest.mark.parametrize("platform", ["android", "ios", "web"])
def test_every_platform_is_read_alike(platform):
    """Platforms write times as text or seconds, and leave different lists out."""
    event = _read_bytes(compact(payloads.replay_event(3, platform=platform)))
    assert event.replay_id == REPLAY_ID
    assert event.segment_id == 3
    assert event.replay_type == "session"
    assert (event.started_ms, event.ended_ms) == (STARTED_MS, STARTED_MS + 5_000)
    assert event.screens == ("CartActivity",)
    assert event.trace_ids == (TRACE_ID,)
    assert (
        event.facts.platform == {"android": "java", "ios": "cocoa", "web": "javascript"}[platform]
    )
    assert (event.facts.release, event.facts.environment) == (
        "net.example.shop@4.2.0+118",
        "production",
    )
    assert (event.facts.dist, event.facts.tags) == ("118", {"plan": "pro"})
    assert event.facts.sdk_name == payloads.SDKS[platform][0]
    assert event.facts.sdk_version == payloads.SDKS[platform][1]
    assert event.facts.user == User(id="u-1042", email="ada@example.com", username="ada")
    assert (event.facts.device_name, event.facts.device_brand) == ("Pixel 8", "google")
    assert (event.facts.device_model, event.facts.device_family) == ("Pixel 8", None)
    assert (event.facts.os_name, event.facts.os_version) == ("Android", "15")
    assert (event.facts.app_name, event.facts.app_id) == ("Shop", "net.example.shop")
    assert (event.facts.app_version, event.facts.app_build) == ("4.2.0", "118")
    assert event.segment_id == 3


def test_a_recovered_segment_has_next_to_nothing():
    """After a crash Android sends ids and times only."""
    event = _read_bytes(compact({"replay_id": REPLAY_ID, "segment_id": 0}))
    assert (event.replay_type, event.started_ms, event.ended_ms) == (None, None, None)
    assert (event.screens, event.trace_ids, event.facts.tags) == ((), (), {})
    assert (event.facts.user, event.facts.platform, event.facts.sdk_name, event.facts.app_id) == (
        User(),
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        *(("session", "session"), ("buffer", "buffer"), ("error", "buffer"), ("tomorrow", None)),
        *((None, None), ([], None), (7, None)),
    ],
)
def test_the_type_is_session_or_buffer(value, kind):
    """Old browser SDKs write error for buffer; an unknown type is absent."""
    assert _read(replay_type=value).replay_type == kind


@pytest.mark.parametrize("value", [REPLAY_ID.upper(), "5b1c0f4e-9a7d-4c3e-8f20-716d3b9a4c55"])
def test_the_replay_id_may_be_dashed_or_upper_case(value):
    """All forms are the same id, and `event_id` is not read."""
    assert _read(replay_id=value, event_id=OTHER_ID).replay_id == REPLAY_ID


@pytest.mark.parametrize(
    "value", ["", "abc", "a" * 31, "../../../../etc/passwd", None, 7, [], "0" * 32, MISSING]
)
def test_without_a_replay_id_it_is_malformed(value):
    """No other member can stand in for it."""
    with pytest.raises(MalformedInput, match="replay_id is not 32 hex digits"):
        _read(replay_id=value)


def test_an_absent_sdk_is_that_of_the_envelope():
    """Segments that are recovered after a crash do not name their SDK."""
    header = EnvelopeHeader(sdk_name="sentry.cocoa", sdk_version="9")
    event = _read_bytes(compact({"replay_id": REPLAY_ID, "segment_id": 0}), header)
    assert (event.facts.sdk_name, event.facts.sdk_version) == ("sentry.cocoa", "9")
    other = _read_bytes(compact(payloads.replay_event(3)), header)
    assert (other.facts.sdk_name, other.facts.sdk_version) == ("sentry.java.android", "8.53.0")


@pytest.mark.parametrize(
    ("value", "segment_id"), [(0, 0), ("4", 4), (5.0, 5), (LIMITS.segment_id, LIMITS.segment_id)]
)
def test_segment_ids_are_read_up_to_the_limit(value, segment_id):
    """Segment ids may also be written as text or as a float."""
    assert _read(segment_id=value).segment_id == segment_id


@pytest.mark.parametrize(
    "value", [-1, 1.5, LIMITS.segment_id + 1, 2**31, None, "x", True, [], MISSING, float("inf")]
)
def test_without_a_segment_id_it_is_malformed(value):
    """One past the limit is refused like none at all."""
    with pytest.raises(MalformedInput, match="segment_id is not a whole number from 0 to 65535"):
        _read(segment_id=value)


def test_lists_are_read_up_to_a_hundred():
    """A megabyte of ids would be 27,000 rows; the trace of the segment itself is always read."""
    ids = [f"{number:032x}" for number in range(1, 500)]
    screens = [f"Screen {number}" for number in range(500)]
    sent = payloads.replay_event(urls=screens, trace_ids=ids)
    read = _read_bytes(compact(sent))
    assert read.screens == tuple(screens[:100])
    assert read.trace_ids == (*ids[:100], TRACE_ID)


def test_screens_lose_repeats_but_not_returns():
    """An iPhone names the screen of every frame; members of other types are dropped."""
    names: list[object] = ["A", "A", "B", None, {}, "B", "A", "", 7]
    assert _read(urls=names).screens == ("A", "B", "A", "7")
    assert _read(urls="A").screens == ()


def test_good_ids_are_listed_once():
    """The trace of the context is added; lists of other types are empty."""
    event = _read(trace_ids=[OTHER_ID, "x", 7, None, TRACE_ID.upper(), OTHER_ID])
    assert event.trace_ids == (OTHER_ID, TRACE_ID)
    assert _read(trace_ids=5, contexts={"trace": {"trace_id": 1}}).trace_ids == ()


def test_users_may_have_numbers_and_instructions():
    """`{{auto}}` is not an address, but asks the server for it."""
    user = _read(user={"id": 7, "ip_address": "{{auto}}", "name": "Ada", "geo": {}}).facts.user
    assert user == User(id="7", name="Ada")
    assert _read(user={"ip_address": "192.0.2.7"}).facts.user.ip_address == "192.0.2.7"
    assert _read(user="ada").facts.user == User()


def test_the_brand_may_stand_as_manufacturer():
    """Android sends brand and manufacturer, others send one of them."""
    device = {"manufacturer": "Google", "family": "Pixel"}
    assert _read(contexts={"device": device}).facts.device_brand == "Google"
    assert _read(contexts={"device": device | {"brand": "google"}}).facts.device_brand == "google"


def test_long_names_are_cut():
    """A release of 100,000 characters becomes 200."""
    event = _read(release="r" * 100_000)
    assert event.facts.release == "r" * 199 + "…"


def test_the_event_is_limited():
    """The largest event is read, and one byte more is too large."""
    smallest = compact({"replay_id": REPLAY_ID, "segment_id": 0})
    at_limit = smallest.ljust(LIMITS.event_bytes)
    assert _read_bytes(memoryview(at_limit)).segment_id == 0
    with pytest.raises(OversizedInput, match="replay_event has"):
        _read_bytes(at_limit + b" ")


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"<xml>", b'{"a":' * 100_000])
def test_anything_but_an_object_is_malformed(data):
    """Other JSON, other text and endless nesting are refused."""
    with pytest.raises(MalformedInput, match="replay_event"):
        _read_bytes(data)


GOOD = [compact(payloads.replay_event(platform=platform)) for platform in payloads.SDKS]


@examples.SETTINGS
@given(
    st.binary(max_size=100)
    | examples.mutated(GOOD)
    | examples.with_changed_member(payloads.replay_event()).map(
        lambda each: json.dumps(each).encode()
    )
)
def test_any_bytes_give_an_event_or_are_malformed(data):
    """Only MalformedInput leaves the reader, and every field keeps its promise."""
    try:
        event = _read_bytes(data)
    except MalformedInput:
        return
    assert 0 <= event.segment_id <= LIMITS.segment_id
    assert len(event.replay_id) == 32
    assert all(isinstance(each, str) for each in (*event.screens, *event.facts.tags.values()))
