"""Transactions: the root, the spans below it, and any shape at all."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS
from app.formats.events import event
from app.formats.spans import transaction as transactions
from app.formats.wire.envelope import EnvelopeHeader, TraceHeader
from tests.support.builders.payloads import span, transaction
from tests.support.builders.wire import (
    EVENT_ID,
    MISSING,
    REPLAY_ID,
    SPAN_ID,
    STARTED_MS,
    TRACE_ID,
    compact,
)
from tests.support.examples import JSON_VALUES, SETTINGS, mutated, with_changed_member
from tests.support.recorded import contents, samples

NOTHING = EnvelopeHeader()
STARTED_AT = datetime(2026, 8, 6, 7, 6, 41, tzinfo=UTC)


def decode_transaction(
    data: bytes | memoryview, header: EnvelopeHeader, *, sent_at: datetime | None = None
) -> transactions.Transaction:
    """Decode and read a transaction."""
    raw = event.decode_event(data, "transaction")
    return transactions.read_transaction(raw, header, sent_at=sent_at)


def read(header: EnvelopeHeader = NOTHING, **changes: Any) -> transactions.Transaction:
    """Read a transaction with some members changed."""
    return decode_transaction(compact(transaction(**changes)), header)


def test_a_transaction_is_read():
    """Every fact of a screen that loads is read."""
    transaction = read()
    assert (transaction.event_id, transaction.name) == (EVENT_ID, "CartActivity")
    assert (transaction.op, transaction.status) == ("ui.load", "ok")
    assert (transaction.started_at, transaction.ended_at) == (
        STARTED_AT,
        STARTED_AT + timedelta(milliseconds=800),
    )
    assert (transaction.trace_id, transaction.span_id) == (TRACE_ID, SPAN_ID)
    assert (transaction.platform, transaction.release) == ("java", "net.example.shop@4.2.0+118")
    assert transaction.environment == "production"
    assert (len(transaction.spans), transaction.skipped) == (2, 0)
    assert transaction.raw["type"] == "transaction"


def test_the_root_is_a_span():
    """The root span has the ids of the trace context, and the transaction's times and name."""
    root = read().root
    assert (root.trace_id, root.span_id, root.is_segment) == (TRACE_ID, SPAN_ID, True)
    assert (root.op, root.description, root.segment_name) == ("ui.load",) + ("CartActivity",) * 2
    assert (root.started_at, root.origin) == (STARTED_AT, "auto.ui.activity")
    assert (root.parent_span_id, root.sdk_name) == (None, "sentry.java.android")
    trace = {"span_id": SPAN_ID, "description": "first view", "data": {"a": 1}}
    root = read(contexts={"trace": trace}).root
    assert (root.description, root.data) == ("first view", {"a": 1})


def test_spans_take_missing_values_from_the_transaction():
    """Trace, replay, release and more come from the transaction if a span does not name them."""
    bare = span("db", "select", STARTED_MS, trace_id=MISSING)
    header = EnvelopeHeader(trace=TraceHeader(replay_id=REPLAY_ID))
    (lone_span,) = read(header, spans=[bare]).spans
    assert (lone_span.trace_id, lone_span.replay_id) == (TRACE_ID, REPLAY_ID)
    assert (lone_span.segment_name, lone_span.is_segment) == ("CartActivity", False)
    assert (lone_span.release, lone_span.environment) == (
        "net.example.shop@4.2.0+118",
        "production",
    )
    assert lone_span.sdk_name == "sentry.java.android"


def test_a_transaction_without_ids_is_its_own_trace():
    """The ids are made from the event's id, so that they are the same when it is sent again."""
    once = read(contexts={}, environment=MISSING, transaction=MISSING)
    assert (once.trace_id, once.span_id) == (EVENT_ID, EVENT_ID[16:])
    assert once == read(contexts={}, environment=MISSING, transaction=MISSING)
    assert (once.name, once.environment) == ("<unlabeled transaction>", "production")
    of_envelope = EnvelopeHeader(trace=TraceHeader(trace_id=TRACE_ID))
    assert read(of_envelope, contexts={}).trace_id == TRACE_ID


def test_a_made_span_id_is_never_zero():
    """One half of an event's id may be zero, but not both."""
    assert read(event_id="ab" * 8 + "0" * 16, contexts={}).span_id == "ab" * 8


@pytest.mark.parametrize(
    ("changes", "length_s"),
    [
        ({"timestamp": STARTED_MS / 1000 - 10}, 0),
        ({"timestamp": None}, 0),
        ({"start_timestamp": None, "timestamp": "2026-08-06T07:06:41Z"}, 0),
        ({"timestamp": "2026-08-06T07:06:43Z"}, 2),
    ],
)
def test_a_transaction_never_ends_before_it_starts(changes, length_s):
    """A missing time is taken from the other one."""
    transaction = read(**changes)
    assert (transaction.started_at, transaction.ended_at) == (
        STARTED_AT,
        STARTED_AT + timedelta(seconds=length_s),
    )


def test_a_transaction_without_times_is_placed_by_its_arrival():
    """Without a time of arrival too, the transaction is refused."""
    with pytest.raises(MalformedInput, match="transaction has no time"):
        read(start_timestamp="soon", timestamp=MISSING)
    body = compact(transaction(start_timestamp="soon", timestamp=0))
    decoded = decode_transaction(body, NOTHING, sent_at=STARTED_AT)
    assert (decoded.started_at, decoded.ended_at) == (STARTED_AT, STARTED_AT)


def test_a_clock_that_nobody_has_set_is_read():
    """Such a clock begins in 1970; spans from then below a root of today are left out."""
    began_at = datetime(1970, 1, 1, 0, 0, 17, 500_000, tzinfo=UTC)
    inner = span("db", "select", 17_600)
    body = compact(transaction(start_timestamp=17.5, timestamp=18.0, spans=[inner]))
    decoded = decode_transaction(body, NOTHING, sent_at=STARTED_AT)
    assert (decoded.started_at, decoded.ended_at - began_at) == (
        began_at,
        timedelta(seconds=0.5),
    )
    assert [each.started_at - began_at for each in decoded.spans] == [timedelta(seconds=0.1)]
    odd = decode_transaction(compact(transaction(spans=[inner])), NOTHING)
    assert (odd.spans, odd.skipped) == ((), 1)


def test_parents_in_a_circle_are_read():
    """Spans whose parents form a circle are read like others, because spans are a flat list."""
    spans = [
        span(
            "a",
            "b",
            STARTED_MS,
            span_id=f"{n + 1:016x}",
            parent_span_id=f"{(n + 1) % 999 + 1:016x}",
        )
        for n in range(999)
    ]
    assert len(read(spans=spans).spans) == 999


def test_bad_spans_are_left_out_and_counted():
    """Spans that cannot be read and spans beyond the limit are left out, and counted."""
    good = span("db", "select", STARTED_MS)
    transaction = read(spans=[good, 7, {}, {**good, "span_id": None}])
    assert (len(transaction.spans), transaction.skipped) == (1, 3)
    assert read(spans=[good] * LIMITS.spans).skipped == 0
    assert read(spans=[good] * (LIMITS.spans + 1)).skipped == 1
    assert read(spans={"a": good}).spans == ()


def test_a_transaction_is_limited():
    """One byte over the limit is refused."""
    body = compact(transaction())
    assert decode_transaction(body.ljust(LIMITS.event_bytes), NOTHING).op == "ui.load"
    with pytest.raises(OversizedInput, match="transaction has 1048577 bytes"):
        decode_transaction(body.ljust(LIMITS.event_bytes + 1), NOTHING)


@pytest.mark.parametrize("family", samples.families())
def test_recorded_transactions_are_read(family):
    """Every transaction of every SDK has the facts that are known about it."""
    expected = {each["event_id"]: each for each in contents.conclusions(family)["transactions"]}
    transactions = {}
    for request in contents.requests(family):
        envelope = contents.envelope_of(request)
        for item in envelope.items:
            if item.type == "transaction":
                transaction = decode_transaction(item.payload, envelope.header)
                assert transaction.skipped == 0
                transactions[transaction.event_id] = {
                    "event_id": transaction.event_id,
                    "name": transaction.name,
                    "op": transaction.op,
                    "trace_id": transaction.trace_id,
                    "spans": len(transaction.spans),
                }
    assert transactions == expected


def test_hostile_transactions_are_read_or_refused():
    """Circles, chains and an end before the start do no harm."""
    for request in contents.requests(samples.HOSTILE, "transaction-*"):
        envelope = contents.envelope_of(request)
        transaction = decode_transaction(envelope.items[0].payload, envelope.header)
        assert transaction.ended_at >= transaction.started_at
        assert len(transaction.spans) >= 3


@SETTINGS
@given(
    with_changed_member(transaction()),
    with_changed_member(span("db", "select", STARTED_MS)),
    JSON_VALUES,
)
def test_a_transaction_of_any_shape_is_read_or_refused(changed, inner, anything):
    """Members of any type raise no other error."""
    for members in (
        {},
        {"spans": [inner, anything]},
        {"contexts": {"trace": anything}},
        {"contexts": {"trace": {"trace_id": anything, "parent_span_id": anything}}},
    ):
        try:
            transaction = decode_transaction(compact(changed | members), NOTHING)
        except (MalformedInput, OversizedInput):
            continue
        assert transaction.ended_at >= transaction.started_at


@SETTINGS
@given(st.binary(max_size=60) | mutated([compact(transaction())]))
def test_any_bytes_are_read_or_refused(data):
    """A reader returns a value or refuses the bytes."""
    try:
        decode_transaction(data, NOTHING)
    except (MalformedInput, OversizedInput):
        return
