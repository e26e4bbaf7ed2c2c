"""Traces in words: what is shown of how many, bars, notes, lengths."""

import pytest

from app.playback.links.linked_traces import Trace
from app.web.words.trace import spans
from app.web.words.trace.spans import TraceContext
from tests.support.builders.spans import API, APP, event, served, span
from tests.unit.playback.links.test_linked_traces import read

AROUND = TraceContext(
    {APP: "Shop", API: "Shop API"},
    zero_ms=100,
    error_href=lambda error: f"#error-{error.event.event_id}",
    trace_href=lambda trace_id, first: f"/t/{trace_id}?from={first}",
)


def block(trace: Trace, first: int = 0, limit: int = 10):
    """Describe a trace."""
    return spans.describe_trace_part(trace, AROUND, first=first, limit=limit)


def test_a_row_says_what_took_how_long_and_where():
    """Times count from the page's zero, and bars from the start of the trace."""
    request = span(1, at_ms=1_000, ms=400, op="http.client")
    answer = served(2, 1, at_ms=1_100, ms=200, status="internal_error", description="/pay")
    described = block(read(request, answer, events=[event(2, at_ms=1_200)]))
    assert (described.start_ms, described.duration_ms, described.total) == (900, 400, 2)
    assert (described.services, described.errors) == (("Shop", "Shop API"), 1)
    assert described.ticks == ("0 ms", "80 ms", "160 ms", "240 ms", "320 ms")
    first, second = described.spans
    assert (first.took, first.self_time, first.x, first.wide) == ("400 ms", "200 ms", "0%", "100%")
    assert (second.at_ms, second.depth, second.is_backend, second.is_transaction) == (
        1_000, 1, True, True,
    )  # fmt: skip
    assert (second.status, second.has_failed, second.self_time) == ("internal error", True, None)
    assert (second.x, second.wide) == ("25%", "50%")
    (mark,) = second.errors
    assert (mark.x, mark.source, mark.href) == ("50%", "backend", f"#error-{'e' * 32}")


def test_rows_come_in_parts():
    """Each part says where the next begins, the last one does not."""
    trace = read(*(span(number) for number in range(1, 6)))
    part = block(trace, first=0, limit=2)
    assert (len(part.spans), part.total, part.next_spans) == (2, 5, 3)
    assert part.more_href == f"/t/{trace.trace_id}?from=2"
    assert block(trace, first=4, limit=2).more_href is None
    assert block(trace, first=9, limit=2).spans == ()


def test_a_replay_shows_the_first_spans_of_its_traces():
    """About 500 spans are shown in all; later traces show none until they are asked for."""
    trace = read(*(span(number) for number in range(1, 301)))
    described = spans.describe_replay_traces([trace] * 7, AROUND)
    assert [len(trace_block.spans) for trace_block in described] == [100, 100, 100, 100, 100, 0, 0]
    assert all(trace_block.more_href for trace_block in described)


def test_what_was_done_is_said():
    """Notes tell which clocks were moved and which parents are missing."""
    request = span(1, at_ms=1_000, ms=500, op="http.client")
    trace = read(request, served(2, 1, at_ms=-2_000, ms=500), span(3, 99))
    clock, parent = block(trace).notes
    assert clock.startswith("Times of Shop API are shown 3 s later, because its clock was behind")
    assert parent.startswith("The parent of 1 span is not here")


@pytest.mark.parametrize(
    ("us", "words"),
    [(0, "0 ms"), (40, "0 ms"), (140, "0.1 ms"), (999, "1.0 ms"), (1_400, "1 ms"), (5e6, "5 s")],
)
def test_short_lengths_are_told_in_tenths(us, words):
    """A query takes less than a millisecond."""
    assert spans.format_us(int(us)) == words


def test_what_a_span_says_of_itself_is_shown_by_name():
    """Lists and maps are shown as JSON, and empty values are left out."""
    data = {"b": [1, {"c": None}], "a": 7, "empty": "", "none": None}
    assert spans.list_span_data(data) == (("a", "7"), ("b", '[1,{"c":null}]'))


def test_the_rules_are_shown_as_they_are():
    """The page lists the thresholds that mark spans as slow."""
    assert ("query", "500 ms") in spans.list_slow_rules()
    assert spans.list_slow_rules()[-1][1] == "1 s"
