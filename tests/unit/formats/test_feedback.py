"""Feedback of both forms and of any shape is read or refused."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput, OversizedInput
from app.core.ids import EventId, ReplayId, TraceId
from app.core.limits import LIMITS
from app.formats import feedback
from app.formats.feedback import FeedbackPayload
from app.formats.wire.envelope import EnvelopeHeader, TraceHeader
from tests.support.builders.wire import EVENT_ID, REPLAY_ID, TRACE_ID, Json, changed, compact, iso
from tests.support.examples import JSON_VALUES, SETTINGS, mutated, with_changed_member
from tests.support.recorded import contents, samples

NOTHING = EnvelopeHeader()
OTHER_ID = "c" * 32
SENT_AT = datetime(2026, 8, 6, 7, 6, 40, tzinfo=UTC)
SAID: Json = {
    "message": "paying fails",
    "name": "Ada",
    "contact_email": "ada@example.com",
    "url": "https://shop.example/cart",
    "associated_event_id": EVENT_ID,
    "replay_id": REPLAY_ID,
}
EVENT: Json = {
    "event_id": OTHER_ID,
    "type": "feedback",
    "timestamp": iso(1_786_000_000_000),
    "platform": "java",
    "release": "shop@4.2.0",
    "environment": "qa",
    "contexts": {"feedback": SAID, "trace": {"trace_id": TRACE_ID}},
}
REPORT: Json = {
    "event_id": EVENT_ID,
    "name": "Ada",
    "email": "ada@example.com",
    "comments": "paying fails",
}


def read(header: EnvelopeHeader = NOTHING, **changes: Any) -> FeedbackPayload:
    """Read feedback with members of its context changed."""
    contexts = EVENT["contexts"] | {"feedback": changed(SAID, changes)}
    return feedback.read_feedback(compact(EVENT | {"contexts": contexts}), header)


def report(header: EnvelopeHeader = NOTHING, **changes: Any) -> FeedbackPayload:
    """Read a user report with some members changed."""
    data = feedback.convert_user_report(compact(changed(REPORT, changes)), header)
    return feedback.read_feedback(data, header)


def test_feedback_is_read():
    """Feedback tells who wrote what and when, and what it belongs to."""
    assert read() == FeedbackPayload(
        event_id=EventId(OTHER_ID),
        at=SENT_AT,
        message="paying fails",
        name="Ada",
        email="ada@example.com",
        url="https://shop.example/cart",
        associated_event_id=EventId(EVENT_ID),
        replay_id=ReplayId(REPLAY_ID),
        trace_id=TraceId(TRACE_ID),
        platform="java",
        release="shop@4.2.0",
        environment="qa",
    )


def test_the_envelope_supplies_missing_ids():
    """Ids of event, replay and trace come from the envelope; an environment has a default."""
    trace = TraceHeader(trace_id=TRACE_ID, replay_id=REPLAY_ID)
    header = EnvelopeHeader(event_id=EVENT_ID, trace=trace)
    result = feedback.read_feedback(compact({"contexts": {"feedback": {"message": "hm"}}}), header)
    assert (result.event_id, result.replay_id, result.trace_id) == (EVENT_ID, REPLAY_ID, TRACE_ID)
    assert (result.associated_event_id, result.environment) == (None, "production")


@pytest.mark.parametrize("message", ["", None, {}, []])
def test_feedback_needs_a_message(message):
    """Feedback without a message is refused."""
    with pytest.raises(MalformedInput, match="no message"):
        read(message=message)
    with pytest.raises(MalformedInput, match="no message"):
        report(comments=message)


def test_a_user_report_is_feedback():
    """The event id of a user report is that of the error; its own id hashes its content."""
    result = report(EnvelopeHeader(sent_at=SENT_AT))
    assert (result.message, result.name, result.email) == ("paying fails", "Ada", "ada@example.com")
    assert (result.associated_event_id, result.at) == (EVENT_ID, SENT_AT)
    assert result.event_id == report().event_id
    assert result.event_id != report(comments="paying still fails").event_id
    assert report().at is None
    assert report(EnvelopeHeader(event_id=OTHER_ID), event_id=None).associated_event_id == OTHER_ID


def test_the_size_of_both_forms_is_limited():
    """One byte over the limit is refused."""
    assert feedback.read_feedback(compact(EVENT).ljust(LIMITS.event_bytes), NOTHING).name == "Ada"
    assert feedback.convert_user_report(compact(REPORT).ljust(LIMITS.event_bytes), NOTHING)
    with pytest.raises(OversizedInput, match="feedback has 1048577 bytes"):
        feedback.read_feedback(compact(EVENT).ljust(LIMITS.event_bytes + 1), NOTHING)
    with pytest.raises(OversizedInput, match="user_report has 1048577 bytes"):
        feedback.convert_user_report(compact(REPORT).ljust(LIMITS.event_bytes + 1), NOTHING)


@pytest.mark.parametrize("family", samples.families())
def test_recorded_feedback_is_read(family):
    """Every SDK sends a message and an address."""
    for request in contents.requests(family):
        envelope = contents.envelope_of(request)
        for item in envelope.items:
            if item.type == "feedback":
                result = feedback.read_feedback(item.payload, envelope.header)
                assert result.message
                assert result.email
                assert result.at is not None
                assert result.event_id == envelope.header.event_id
            if item.type == "user_report":
                data = feedback.convert_user_report(item.payload, envelope.header)
                result = feedback.read_feedback(data, envelope.header)
                assert result.message == "legacy user_report"
                assert result.associated_event_id == envelope.header.event_id


@SETTINGS
@given(with_changed_member(EVENT), with_changed_member(REPORT), JSON_VALUES)
def test_feedback_of_any_shape_is_read_or_refused(event, old, anything):
    """No other error is raised."""
    said = SAID | {"associated_event_id": anything, "url": anything, "name": anything}
    for source in (event, {"contexts": {"feedback": said}}):
        try:
            assert feedback.read_feedback(compact(source), NOTHING).message
        except MalformedInput:
            continue
    try:
        assert feedback.read_feedback(
            feedback.convert_user_report(compact(old), NOTHING), NOTHING
        ).message
    except MalformedInput:
        return


@SETTINGS
@given(st.binary(max_size=60) | mutated([compact(EVENT), compact(REPORT)]))
def test_any_bytes_are_read_or_refused(data):
    """No other error is raised."""
    for reader in (feedback.read_feedback, feedback.convert_user_report):
        try:
            reader(data, NOTHING)
        except MalformedInput:
            continue
