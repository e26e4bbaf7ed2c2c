"""Log records are read in containers, and any shape is read or refused."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS
from app.formats import jsonish, log
from app.formats.wire.envelope import EnvelopeHeader, TraceHeader
from tests.support.builders.wire import (
    MISSING,
    REPLAY_ID,
    SPAN_ID,
    TRACE_ID,
    Json,
    changed,
    compact,
)
from tests.support.examples import JSON_VALUES, SETTINGS, mutated, with_changed_member
from tests.support.recorded import contents, samples

NOTHING = EnvelopeHeader()
OTHER_ID = "c" * 32
RECORD: Json = {
    "timestamp": 1_786_000_000.5,
    "trace_id": TRACE_ID,
    "span_id": SPAN_ID,
    "level": "warn",
    "body": "cart is odd",
    "severity_number": 13,
    "attributes": {
        "sentry.replay_id": {"type": "string", "value": REPLAY_ID},
        "sentry.release": {"type": "string", "value": "shop@4.2.0"},
        "sentry.environment": {"type": "string", "value": "qa"},
        "n": {"type": "integer", "value": 2},
    },
}


def read_container(data: bytes | memoryview, header: EnvelopeHeader = NOTHING) -> log.LogContainer:
    """Decode and read a container."""
    return log.read_log_container(jsonish.decode_object(data, "log container"), header)


def read(header: EnvelopeHeader = NOTHING, **changes: Any) -> log.LogRecord:
    """Read a container of one record with some members changed."""
    (result,) = read_container(compact({"items": [changed(RECORD, changes)]}), header).logs
    return result


def test_a_record_is_read():
    """Every field is read, and attributes become plain values."""
    result = read()
    assert result.at == datetime(2026, 8, 6, 7, 6, 40, 500_000, tzinfo=UTC)
    assert (result.level, result.body) == ("warn", "cart is odd")
    assert (result.trace_id, result.span_id, result.replay_id) == (TRACE_ID, SPAN_ID, REPLAY_ID)
    assert (result.release, result.environment) == ("shop@4.2.0", "qa")
    assert result.attributes["n"] == 2
    assert read(attributes={"n": 3}).attributes == {"n": 3}


def test_the_id_is_a_hash_of_the_content():
    """The order of members makes no difference; time, text and attributes do."""
    turned = dict(reversed(RECORD.items()))
    (result,) = read_container(compact({"items": [turned]})).logs
    ids = {result.log_id, read().log_id}
    assert len(ids) == 1
    ids |= {
        read(timestamp=1_786_000_000.6).log_id,
        read(body="x").log_id,
        read(attributes={}).log_id,
    }
    assert len(ids) == 4


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({"level": "Warning"}, "warn"),
        ({"level": "fatal"}, "fatal"),
        ({"level": "odd"}, "warn"),
        ({"level": MISSING, "severity_number": 1}, "trace"),
        ({"level": MISSING, "severity_number": 24}, "fatal"),
        ({"level": MISSING, "severity_number": 25}, "info"),
        ({"level": MISSING, "severity_number": MISSING}, "info"),
    ],
)
def test_the_level_is_read_by_word_or_number(changes, level):
    """The level of a record without both is `info`."""
    assert read(**changes).level == level


def test_the_envelope_names_the_replay_of_its_own_trace_only():
    """A container may hold records of other traces."""
    header = EnvelopeHeader(trace=TraceHeader(trace_id=TRACE_ID, replay_id=OTHER_ID))
    assert read(header).replay_id == REPLAY_ID
    assert read(header, attributes={}).replay_id == OTHER_ID
    assert read(header, attributes={}, trace_id=OTHER_ID).replay_id is None
    assert read(header, attributes={}, trace_id=MISSING).replay_id is None
    assert read(attributes={"sentry.replay_id": {"value": "0" * 32}}).replay_id is None


def test_an_unreadable_record_is_skipped_and_counted():
    """A record without time or text is skipped; the others of its container are read."""
    bad = [7, None, {}, RECORD | {"timestamp": "x"}, RECORD | {"body": ""}]
    result = read_container(compact({"items": [RECORD, *bad, RECORD]}))
    assert (len(result.logs), result.skipped) == (2, 5)


@pytest.mark.parametrize("data", [b"[]", b"{}", b'{"items":{}}', b"x"])
def test_a_container_needs_items(data):
    """Anything else is refused."""
    with pytest.raises(MalformedInput):
        read_container(data)


def test_the_records_of_a_container_are_limited():
    """A container at the limit is read, and one past it is refused."""
    at_limit = read_container(compact({"items": [RECORD] * LIMITS.logs}))
    assert len(at_limit.logs) == LIMITS.logs
    with pytest.raises(OversizedInput, match="1001 records"):
        read_container(compact({"items": [RECORD] * (LIMITS.logs + 1)}))


@pytest.mark.parametrize("family", samples.families())
def test_recorded_logs_are_read(family):
    """Every record of every SDK has a text, a release and a time."""
    for request in contents.requests(family):
        envelope = contents.envelope_of(request)
        for item in envelope.items:
            if item.type == "log":
                result = read_container(item.payload, envelope.header)
                assert (len(result.logs), result.skipped) == (item.item_count, 0)
                assert all(record.release for record in result.logs)


@SETTINGS
@given(with_changed_member(RECORD), JSON_VALUES)
def test_records_of_any_shape_are_read_or_left_out(record, anything):
    """A container of records is always read."""
    odd = RECORD | {"attributes": {"sentry.replay_id": anything}, "span_id": anything}
    result = read_container(compact({"items": [record, odd, anything]}))
    assert len(result.logs) + result.skipped == 3


@SETTINGS
@given(st.binary(max_size=60) | mutated([compact({"items": [RECORD, RECORD]})]))
def test_any_bytes_are_read_or_refused(data):
    """No other error is raised."""
    try:
        read_container(data)
    except MalformedInput:
        return
