"""Today's OpenTelemetry SDK for Python, unmodified, exports to a running server."""

import asyncio
import logging

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from sqlalchemy import text

from app.core.ids import TraceId
from app.traces import queries

TRACE_ID = "5b1c0f4e9a7d4c3e8f20716d3b9a4c55"


def run_service(endpoint: str, headers: dict[str, str]) -> None:
    """Serve one request of a mobile app that passed its trace context on, and fail."""
    provider = TracerProvider(resource=Resource({"service.name": "bank", "service.version": "3"}))
    exporter = OTLPSpanExporter(endpoint, headers=headers, compression=Compression.Gzip, timeout=20)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("bank.web")
    context = extract({"traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01"})
    try:
        with (
            tracer.start_as_current_span("POST /pay", context=context),
            tracer.start_as_current_span("charge"),
        ):
            raise ValueError("no card given")  # noqa: TRY301 - that is what a service does
    except ValueError:
        pass
    provider.shutdown()


async def test_spans_and_their_exception_arrive_in_the_trace_of_the_app(server, caplog):
    """Gzipped spans and their exception are kept in the trace that the app began."""
    endpoint = f"{server.base_url}/api/{server.backend.id}/otlp/v1/traces"
    headers = {"x-sentry-auth": f"sentry sentry_key={server.backend.key}"}
    with caplog.at_level(logging.WARNING):
        await asyncio.to_thread(run_service, endpoint, headers)
    assert caplog.records == []
    await server.settled()
    counts = await server.outcomes(server.backend)
    assert counts == {("span", "kept", ""): 2, ("event", "kept", ""): 1}
    async with server.database.reading() as connection:
        spans = await queries.read_spans_of_trace(
            connection, TraceId(TRACE_ID), [server.backend.id]
        )
        event = (
            await connection.execute(text("select title, culprit, trace_id, span_id from events"))
        ).one()
    root, child = spans.spans
    assert root.trace_id == child.trace_id == event.trace_id.hex == TRACE_ID
    assert (root.parent_span_id, root.is_segment, root.service) == (
        "00f067aa0ba902b7", True, "bank",
    )  # fmt: skip
    assert (child.parent_span_id, child.is_segment) == (root.span_id, False)
    assert (root.status, event.span_id) == ("error", child.span_id)
    assert "ValueError" in event.title
