"""The endpoint of OpenTelemetry: bytes go in by HTTP, spans and errors are in the database."""

import gzip
import json

import pytest
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no types published
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from sqlalchemy import text

from app.core.ids import SpanId, TraceId
from app.traces import queries
from tests.support.builders import otlp

pytestmark = pytest.mark.asyncio(loop_scope="session")
PROTOBUF = {"content-type": "application/x-protobuf"}


def request_body(span_id: int = 1) -> bytes:
    """Return a good request with one span, in protobuf."""
    body: bytes = otlp.request(otlp.span(span_id)).SerializeToString()
    return body


def exporter_headers(server, **more: str) -> dict[str, str]:
    """Return the headers that an exporter is configured to send."""
    return {**PROTOBUF, "x-sentry-auth": f"sentry sentry_key={server.backend.key}", **more}


async def read_spans(server) -> list[tuple[str, str | None, str | None]]:
    """Return id, operation and service of the spans of the backend's project."""
    trace_id, project_ids = TraceId(otlp.TRACE_ID), [server.backend.id]
    async with server.database.reading() as connection:
        trace_spans = await queries.read_spans_of_trace(connection, trace_id, project_ids)
    return sorted((span.span_id, span.op, span.service) for span in trace_spans.spans)


@pytest.mark.parametrize("path", ["otlp/v1/traces", "integration/otlp/v1/traces/"])
async def test_spans_are_kept_through_every_address(tenant, path):
    """A key in the header is enough, and the answer in protobuf says that nothing is missing."""
    url = f"/api/{tenant.backend.id}/{path}"
    answer = await tenant.sender.post(url, content=request_body(), headers=exporter_headers(tenant))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-protobuf")
    assert not ExportTraceServiceResponse.FromString(answer.content).HasField("partial_success")
    await tenant.settled()
    assert await read_spans(tenant) == [("0000000000000001", "server", "shop-api")]
    await tenant.outcomes_reach({("span", "kept", ""): 1}, tenant.backend)


async def test_gzipped_json_with_a_key_in_the_query_is_accepted(tenant):
    """Exporters that speak JSON send this form."""
    answer = await tenant.sender.post(
        f"/api/{tenant.backend.id}/otlp/v1/traces?sentry_key={tenant.backend.key}",
        content=gzip.compress(otlp.as_json(otlp.request(otlp.span(7)))),
        headers={"content-type": "application/json; charset=utf-8", "content-encoding": "gzip"},
    )
    assert (answer.status_code, answer.json()) == (200, {})
    await tenant.settled()
    assert await read_spans(tenant) == [("0000000000000007", "server", "shop-api")]


async def test_a_request_that_is_kept_in_part_says_so(tenant):
    """The answer has the number of spans that are not kept, and these count as refused."""
    url = f"/api/{tenant.backend.id}/otlp/v1/traces"
    body = otlp.request(otlp.span(1), otlp.span(2, trace_id=b"")).SerializeToString()
    answer = await tenant.sender.post(url, content=body, headers=exporter_headers(tenant))
    partial_success = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, partial_success.rejected_spans) == (200, 1)
    assert "cannot be kept" in partial_success.error_message
    as_json = otlp.as_json(otlp.request(otlp.span(2, trace_id=b"")))
    headers = {**exporter_headers(tenant), "content-type": "application/json"}
    answer = await tenant.sender.post(url, content=as_json, headers=headers)
    assert answer.json()["partialSuccess"]["rejectedSpans"] == "1"
    await tenant.outcomes_reach(
        {("span", "kept", ""): 1, ("span", "refused", "malformed"): 2}, tenant.backend
    )


async def test_a_malformed_request_is_refused_in_the_form_it_came_in(tenant):
    """The answer is a status in protobuf or in JSON, and an outcome is counted."""
    url = f"/api/{tenant.backend.id}/otlp/v1/traces"
    answer = await tenant.sender.post(url, content=b"\x0a\x7f", headers=exporter_headers(tenant))
    assert answer.status_code == 400
    assert "claims 127 bytes" in Status.FromString(answer.content).message
    headers = {**exporter_headers(tenant), "content-type": "application/json"}
    answer = await tenant.sender.post(url, content=b"[]", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, 3)
    await tenant.outcomes_reach(
        {("otlp", "refused", "malformed"): 1, ("otlp_json", "refused", "malformed"): 1},
        tenant.backend,
    )


async def test_a_large_resource_with_many_spans_is_refused(tenant):
    """A megabyte would become a gigabyte, since every span repeats the resource."""
    large = {f"part{number}": "x" * 15_000 for number in range(64)}
    request = otlp.request(*(otlp.span(number + 1) for number in range(1_000)), resource=large)
    answer = await tenant.sender.post(
        f"/api/{tenant.backend.id}/otlp/v1/traces",
        content=request.SerializeToString(),
        headers=exporter_headers(tenant),
    )
    assert answer.status_code == 413
    assert "too large a resource with every span" in Status.FromString(answer.content).message
    await tenant.outcomes_reach({("otlp", "refused", "too_large"): 1}, tenant.backend)


async def test_spans_without_a_key_of_their_project_are_refused(tenant):
    """No key gets 401 and the key of another project 403, as at every endpoint."""
    url = f"/api/{tenant.app.id}/otlp/v1/traces"
    answer = await tenant.sender.post(url, content=request_body(), headers=PROTOBUF)
    assert answer.status_code == 401
    answer = await tenant.sender.post(url, content=request_body(), headers=exporter_headers(tenant))
    assert answer.status_code == 403


async def test_an_empty_request_of_an_exporter_is_accepted(tenant):
    """Exporters send one to see whether the address is right."""
    url = f"/api/{tenant.backend.id}/otlp/v1/traces"
    answer = await tenant.sender.post(url, content=b"", headers=exporter_headers(tenant))
    assert (answer.status_code, answer.content) == (200, b"")


async def test_exceptions_of_spans_become_events_and_secrets_are_filtered(tenant):
    """The event is linked to its span, and no attribute of the span has the password."""
    body = otlp.request(
        otlp.span(
            attributes={"password": "hunter2hunter2"},
            events=[otlp.exception("shop.Declined", "no card", otlp.JAVA_STACK)],
        )
    ).SerializeToString()
    url = f"/api/{tenant.backend.id}/otlp/v1/traces"
    await tenant.sender.post(url, content=body, headers=exporter_headers(tenant))
    await tenant.settled()
    async with tenant.database.reading() as connection:
        event = (
            await connection.execute(
                text("select exception_type, trace_id, span_id from events where project_id = :id"),
                {"id": tenant.backend.id},
            )
        ).one()
        data = await queries.find_span_data(
            connection, TraceId(otlp.TRACE_ID), SpanId("0" * 15 + "1"), [tenant.backend.id]
        )
    assert (event.exception_type, event.trace_id.hex) == ("shop.Declined", otlp.TRACE_ID)
    assert event.span_id == "0000000000000001"
    assert json.dumps(data).count("hunter2") == 0
