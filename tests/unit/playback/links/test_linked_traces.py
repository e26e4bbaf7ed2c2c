"""Tests of traces with their errors: sides, marks, clocks, names."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from app.issues.events.trace_events import TracedEvent
from app.playback.links import linked_traces as traces
from app.playback.links.linked_traces import Trace
from app.traces.model import StoredSpan
from tests.support.builders.spans import API, APP, START, TRACE, event, served, span


def read(
    *spans: StoredSpan,
    events: Sequence[TracedEvent] = (),
    home: int | None = APP,
) -> Trace:
    """Lay a trace out on the clock of a replay that began at `START`."""

    def place(at: datetime, drift_ms: int, _side: str) -> int:
        return (at - START + timedelta(milliseconds=drift_ms)) // timedelta(microseconds=1)

    around = traces._TraceAxis(place, home)  # type: ignore[arg-type]  # an id
    return traces._lay_out_trace(TRACE, spans, events, around, is_cut=False)


def sides(trace: Trace) -> list[str]:
    """Return the side of each row."""
    return [row.side for row in trace.rows]


def test_another_project_is_a_backend_and_so_is_what_it_calls():
    """In the traces of a replay, the replay's own project is the app."""
    app, request = span(1), span(2, 1, op="http.client")
    answer = served(3, 2)
    query = span(4, 3, project_id=API, op="db")
    assert sides(read(app, request, answer, query)) == ["app", "app", "backend", "backend"]


def test_a_service_in_the_same_project_is_told_by_its_platform_its_name_or_its_work():
    """A span that does not tell its side has the side of its parent."""
    of_python = span(1, platform="python")
    assert sides(read(of_python, span(2, 1))) == ["backend", "backend"]
    assert sides(read(span(1, platform="java"))) == ["app"]
    assert sides(read(span(1, op="http.server"), span(2, 1))) == ["backend", "backend"]
    assert sides(read(span(1, service="bank"), home=None)) == ["backend"]
    assert sides(read(span(1))) == ["app"]


def test_an_error_stands_on_its_span_at_the_corrected_time():
    """An error whose span is not here stands beside the spans."""
    request = span(1, at_ms=1_000, ms=500, op="http.client")
    answer = served(2, 1, at_ms=-9_000, ms=200)
    trace = read(
        request, answer, events=[event(2, at_ms=-8_900), event(9), event(None, at_ms=1_300)]
    )
    (marked,) = trace.rows[1].errors
    assert (marked.at_us, marked.side) == (1_250_000, "backend")
    assert [error.at_us for error in trace.without_span] == [1_200_000, 1_300_000]
    assert trace.errors == 3
    ((project_id, shift_us),) = [
        (shifted_clock.project_id, shifted_clock.shift_us) for shifted_clock in trace.clocks
    ]
    assert (project_id, shift_us) == (API, 10_150_000)


def test_slow_spans_are_marked():
    """A database query of 600 ms is slow, and one of 400 ms is not."""
    trace = read(span(1, op="db", ms=600), span(2, op="db", ms=400))
    assert [row.slow.what if row.slow else None for row in trace.rows] == ["query", None]


def test_a_trace_is_named_after_its_first_transaction():
    """A trace without a transaction has the name of its first span, or else its first error."""
    assert read(span(1, at_ms=0), served(2, description="/pay")).name == "/pay"
    assert read(span(1)).name == "step 1"
    assert read(events=[event(None)]).name == "PaymentError: no card"
