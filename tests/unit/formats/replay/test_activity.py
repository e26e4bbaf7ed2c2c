"""Tests of the reading of breadcrumbs, spans, touches and options in a recording."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput
from app.formats.replay import activity, recording
from app.formats.replay.activity import Activity, Breadcrumb, NetworkSpan, Touch
from tests.support import examples
from tests.support.builders import recordings
from tests.support.builders.wire import MISSING, STARTED_MS

T = STARTED_MS
NOTHING = Activity((), (), (), None, move_batches=0, unknown=0)


def test_an_ordinary_segment_is_read_whole():
    """Breadcrumbs, a request, a tap and the options are all read."""
    contents = activity.read_activity(recordings.segment_events())
    assert [each.category for each in contents.breadcrumbs] == ["navigation", "ui.tap"]
    assert contents.breadcrumbs[1] == Breadcrumb(
        T + 280, "ui.tap", "pay_button", None, {"view.id": "pay"}
    )
    assert contents.spans == (
        NetworkSpan(
            at_ms=T + 300,
            ended_ms=T + 540,
            op="resource.http",
            url="https://api.example.net/v1/cart",
            method="POST",
            status=201,
            request_bytes=312,
            response_bytes=None,
            data={"method": "POST", "statusCode": 201, "requestBodySize": 312},
        ),
    )
    assert contents.touches == (
        Touch(T + 200, "start", 0, 64.0, 200.0),
        Touch(T + 280, "end", 0, 64.0, 200.0),
    )
    assert contents.options is not None
    assert contents.options["maskAllText"] is True
    assert contents.unknown == 0


def test_no_events_give_no_activity():
    """All parts of the activity are empty."""
    assert activity.read_activity([]) == NOTHING


def test_breadcrumbs_may_lack_everything_but_a_time():
    """The payload's seconds stand in for the event's milliseconds; the level `none` is no level."""
    crumb = recordings.breadcrumb("", T, level="none", data=[], message=5)
    assert activity.read_activity([crumb]).breadcrumbs == (Breadcrumb(T, "default", "5", None, {}),)
    crumb["timestamp"] = None
    assert activity.read_activity([crumb]).breadcrumbs[0].at_ms == T
    del crumb["data"]["payload"]["timestamp"]
    assert activity.read_activity([crumb]).unknown == 1


@pytest.mark.parametrize(
    ("changes", "at_ms", "ended_ms"),
    [
        ({}, T, T + 240),
        ({"startTimestamp": None}, T + 240, T + 240),
        ({"endTimestamp": None}, T, None),
        ({"endTimestamp": T / 1000 - 1}, T, None),
        ({"startTimestamp": "soon", "endTimestamp": {}}, T + 240, None),
    ],
)
def test_spans_are_placed_by_their_payload(changes, at_ms, ended_ms):
    """The event's own time is the last choice, and an end before the start is dropped."""
    event = recordings.network_span()
    event["data"]["payload"].update(changes)
    (span,) = activity.read_activity([event]).spans
    assert (span.at_ms, span.ended_ms) == (at_ms, ended_ms)


def test_a_span_without_any_time_is_unknown():
    """A span without a time has no place in the replay."""
    event = recordings.network_span()
    event["timestamp"] = 5
    event["data"]["payload"]["startTimestamp"] = None
    assert activity.read_activity([event]) == Activity((), (), (), None, move_batches=0, unknown=1)


def test_sizes_and_status_are_read_from_every_place():
    """A status may be text, sizes may be in the details, and impossible values are absent."""
    details: dict[str, Any] = {
        "request": {"size": 7},
        "response": {"size": "9"},
        "requestBodySize": MISSING,
    }
    (span,) = activity.read_activity([recordings.network_span(statusCode="500", **details)]).spans
    assert (span.status, span.request_bytes, span.response_bytes) == (500, 7, 9)
    (odd,) = activity.read_activity(
        [recordings.network_span(statusCode=1_000, requestBodySize=-1)]
    ).spans
    assert (odd.status, odd.request_bytes) == (None, None)


@pytest.mark.parametrize(
    ("op", "is_request"), [("resource.fetch", True), ("paint", False), (None, False)]
)
def test_only_resources_are_requests(op, is_request):
    """Browsers report paints and navigations in the same shape."""
    event = recordings.network_span()
    event["data"]["payload"]["op"] = op
    (span,) = activity.read_activity([event]).spans
    assert (span.op, span.is_request) == (op or "", is_request)


def test_moves_lie_before_their_event():
    """Each position of a move has its own time; odd positions are left out."""
    batch = recordings.moves(T + 500, [(1, 2, -420), (3, 4, 0), (5, 6, -(10**12))], pointer_id=2)
    batch["data"]["positions"] += [None, {"x": 1}, {"x": 7, "y": 8, "timeOffset": "?"}]
    contents = activity.read_activity([batch, recordings.touch("cancel", T + 90, 9, 9)])
    assert contents.touches == (
        Touch(T + 80, "move", 2, 1.0, 2.0),
        Touch(T + 90, "cancel", 0, 9.0, 9.0),
        Touch(T + 500, "move", 2, 3.0, 4.0),
        Touch(T + 500, "move", 2, 7.0, 8.0),
    )
    assert (contents.move_batches, contents.unknown) == (1, 0)


def test_unknown_events_are_counted():
    """Events of odd shapes and unknown kinds are each counted once."""
    touch = recordings.touch("start")
    unknown = [
        {},
        {"type": 2, "timestamp": T, "data": {}},
        {"type": 5, "timestamp": T, "data": {"tag": "video"}},
        {"type": 5, "timestamp": T, "data": {"tag": "memory", "payload": {}}},
        {"type": 5, "timestamp": T, "data": []},
        touch | {"timestamp": None},
        touch | {"data": touch["data"] | {"source": 3}},
        touch | {"data": touch["data"] | {"type": 2}},
        touch | {"data": touch["data"] | {"x": "left"}},
        recordings.moves(T, []),
    ]
    assert activity.read_activity(unknown) == Activity(
        (), (), (), None, move_batches=0, unknown=len(unknown)
    )


def test_only_the_first_options_count():
    """A second options event changes nothing."""
    contents = activity.read_activity([recordings.options(n=1), recordings.options(n=2)])
    assert contents.options is not None
    assert contents.options["n"] == 1
    assert contents.unknown == 0


def test_parts_are_in_time_order_whatever_the_order_of_events():
    """Some SDKs do not sort events, and spans have other times than their events."""
    events = recordings.segment_events()
    assert activity.read_activity(events[::-1]) == activity.read_activity(events)


ORDINARY = [*recordings.segment_events(), recordings.moves(T, [(1, 2, -5)])]


@examples.SETTINGS
@given(st.lists(st.one_of([examples.with_changed_member(event) for event in ORDINARY]), max_size=4))
def test_events_of_any_shape_are_skipped_or_read(events):
    """No event raises an error, and every skipped one is counted."""
    contents = activity.read_activity(events)
    assert contents.unknown <= len(events)


@examples.SETTINGS
@given(examples.mutated([recordings.recording(ORDINARY)]))
def test_events_of_any_recording_are_read(data):
    """The events that `read_recording` returns never raise an error."""
    try:
        events = recording.read_recording(data).events
    except MalformedInput:
        return
    activity.read_activity(events)


def test_touches_can_be_left_out():
    """Counting breadcrumbs and requests needs no touches."""
    events = [
        {
            "type": 3,
            "timestamp": 1_786_000_000_000,
            "data": {"source": 2, "type": 7, "x": 1, "y": 2},
        },
        {
            "type": 5,
            "timestamp": 1_786_000_000_000,
            "data": {"tag": "breadcrumb", "payload": {"timestamp": 1_786_000_000, "category": "a"}},
        },
    ]
    seen = activity.read_activity(events, with_touches=False)
    assert (len(seen.breadcrumbs), seen.touches, seen.unknown) == (1, (), 0)
