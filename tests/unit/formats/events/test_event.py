"""Events: what names them, what they belong to, and any shape at all."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS
from app.formats.events import event as events
from app.formats.wire.envelope import EnvelopeHeader, TraceHeader
from tests.support.builders.payloads import event
from tests.support.builders.wire import EVENT_ID, MISSING, REPLAY_ID, SPAN_ID, TRACE_ID, compact
from tests.support.examples import JSON_VALUES, SETTINGS, mutated, with_changed_member
from tests.support.recorded import contents, samples

NOTHING = EnvelopeHeader()
OTHER_ID = "c" * 32
HALF_SURROGATE = re.compile("[\ud800-\udfff]")


def decoded(data: bytes | memoryview) -> dict[str, Any]:
    """Decode an event as ingest does it."""
    return events.decode_event(data, "event")


def read(header: EnvelopeHeader = NOTHING, **changes: Any) -> events.Event:
    """Read an event with some members changed."""
    return events.read_event(decoded(compact(event(**changes))), header)


def problem(**changes: Any) -> events.Problem:
    """Read what went wrong in an event with some members changed."""
    return events.read_problem(decoded(compact(event(**changes))))


def thrown(**members: Any) -> dict[str, Any]:
    """Return the member `exception` with one exception."""
    return {"values": [members]}


def caught_by(mechanism: str, **more: Any) -> dict[str, Any]:
    """Return the member `exception` with one exception of a mechanism."""
    return thrown(type="T", value="v", mechanism={"type": mechanism, **more})


def test_an_event_is_read():
    """Every fact of a crash is read as the Java SDK sends it."""
    described = problem()
    assert (described.kind, described.level, described.handled) == ("crash", "fatal", False)
    assert described.title == "IllegalStateException: Cart total is negative: -12.40"
    assert described.exception_type == "IllegalStateException"
    assert described.exception_value == "Cart total is negative: -12.40"
    assert described.culprit == "CartActivity"
    assert described.mechanism == "UncaughtExceptionHandler"
    decoded = read()
    assert decoded.event_id == EVENT_ID
    assert decoded.at == datetime(2026, 8, 6, 7, 6, 42, tzinfo=UTC)
    assert (decoded.trace_id, decoded.span_id) == (TRACE_ID, SPAN_ID)
    assert (decoded.platform, decoded.release) == ("java", "net.example.shop@4.2.0+118")
    assert decoded.sdk_name == "sentry.java.android"
    assert decoded.user.id == "u-1042"


def test_an_empty_event_is_read():
    """No member is required."""
    described = events.read_problem({})
    assert (described.kind, described.level, described.title) == (
        "error",
        "error",
        "<unlabeled event>",
    )
    assert (described.culprit, described.handled) == (None, None)
    decoded = events.read_event({}, NOTHING)
    assert decoded.environment == "production"
    assert (decoded.at, decoded.replay_id) == (None, None)
    assert len(decoded.event_id) == 32


def test_an_event_without_an_id_gets_one_of_its_content():
    """Read twice it has the same id, and with other words another one."""
    decoded = events.read_event({"message": "a", "level": "info"}, NOTHING)
    assert (
        events.read_event({"level": "info", "message": "a"}, NOTHING).event_id == decoded.event_id
    )
    assert (
        events.read_event({"level": "info", "message": "b"}, NOTHING).event_id != decoded.event_id
    )


@pytest.mark.parametrize(
    ("own", "of_envelope", "found"),
    [
        ("A" * 32, "b" * 32, "a" * 32),
        (MISSING, "b" * 32, "b" * 32),
        ("abc", "b" * 32, "b" * 32),
        (7, "b" * 32, "b" * 32),
    ],
)
def test_the_id_is_that_of_the_event_or_of_the_envelope(own, of_envelope, found):
    """A value that is not an id counts as absent."""
    assert read(EnvelopeHeader(event_id=of_envelope), event_id=own).event_id == found


@pytest.mark.parametrize(
    ("changes", "of_envelope", "found"),
    [
        ({"contexts": {"replay": {"replay_id": REPLAY_ID}}, "tags": {"replayId": OTHER_ID}},
         OTHER_ID, REPLAY_ID),
        ({"contexts": {"feedback": {"replay_id": REPLAY_ID}}}, OTHER_ID, REPLAY_ID),
        ({"tags": {"replayId": REPLAY_ID}}, OTHER_ID, REPLAY_ID),
        ({"tags": [["replayId", REPLAY_ID]]}, OTHER_ID, REPLAY_ID),
        ({"tags": {"replayId": "any text"}}, REPLAY_ID, REPLAY_ID),
        ({"contexts": {"replay": {"replay_id": "0" * 32}}}, REPLAY_ID, REPLAY_ID),
        ({}, REPLAY_ID, REPLAY_ID),
        ({}, None, None),
    ],
)  # fmt: skip
def test_the_replay_is_found_in_order(changes, of_envelope, found):
    """Contexts come first, then the tag, then the envelope; a bad id counts as absent."""
    header = EnvelopeHeader(trace=TraceHeader(replay_id=of_envelope))
    assert read(header, **changes).replay_id == found


def test_the_envelope_stands_in():
    """Trace and SDK may come from the envelope; release and environment never do."""
    trace = TraceHeader(trace_id=OTHER_ID)
    header = EnvelopeHeader(sdk_name="sentry.python", sdk_version="2", trace=trace)
    decoded = read(header, contexts={}, sdk=MISSING, release=MISSING, environment=MISSING)
    assert (decoded.trace_id, decoded.span_id) == (OTHER_ID, None)
    assert decoded.sdk_name == "sentry.python"
    assert (decoded.release, decoded.environment) == (None, "production")


@pytest.mark.parametrize(
    ("sent", "level"),
    [
        ("FATAL", "fatal"), ("critical", "fatal"), ("warn", "warning"), ("log", "info"),
        ("debug", "debug"), (30, "warning"), ("50", "fatal"), (MISSING, "error"), ("?", "error"),
        (None, "error"), ([], "error"),
    ],
)  # fmt: skip
def test_levels_are_five(sent, level):
    """Other words for the five levels are known, and an event without a level is an error."""
    assert problem(level=sent).level == level


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"exception": thrown(type="T", value="one\ntwo")}, "T: one"),
        ({"exception": thrown(type="T", value="\n  two \n")}, "T: two"),
        ({"exception": thrown(type="T", value=None)}, "T"),
        ({"exception": thrown(value="only")}, "only"),
        ({"exception": {"values": [{"type": "Cause"}, {"type": "Last"}, {}]}}, "Last"),
        ({"exception": [{"type": "A", "value": 5}]}, "A: 5"),
        ({"exception": MISSING, "logentry": {"formatted": "f", "message": "m"}}, "f"),
        ({"exception": MISSING, "logentry": {"message": "m %s"}}, "m %s"),
        ({"exception": MISSING, "logentry": "text"}, "text"),
        ({"exception": MISSING, "message": {"formatted": "f"}}, "f"),
        ({"exception": MISSING, "message": "first\nsecond"}, "first"),
        ({"exception": MISSING, "message": 5}, "5"),
        ({"exception": {"values": [{}]}, "message": "m"}, "m"),
        ({"exception": MISSING, "contexts": {"feedback": {"message": "slow"}}}, "slow"),
        ({"exception": None, "message": "\n"}, "<unlabeled event>"),
    ],
)
def test_the_title_is_one_line(changes, title):
    """The title of an event names its last exception with content, or else its message."""
    assert problem(**changes).title == title


def test_a_long_title_is_cut():
    """A title has at most 300 characters."""
    assert problem(exception=thrown(type="T", value="x" * 297)).title == "T: " + "x" * 297
    assert problem(exception=thrown(type="T", value="x" * 298)).title == "T: " + "x" * 296 + "…"


@pytest.mark.parametrize(
    ("function", "title"), [("crash_here", "crash_here: v"), ("?", "T: v"), (None, "T: v")]
)
def test_a_synthetic_type_does_not_name_an_event(function, title):
    """The function that crashed names the event instead, if it is known."""
    frames = {"frames": [{"function": function}]}
    mechanism = {"type": "signalhandler", "synthetic": True}
    described = problem(
        exception=thrown(type="T", value="v", mechanism=mechanism, stacktrace=frames)
    )
    assert described.title == title


def test_a_message_with_a_stack_is_named_by_its_words():
    """JavaScript wraps a message into an exception without a type, and calls that synthetic."""
    frames = {"frames": [{"function": "Server.?"}]}
    mechanism = {"type": "generic", "synthetic": True, "handled": True}
    described = problem(
        exception=thrown(value="cart is empty", mechanism=mechanism, stacktrace=frames)
    )
    assert described.title == "cart is empty"


@pytest.mark.parametrize(
    ("frame", "culprit"),
    [
        ({"module": "net.example.Cart", "function": "total"}, "net.example.Cart in total"),
        ({"filename": "app.js", "function": "?"}, "app.js"),
        ({"package": "libshop.so", "function": "pay"}, "libshop.so in pay"),
        ({"function": "pay"}, "pay"),
        ({}, None),
    ],
)
def test_the_culprit_is_a_place(frame, culprit):
    """The culprit of an event without a transaction is the place of the app's last frame."""
    exception = thrown(type="T", stacktrace={"frames": [frame]})
    assert problem(transaction=MISSING, exception=exception).culprit == culprit


@pytest.mark.parametrize(
    ("changes", "kind", "handled"),
    [
        ({"exception": caught_by("UncaughtExceptionHandler")}, "crash", False),
        ({"exception": caught_by("UncaughtExceptionHandler", handled=True)}, "error", True),
        ({"exception": caught_by("mach")}, "crash", False),
        ({"exception": caught_by("signalhandler", handled=False)}, "native_crash", False),
        ({"exception": caught_by("TombstoneMerged")}, "native_crash", False),
        ({"exception": caught_by("ANR")}, "anr", None),
        ({"exception": caught_by("AppExitInfo")}, "anr", None),
        ({"exception": thrown(type="ApplicationNotResponding")}, "anr", None),
        ({"exception": caught_by("AppHang", handled=True)}, "app_hang", True),
        ({"exception": thrown(type="App Hang Fully Blocked")}, "app_hang", None),
        ({"exception": caught_by("watchdog_termination")}, "watchdog", False),
        ({"exception": caught_by("generic", handled=False)}, "crash", False),
        ({"exception": caught_by("generic", handled=False), "level": "error"}, "error", False),
        ({"exception": caught_by("generic", handled=True)}, "error", True),
        ({"exception": caught_by("chained")}, "error", None),
        ({"exception": thrown(type="T", mechanism="text")}, "error", None),
        ({"exception": {"values": [
            {"type": "C", "mechanism": {"type": "chained", "handled": False}},
            {"type": "T", "mechanism": {"type": "generic", "handled": True}},
        ]}, "level": "error"}, "error", False),
        ({"exception": MISSING, "message": "m"}, "message", None),
        ({"exception": MISSING}, "error", None),
    ],
)  # fmt: skip
def test_the_mechanism_decides_the_kind(changes, kind, handled):
    """An exception is unhandled if it says so, or if its mechanism only sees the end of an app."""
    described = problem(**changes)
    assert (described.kind, described.handled) == (kind, handled)


def test_an_event_is_limited():
    """One byte over the limit is refused."""
    body = b'{"message":"m"}'
    most = body.ljust(LIMITS.event_bytes)
    assert events.read_problem(decoded(most)).title == "m"
    with pytest.raises(OversizedInput, match="event has 1048577 bytes"):
        decoded(most + b" ")


@pytest.mark.parametrize("data", [b"", b"[]", b"7", b"{", b"null"])
def test_anything_but_an_object_is_refused(data):
    """An event is a JSON object."""
    with pytest.raises(MalformedInput):
        decoded(data)


@pytest.mark.parametrize("family", samples.families())
def test_recorded_errors_are_read(family):
    """Every error of every SDK has the facts that are known about it."""
    expected = {each["event_id"]: each for each in contents.conclusions(family)["errors"]}
    names_seen = set()
    for request in contents.requests(family):
        envelope = contents.envelope_of(request)
        for item in envelope.items:
            if item.type != "event":
                continue
            raw = decoded(item.payload)
            read_event, described = (
                events.read_event(raw, envelope.header),
                events.read_problem(raw),
            )
            facts = expected[read_event.event_id]
            names_seen.add(read_event.event_id)
            assert described.exception_type == facts["title"]
            if facts["value"] is not None:
                # Half surrogates, which Node sends, become U+FFFD when the JSON is read.
                value = HALF_SURROGATE.sub("\ufffd", facts["value"])
                assert value in {described.exception_value, described.title}
            assert described.level == (facts["level"] or "error")
            assert described.handled == facts["handled"]
            assert read_event.trace_id == facts["trace_id"]
    assert names_seen == set(expected)


def test_hostile_errors_are_read_or_refused():
    """Errors that must be kept are read, and the others may only be refused."""
    for request in contents.requests(samples.HOSTILE, "error-*"):
        envelope = contents.envelope_of(request)
        for item in envelope.items:
            try:
                raw = decoded(item.payload)
            except (MalformedInput, OversizedInput):
                assert request.expect["result"] != "event", request.name
                continue
            assert events.read_problem(raw).title
            assert events.read_event(raw, envelope.header).event_id


@SETTINGS
@given(with_changed_member(event()), with_changed_member(event()["exception"]["values"][0]))
def test_an_event_of_any_shape_is_read(changed, exception):
    """Members of any type do not keep an event from being read."""
    for member in ({}, {"exception": [exception]}, {"exception": {"values": [exception]}}):
        raw = decoded(compact(changed | member))
        described = events.read_problem(raw)
        assert described.title
        assert described.level in {"fatal", "error", "warning", "info", "debug"}
        assert len(events.read_event(raw, NOTHING).event_id) == 32


@SETTINGS
@given(st.binary(max_size=60) | mutated([compact(event())]))
def test_any_bytes_are_read_or_refused(data):
    """A reader returns a value or refuses the bytes."""
    try:
        raw = decoded(data)
    except (MalformedInput, OversizedInput):
        return
    events.read_event(raw, NOTHING)
    events.read_problem(raw)


@SETTINGS
@given(JSON_VALUES)
def test_any_contexts_are_read(value):
    """The members that lead to replay and trace may hold anything."""
    for contexts in (value, {"trace": value, "replay": value, "feedback": value}):
        changes = {"contexts": contexts, "logentry": value}
        read(**changes, tags=value, sdk=value, user=value)
        problem(**changes)
