"""Transactions in digest: kept as they came, or read span by span, with the same result."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from app.core.errors import OversizedInput
from app.core.ids import ProjectId
from app.core.limits import LIMITS
from app.formats.spans.quick_transaction import try_split_transaction
from app.formats.spans.span import SpanDefaults
from app.formats.stored import packed_json, quick_waterfall, span_block, waterfall
from app.formats.wire.envelope import EnvelopeHeader, EnvelopeItem, TraceHeader
from app.ingest.items import span as span_items, transaction as items
from app.ingest.items.context import EnvelopeContext
from app.ingest.items.item_type import PreparedBatch
from app.ingest.items.spans import quick_transaction
from app.projects.model import Outcome
from app.scrub.rules import DEFAULT_RULES
from app.traces.model import NewBlock, NewTransaction
from tests.support.builders import payloads
from tests.support.builders.wire import REPLAY_ID, STARTED_MS, compact
from tests.support.examples import JSON_VALUES, SETTINGS, mutated, with_changed_member
from tests.support.quick_readers import assert_quick_equals_plain
from tests.support.recorded import contents, samples
from tests.unit.scrub import corpus

RECEIVED = datetime(2026, 8, 6, 7, 8, tzinfo=UTC)
OTHER = "e" * 32

TEXTS = st.sampled_from([secret for secret, _ in corpus.SECRETS] + [*corpus.INNOCENT]) | st.text()
SAID: st.SearchStrategy[object] = st.recursive(
    TEXTS | st.integers() | st.floats(allow_nan=False) | st.sampled_from([4111111111111111, None]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["password", "x", "name", "value", "count"]), inner)
    ),
    max_leaves=6,
)
NAMES = TEXTS | st.sampled_from(["service.name", "thread.name"])
SPANS = st.lists(
    st.fixed_dictionaries(
        {
            "span_id": st.integers(1, 2**64 - 1).map(lambda number: f"{number:016x}"),
            "start_timestamp": st.floats(STARTED_MS / 1000, STARTED_MS / 1000 + 20)
            | st.just("2026-08-06T07:06:42.123456Z"),
        },
        optional={
            "timestamp": st.floats(STARTED_MS / 1000, STARTED_MS / 1000 + 30),
            "parent_span_id": st.sampled_from(["a" * 16, "none", ""]),
            "op": st.sampled_from(["db", "http.client", "x" * 300]),
            "status": st.sampled_from(["ok", "internal_error"]),
            "is_segment": st.booleans(),
            "description": TEXTS | SAID,
            "data": st.dictionaries(NAMES, SAID, max_size=4),
            "tags": st.dictionaries(NAMES, TEXTS | st.just("pay"), max_size=3),
            "measurements": st.just({"frames": {"value": 4111111111111111}}),
            "exclusive_time": st.floats(0, 9) | SAID,
        },
    ),
    max_size=6,
)


def context(header: EnvelopeHeader | None = None) -> EnvelopeContext:
    """Return what the items of an envelope share."""
    return EnvelopeContext(
        project_id=ProjectId(1),
        received_at=RECEIVED,
        drift_ms=7,
        client_ip="192.0.2.7",
        header=header or EnvelopeHeader(event_id="c" * 32),
        rules=DEFAULT_RULES,
    )


def read_quickly(raw: bytes, around: EnvelopeContext) -> NewTransaction | None:
    """Read a transaction the quick way."""
    item = EnvelopeItem("transaction", memoryview(raw))
    (row,) = quick_transaction.try_read_transactions([(item, around)])
    return row


def read_plainly(raw: bytes, around: EnvelopeContext) -> NewTransaction:
    """Read a transaction span by span; none of its spans may be left out."""
    counted = PreparedBatch()
    row = items.transaction_row(EnvelopeItem("transaction", memoryview(raw)), around, counted)
    assert not counted.outcomes
    return row


def is_read_quickly(raw: bytes, around: EnvelopeContext) -> bool:
    """Compare both ways; tell whether the quick one reads the transaction."""

    def quick(data: bytes) -> list[dict[str, Any]] | None:
        row = read_quickly(data, around)
        return None if row is None else [opened(row.block), *map(opened, row.others)]

    def plain(data: bytes) -> list[dict[str, Any]]:
        row = read_plainly(data, around)
        return [opened(row.block), *map(opened, row.others)]

    return assert_quick_equals_plain(raw, quick=quick, plain=plain)


def opened(block: NewBlock) -> dict[str, Any]:
    """Return a block with what is in it, as readers see it."""
    declared = {name: getattr(block, name) for name in NewBlock.__slots__ if name != "content"}
    around = SpanDefaults(trace_id=block.trace_id, replay_id=block.replay_id)
    spans = sorted(
        span_block.read_block_spans(block.content, around),
        key=lambda stored_span: stored_span.span_id,
    )
    assert_quick_equals_plain(
        block.content,
        quick=lambda content: quick_waterfall.try_read_waterfall_spans(content, around),
        plain=lambda content: waterfall.read_waterfall_spans(content, around),
    )
    head = packed_json.unpack_json(block.content).get("head", {})
    return declared | {"in it": spans, "head": head}


@SETTINGS
@given(SPANS, with_changed_member(payloads.transaction()), st.booleans())
def test_spans_stored_as_they_were_sent_are_those_of_the_plain_reader(spans, changed, is_whole):
    """Both ways store the same, and leave the same of secrets."""
    changed["spans"] = spans
    is_read_quickly(compact(payloads.transaction(spans=spans) if is_whole else changed), context())


@SETTINGS
@given(
    st.lists(
        with_changed_member(payloads.span("db", "select", STARTED_MS)) | JSON_VALUES, max_size=3
    )
)
def test_spans_of_any_shape_are_read_as_by_the_plain_reader(spans):
    """Members of any type make no difference."""
    is_read_quickly(compact(payloads.transaction(spans=spans)), context())


@SETTINGS
@given(mutated([compact(payloads.transaction())]))
def test_mutated_bytes_are_read_as_by_the_plain_reader(raw):
    """No byte makes the quick reader keep what the plain one would not."""
    is_read_quickly(raw, context())


@pytest.mark.parametrize("family", samples.families())
def test_recorded_transactions_are_read_quickly(family):
    """No SDK sends what the quick reader leaves alone."""
    for request in contents.requests(family):
        envelope = contents.envelope_of(request)
        for item in envelope.items:
            if item.type == "transaction":
                assert is_read_quickly(bytes(item.payload), context(envelope.header))


def prepared(**changes: Any) -> PreparedBatch:
    """Prepare a transaction with some members changed."""
    batch = PreparedBatch()
    raw = compact(payloads.transaction(**changes))
    items.prepare_transactions([(EnvelopeItem("transaction", memoryview(raw)), context())], batch)
    return batch


def test_the_block_of_a_transaction_reaches_from_its_first_to_its_last_span():
    """Two spans and the root are in one row."""
    early = payloads.span("db", "select", STARTED_MS - 500)
    late = payloads.span("http.client", "GET /", STARTED_MS + 1_500, duration_ms=900)
    (new,) = prepared(spans=[early, late]).rows_of(items.TRANSACTION)
    assert (new.block.spans, new.block.block_id) == (3, new.block.transaction_id)
    began = datetime.fromtimestamp(STARTED_MS / 1000, UTC)
    assert new.block.started_at == began - timedelta(milliseconds=500)
    assert new.block.ended_at == began + timedelta(milliseconds=2_400)
    assert (new.block.name, new.block.platform) == ("CartActivity", "java")


def test_spans_of_another_trace_replay_or_hour_have_blocks_of_their_own():
    """Each block is found by what its spans have in common."""
    at_ms = STARTED_MS + 1_100
    spans = [
        payloads.span("db", "here", at_ms),
        payloads.span("db.a", "other trace", at_ms, trace_id=OTHER),
        payloads.span("db.b", "other replay", at_ms, data={"sentry.replay_id": REPLAY_ID}),
        payloads.span("db.c", "late", at_ms + 3_600_000),
    ]
    (new,) = prepared(spans=spans).rows_of(items.TRANSACTION)
    assert new.block.spans == 2
    assert sorted(
        (other_block.trace_id == OTHER, other_block.replay_id, other_block.spans)
        for other_block in new.others
        if other_block.replay_id
    ) == [(False, REPLAY_ID, 1)]
    assert len(new.others) == 3
    assert {other_block.transaction_id for other_block in new.others} == {new.block.block_id}
    assert {other_block.platform for other_block in new.others} == {"java"}


def test_a_secret_in_one_span_of_many_is_removed():
    """The others stay as they were sent."""
    spans = [payloads.span(f"db.{number}", "select 1", STARTED_MS) for number in range(40)]
    spans[23]["data"] = {"password": "w1nter"}
    spans[31]["description"] = "GET /pay?token=f00ba4c0ffee"
    (new,) = prepared(spans=spans).rows_of(items.TRANSACTION)
    spans_by_op = {stored_span.op: stored_span for stored_span in opened(new.block)["in it"]}
    assert spans_by_op["db.23"].data == {"password": "[Filtered]"}
    assert spans_by_op["db.31"].description == "GET /pay?token=[Filtered]"
    assert spans_by_op["db.22"].description == "select 1"
    assert len(spans_by_op) == 41


@pytest.mark.parametrize(
    "changes",
    [
        {"span_id": "d" * 15},
        {"span_id": "0" * 16},
        {"span_id": "dd dd dd dd dd d"},
        {"start_timestamp": 5},
        {"timestamp": "soon"},
        {"timestamp": float(STARTED_MS + 5)},
        {"op": 7},
        {"someday": 1},
        {"trace_id": "none"},
        {"data": {"sentry.replay_id": REPLAY_ID}},
        {"data": json.loads("[" * 62 + "]" * 62)},
        {"data": {"user.ip": "{{auto}}"}},
    ],
)
def test_an_unusual_span_is_left_to_the_plain_reader(changes):
    """One span with an odd id, time, type, field or depth is enough."""
    plain = payloads.span("db", "select", STARTED_MS)
    assert (
        try_split_transaction(memoryview(compact(payloads.transaction(spans=[plain])))) is not None
    )
    raw = compact(payloads.transaction(spans=[plain, plain | {"span_id": "d" * 16} | changes]))
    assert try_split_transaction(memoryview(raw)) is None


def test_a_repeated_span_is_left_to_the_plain_reader():
    """The plain reader keeps the first of two spans with one id."""
    plain = payloads.span("db", "first", STARTED_MS)
    spans = [plain, plain | {"description": "second"}]
    assert try_split_transaction(memoryview(compact(payloads.transaction(spans=spans)))) is None
    (new,) = prepared(spans=spans).rows_of(items.TRANSACTION)
    stored_spans = opened(new.block)["in it"]
    assert [stored_span.description for stored_span in stored_spans if stored_span.op == "db"] == [
        "first"
    ]


def test_a_member_that_no_sdk_sends_today_changes_nothing():
    """An unknown member is stored with the other members beside the spans."""
    raw = compact(payloads.transaction(someday={"password": "w1nter", "spans": [1]}))
    assert is_read_quickly(raw, context())
    row = read_quickly(raw, context())
    assert row is not None
    assert packed_json.unpack_json(row.block.content)["head"]["someday"]["password"] == "[Filtered]"


@pytest.mark.parametrize("deep", ["[" * 61 + "]" * 61, '{"":' * 61 + "1" + "}" * 61])
def test_too_many_levels_are_left_to_the_plain_reader(deep):
    """The limit counts lists and maps, in a span and beside the spans, to the level."""
    plain = payloads.span("db", "select", STARTED_MS)

    def looked(said: str) -> bool:
        raw = compact(payloads.transaction(spans=[plain, plain | {"span_id": "d" * 16, "data": 0}]))
        raw = raw.replace(b'"data":0', b'"data":' + said.encode())
        return try_split_transaction(memoryview(raw)) is not None

    assert looked(deep)
    assert not looked(f"[{deep}]")
    assert not looked(json.dumps("]" * 400)[:-1] + '",' + f'"tags":[{deep}]')


def test_texts_that_are_not_utf_8_are_left_to_the_plain_reader():
    """The plain reader replaces what is not UTF-8, as everywhere."""
    raw = compact(payloads.transaction()).replace(b"select * from cart", b"select \xff from cart")
    assert try_split_transaction(memoryview(raw)) is None


def streamed(*spans: dict[str, Any], header: EnvelopeHeader | None = None) -> PreparedBatch:
    """Prepare a container of streamed spans."""
    batch = PreparedBatch()
    payload = memoryview(compact({"items": list(spans)}))
    item = EnvelopeItem("span", payload, content_type="application/vnd.sentry.items.span.v2+json")
    span_items.prepare_span(item, context(header), batch)
    return batch


def v2(number: int, **changes: Any) -> dict[str, Any]:
    """Return a streamed span."""
    return {
        "trace_id": "a" * 32,
        "span_id": f"{number:016x}",
        "name": f"step {number}",
        "status": "ok",
        "start_timestamp": STARTED_MS / 1000,
        "end_timestamp": STARTED_MS / 1000 + 1,
        "attributes": {"sentry.op": {"type": "string", "value": "db"}},
    } | changes


def test_streamed_spans_lie_in_a_block_for_each_trace_and_replay():
    """The same spans sent again make the same blocks, in whatever order they are."""
    header = EnvelopeHeader(trace=TraceHeader(replay_id=REPLAY_ID))
    spans = [v2(1), v2(2), v2(3, trace_id=OTHER)]
    blocks = streamed(*spans, header=header).rows_of(span_items.SPAN)
    assert [(block.trace_id, block.spans, block.replay_id) for block in blocks] == [
        ("a" * 32, 2, REPLAY_ID), (OTHER, 1, REPLAY_ID),
    ]  # fmt: skip
    again = streamed(*spans[::-1], header=header).rows_of(span_items.SPAN)
    assert {block.block_id for block in again} == {block.block_id for block in blocks}
    assert {block.block_id for block in streamed(*spans).rows_of(span_items.SPAN)}.isdisjoint(
        {block.block_id for block in blocks}
    )
    (first, second) = opened(blocks[0])["in it"]
    assert (first.op, first.description, first.is_segment) == ("db", "step 1", True)
    assert (second.status, second.data["sentry.op"]) == ("ok", "db")


def test_a_repeated_streamed_span_counts_as_a_duplicate():
    """Every one of them has an outcome."""
    batch = streamed(v2(1), v2(1, name="again"), v2(2))
    assert [block.spans for block in batch.rows_of(span_items.SPAN)] == [2]
    assert [(key.outcome, number) for key, number in batch.outcomes.items()] == [
        (Outcome.DUPLICATE, 1)
    ]


def test_a_container_of_streamed_spans_is_limited():
    """The largest container is read, and one byte more is refused."""
    largest = compact({"items": []}).ljust(LIMITS.span_container_bytes)
    content_type = "application/vnd.sentry.items.span.v2+json"
    item = EnvelopeItem("span", memoryview(largest), content_type=content_type)
    span_items.prepare_span(item, context(), PreparedBatch())
    item = EnvelopeItem("span", memoryview(largest + b" "), content_type=content_type)
    with pytest.raises(OversizedInput, match="span has 12582913 bytes"):
        span_items.prepare_span(item, context(), PreparedBatch())


def test_spans_of_a_waterfall_have_no_nul_and_are_cut():
    """No page can show NUL, and every reader cuts long texts."""
    sent_span = payloads.span("db", "a\0b" + "x" * 3_000, STARTED_MS, status="\0", data={"n": "\0"})
    (new,) = prepared(spans=[sent_span]).rows_of(items.TRANSACTION)
    around = SpanDefaults(trace_id=new.block.trace_id)
    (line,) = [
        stored_span
        for stored_span in waterfall.read_waterfall_spans(new.block.content, around)
        if stored_span.op == "db"
    ]
    assert line.description == "ab" + "x" * 1_996 + "…"
    assert line.status is None
    opened(new.block)
