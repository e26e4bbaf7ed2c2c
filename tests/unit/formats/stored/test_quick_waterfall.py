"""Tests of the quick reader of the spans of a waterfall, against the plain reader."""

from typing import Any

from hypothesis import given, strategies as st

from app.core.ids import ReplayId, TraceId
from app.formats.spans.span import SpanDefaults
from app.formats.stored import quick_waterfall, span_block, waterfall
from app.formats.stored.waterfall import WaterfallSpan
from tests.support.builders.payloads import span
from tests.support.builders.wire import REPLAY_ID, STARTED_MS, TRACE_ID
from tests.support.examples import JSON_VALUES, SETTINGS, with_changed_member
from tests.support.quick_readers import assert_quick_equals_plain

DEFAULTS = SpanDefaults(trace_id=TraceId(TRACE_ID), replay_id=ReplayId(REPLAY_ID))
SPAN = span("db", "select 1", STARTED_MS, data={"service.name": "api"})
TEXTS = st.sampled_from(["", "a\0b", "\0", "x" * 3_000, "0" * 16, REPLAY_ID]) | st.none()


def _read_quickly(content: bytes) -> list[WaterfallSpan] | None:
    return quick_waterfall.try_read_waterfall_spans(content, DEFAULTS)


def _read_plainly(content: bytes) -> list[WaterfallSpan]:
    return waterfall.read_waterfall_spans(content, DEFAULTS)


def _is_read_quickly(spans: list[Any]) -> bool:
    return assert_quick_equals_plain(
        span_block.pack_block(spans), quick=_read_quickly, plain=_read_plainly
    )


def test_usual_spans_are_read_quickly():
    """Spans with data, with tags, with neither, unfinished and repeated ones are usual."""
    assert _is_read_quickly(
        [
            SPAN,
            SPAN | {"span_id": "1" * 16, "tags": {"service.name": "tagged"}, "data": {}},
            SPAN | {"span_id": "2" * 16, "timestamp": None},
            SPAN | {"span_id": "3" * 16, "parent_span_id": "3" * 16},
            SPAN,
        ]
    )


@SETTINGS
@given(
    with_changed_member(SPAN),
    st.dictionaries(
        st.sampled_from(["op", "description", "status", "span_id", "parent_span_id", "trace_id"]),
        TEXTS,
    ),
    st.dictionaries(st.sampled_from(["service.name", "sentry.replay_id"]), TEXTS | JSON_VALUES),
    st.sampled_from(["data", "tags"]),
)
def test_a_span_of_any_shape_is_read_as_by_the_plain_reader(changed, texts, attributes, member):
    """Members of any type, missing ids, NUL and long texts make no difference."""
    _is_read_quickly([SPAN, changed, SPAN | texts, SPAN | {member: attributes}])


def test_a_clock_that_was_set_during_a_span_is_seen_by_both():
    """The span is left out, whichever way it is read."""
    assert _is_read_quickly([SPAN | {"start_timestamp": 12.0}])
    assert _read_plainly(span_block.pack_block([SPAN | {"start_timestamp": 12.0}])) == []
