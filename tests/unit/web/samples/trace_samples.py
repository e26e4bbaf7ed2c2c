"""Made-up traces: a waterfall with errors, slow and open spans."""

from dataclasses import replace

from app.core.ids import SpanId
from app.web.urls import replay_urls
from app.web.words.parts import ListPart
from app.web.words.trace import trace_rows
from tests.unit.web.samples.made_up import NOW, PROJECT, REPLAY, TRACE

_ERROR_MARK = trace_rows.SpanErrorMark("PaymentError", "backend", "error", "#error-1", 7000, "12%")


def trace_span(number: int, depth: int, **changes) -> trace_rows.SpanRow:
    """Make a span of a backend."""
    row = trace_rows.SpanRow(
        SpanId(f"{number:016x}"), "/span", 6900 + number, 400,
        "400 ms", "120 ms", depth, 1, "http.server", "/pay", "ok", has_failed=False,
        service="Cartwheel API", is_backend=True, is_transaction=depth == 0,
        is_parent_missing=False, slow=None, errors=(), x="10%", wide="20%",
    )  # fmt: skip
    return replace(row, **changes)


TRACES = (
    trace_rows.TraceBlock(
        TRACE, f"/traces/{TRACE}", "CheckoutActivity", 6900, 900, 503, 2, 1, ("App", "API"),
        (trace_span(0, 0, is_backend=False, slow="slow request: 2 s or more"),
         trace_span(1, 1, has_failed=True, status="internal error", errors=(_ERROR_MARK,)),
         trace_span(2, 12, duration_ms=None, took="open", self_time=None, is_parent_missing=True)),
        (replace(_ERROR_MARK, href=None),), 3,
        ("Times of API are shown 3 s later, because its clock was behind.",), ("0 ms", "450 ms"),
        f"/traces/{TRACE}?from=3", 500,
    ),
)  # fmt: skip

TRACE_PAGE = trace_rows.TracePage(
    replace(TRACES[0], more_href="/trace, the rest"),
    NOW,
    (trace_rows.ReplayLink(replay_urls.replay(PROJECT, REPLAY), "Cartwheel Android", NOW),),
    None,
    (("query", "500 ms"),),
    parts=(
        ListPart(
            "Showing spans 10,001 to 20,000 of about 30,000.", "Next spans", "/trace, the rest"
        ),
        ListPart("Showing errors 1,001 to 1,103 of 1,103.", None, None),
    ),
)
