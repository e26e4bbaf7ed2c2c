"""Waterfalls: order, depth, clocks, self time."""

from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from app.traces import waterfall
from app.traces.model import StoredSpan
from app.traces.waterfall import PlacedSpan
from tests.support.builders.spans import START, served, span
from tests.support.examples import SETTINGS


def lay_out(*spans: StoredSpan) -> list[PlacedSpan]:
    """Place spans by their own clocks."""
    return waterfall.lay_out_spans(
        spans, lambda placed_span: (placed_span.started_at - START) // timedelta(microseconds=1)
    )


def order(*spans: StoredSpan) -> list[tuple[int, int]]:
    """Return depth and number of each span in the order of rows."""
    return [
        (placed_span.depth, int(placed_span.span.span_id, 16)) for placed_span in lay_out(*spans)
    ]


def placed(number: int, *spans: StoredSpan) -> PlacedSpan:
    """Return one span with its place among others."""
    return next(
        placed_span
        for placed_span in lay_out(*spans)
        if int(placed_span.span.span_id, 16) == number
    )


def test_children_follow_their_parents():
    """Brothers by start; a span whose parent is elsewhere stands as a root, and says so."""
    root, late, early = span(1), span(2, 1, at_ms=3_000), span(3, 1, at_ms=2_000)
    below, orphan = span(4, 2, at_ms=3_100), span(5, 99, at_ms=4_000)
    spans = (orphan, below, early, late, root)
    assert order(*spans) == [(0, 1), (1, 3), (1, 2), (2, 4), (0, 5)]
    assert [placed_span.parent for placed_span in lay_out(*spans)] == [
        "none",
        "here",
        "here",
        "here",
        "missing",
    ]


def test_spans_in_a_ring_are_all_shown():
    """A span that is its own parent is a root; two that are each other's come last."""
    assert order(span(1, 1), span(2, 3), span(3, 2)) == [(0, 1), (0, 2), (0, 3)]


@given(st.lists(st.tuples(st.integers(1, 12), st.integers(0, 14)), max_size=12))
@SETTINGS
def test_every_span_stands_once(pairs):
    """Whatever names whatever as its parent, and whatever the times."""
    spans = {number: span(number, parent, at_ms=parent * 10) for number, parent in pairs}
    placed_spans = lay_out(*spans.values())
    assert sorted(int(placed_span.span.span_id, 16) for placed_span in placed_spans) == sorted(
        spans
    )
    assert all(
        0 <= placed_span.self_us <= (placed_span.duration_us or 0) for placed_span in placed_spans
    )


def test_a_chain_of_thousands_needs_no_recursion():
    """A chain of 5,000 spans is laid out to its last level."""
    chain = [span(number, number - 1 or None, at_ms=number) for number in range(1, 5_001)]
    assert lay_out(*chain)[-1].depth == 4_999


def test_self_time_is_what_no_child_covers():
    """Children side by side count once, and only as far as they lie within."""
    root = span(1, at_ms=0, ms=1_000)
    children = (span(2, 1, at_ms=100, ms=300), span(3, 1, at_ms=200, ms=300))
    late = span(4, 1, at_ms=900, ms=500)
    assert placed(1, root, *children, late).self_us == 500_000


def test_an_open_span_has_no_length():
    """A span that was sent before it was finished has a start and no end."""
    placed_spans = placed(1, span(1, ended_at=None))
    assert (placed_spans.duration_us, placed_spans.self_us) == (None, 0)


@pytest.mark.parametrize(
    ("at_ms", "starts_ms"),
    [
        (1_100, 1_100),
        (995, 995),
        (-4_000, 1_150),
        (9_000, 1_150),
    ],
    ids=["inside", "a little early", "before its cause", "after its cause was over"],
)
def test_a_clock_is_moved_only_where_it_cannot_be_right(at_ms, starts_ms):
    """Then the served request stands in the middle of the request that caused it."""
    request = span(1, at_ms=1_000, ms=500, op="http.client")
    answer = served(2, 1, at_ms=at_ms, ms=200)
    placed_spans = placed(2, request, answer)
    assert placed_spans.start_us == starts_ms * 1_000
    assert placed_spans.shift_us == (starts_ms - at_ms) * 1_000


def test_all_that_a_service_did_moves_with_it():
    """A query moves with the answer it belongs to; a queued job may come later and does not."""
    request = span(1, at_ms=1_000, ms=500, op="http.client")
    answer = served(2, 1, at_ms=0, ms=200)
    query = span(3, 2, at_ms=50, ms=10, op="db", project_id=answer.project_id)
    job = served(4, 2, at_ms=700_000, op="queue.process")
    spans = (request, answer, query, job)
    assert placed(3, *spans).start_us == 1_200_000
    assert placed(4, *spans).shift_us == 0


def test_an_answer_longer_than_its_request_begins_with_it():
    """The app stopped waiting before the server was done."""
    request = span(1, at_ms=1_000, ms=100, op="http.client")
    assert placed(2, request, served(2, 1, at_ms=0, ms=900)).start_us == 1_000_000


def test_spans_that_two_projects_hold_stand_twice_and_no_more():
    """A collector that sends to two projects does not double the rows with every level."""
    chain = [span(number, number - 1 or None, at_ms=number) for number in range(1, 41)]
    assert len(lay_out(*chain, *chain)) == 80
