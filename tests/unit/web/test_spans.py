"""Tests of traces in words: order, depth, sides, names."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from app.core.ids import EventId, ProjectId, ReplayId, SpanId, TraceId
from app.core.windows import ReplayWindow
from app.playback.links import LinkedTraces
from app.traces.model import StoredSpan, StoredTransaction
from app.web.view import spans
from app.web.view.spans import Surroundings

START = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
APP, API = ProjectId(1), ProjectId(2)
TRACE = TraceId("a" * 32)
TRANSACTION = EventId("b" * 32)
AROUND = Surroundings(
    ReplayWindow(ReplayId("c" * 32), frozenset(), START, START + timedelta(minutes=1), 0),
    APP,
    {APP: "Shop", API: "Shop API"},
    zero_ms=100,
)


def span(number: int, parent: int | None = None, *, at_ms: int = 1_000) -> StoredSpan:
    """Make a span of half a second."""
    return StoredSpan(
        project_id=APP,
        trace_id=TRACE,
        span_id=SpanId(f"{number:016x}"),
        parent_span_id=None if parent is None else SpanId(f"{parent:016x}"),
        transaction_id=None,
        is_segment=False,
        started_at=START + timedelta(milliseconds=at_ms),
        ended_at=START + timedelta(milliseconds=at_ms + 500),
        drift_ms=0,
        op="http",
        description=f"step {number}",
        status="ok",
        service=None,
        replay_id=None,
    )


def transaction(**changes) -> StoredTransaction:
    """Make the transaction of a backend."""
    made = StoredTransaction(
        APP, TRANSACTION, START, START, 0, "/pay", "http.server", "internal_error", "python",
        TRACE, None, 1,
    )  # fmt: skip
    return replace(made, **changes)


def order(*listed: StoredSpan) -> list[tuple[int, int]]:
    """Return depth and number of each span in tree order."""
    return [(depth, int(one.span_id, 16)) for depth, one in spans.in_tree_order(listed)]


def test_children_follow_their_parents():
    """Brothers by start; a span whose parent is elsewhere stands as a root."""
    root, late, early = span(1), span(2, 1, at_ms=3_000), span(3, 1, at_ms=2_000)
    below, orphan = span(4, 2, at_ms=3_100), span(5, 99, at_ms=4_000)
    found = order(orphan, below, early, late, root)
    assert found == [(0, 1), (1, 3), (1, 2), (2, 4), (0, 5)]


def test_spans_in_a_ring_are_all_shown():
    """A span that is its own parent is a root; two that are each other's come last."""
    assert order(span(1, 1), span(2, 3), span(3, 2)) == [(0, 1), (0, 2), (0, 3)]


def test_a_trace_is_named_after_its_transaction():
    """Its root takes name, status and side from it; times count from the page's zero."""
    root = replace(span(1), transaction_id=TRANSACTION, is_segment=True, status=None)
    (block,) = spans.trace_blocks(LinkedTraces((transaction(),), (root, span(2, 1))), AROUND)
    assert (block.name, block.start_ms, block.duration_ms) == ("/pay", 900, 500)
    first, second = block.spans
    assert (first.is_backend, first.has_failed, first.is_transaction) == (True, True, True)
    assert (second.is_backend, second.has_failed, second.project_name) == (False, False, "Shop")


def test_a_trace_without_transaction_is_named_after_its_first_span():
    """Another project is a backend; its service names itself; an open span has no length."""
    lone = replace(span(1), project_id=API, ended_at=None, service="payments", description=None)
    (block,) = spans.trace_blocks(LinkedTraces((), (lone,)), AROUND)
    assert (block.name, block.duration_ms) == ("http", 0)
    assert (block.spans[0].project_name, block.spans[0].duration_ms) == ("payments", None)
    assert block.spans[0].is_backend


def test_a_long_trace_is_cut_and_says_so():
    """300 spans are shown, the rest are counted."""
    many = tuple(span(number, at_ms=number) for number in range(1, 304))
    (block,) = spans.trace_blocks(LinkedTraces((), many), AROUND)
    assert (len(block.spans), block.hidden_spans) == (300, 3)
