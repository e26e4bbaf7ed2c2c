"""The endpoint of OpenTelemetry: bytes go in by HTTP, spans and errors are in the database."""

import gzip
import json

import pytest
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no types published
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from sqlalchemy import text

from app.core.ids import SpanId, TraceId
from app.traces import queries
from tests.support.builders import otlp as made

pytestmark = pytest.mark.asyncio(loop_scope="session")
PROTOBUF = {"content-type": "application/x-protobuf"}


def good(span_id: int = 1) -> bytes:
    """Return one good request in protobuf."""
    body: bytes = made.request(made.span(span_id)).SerializeToString()
    return body


def keyed(server, **more: str) -> dict[str, str]:
    """Return the headers that an exporter is told to send."""
    return {**PROTOBUF, "x-sentry-auth": f"sentry sentry_key={server.backend.key}", **more}


async def stored(server) -> list[tuple[str, str | None, str | None]]:
    """Return what is known of the spans of the backend project."""
    trace_id, project_ids = TraceId(made.TRACE_ID), [server.backend.id]
    async with server.database.reading() as connection:
        found = await queries.read_spans_of_trace(connection, trace_id, project_ids)
    return sorted((one.span_id, one.op, one.service) for one in found.spans)


@pytest.mark.parametrize("path", ["otlp/v1/traces", "integration/otlp/v1/traces/"])
async def test_spans_are_kept_through_every_address(tenant, path):
    """By a key in the header, and with an answer in protobuf that says nothing is missing."""
    url = f"/api/{tenant.backend.id}/{path}"
    answer = await tenant.sender.post(url, content=good(), headers=keyed(tenant))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-protobuf")
    assert not ExportTraceServiceResponse.FromString(answer.content).HasField("partial_success")
    await tenant.settled()
    assert await stored(tenant) == [("0000000000000001", "server", "shop-api")]
    await tenant.outcomes_reach({("span", "kept", ""): 1}, tenant.backend)


async def test_json_packed_with_gzip_and_a_key_in_the_query_is_taken(tenant):
    """The form of exporters that speak JSON."""
    answer = await tenant.sender.post(
        f"/api/{tenant.backend.id}/otlp/v1/traces?sentry_key={tenant.backend.key}",
        content=gzip.compress(made.as_json(made.request(made.span(7)))),
        headers={"content-type": "application/json; charset=utf-8", "content-encoding": "gzip"},
    )
    assert (answer.status_code, answer.json()) == (200, {})
    await tenant.settled()
    assert await stored(tenant) == [("0000000000000007", "server", "shop-api")]


async def test_a_request_that_is_kept_in_part_says_so(tenant):
    """With the number of spans that are not, which end as refused."""
    url = f"/api/{tenant.backend.id}/otlp/v1/traces"
    body = made.request(made.span(1), made.span(2, trace_id=b"")).SerializeToString()
    answer = await tenant.sender.post(url, content=body, headers=keyed(tenant))
    part = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, part.rejected_spans) == (200, 1)
    assert "cannot be kept" in part.error_message
    as_json = made.as_json(made.request(made.span(2, trace_id=b"")))
    headers = {**keyed(tenant), "content-type": "application/json"}
    answer = await tenant.sender.post(url, content=as_json, headers=headers)
    assert answer.json()["partialSuccess"]["rejectedSpans"] == "1"
    await tenant.outcomes_reach(
        {("span", "kept", ""): 1, ("span", "refused", "malformed"): 2}, tenant.backend
    )


async def test_what_cannot_be_kept_is_refused_in_the_form_it_came_in(tenant):
    """A status in protobuf or JSON, and an outcome."""
    url = f"/api/{tenant.backend.id}/otlp/v1/traces"
    answer = await tenant.sender.post(url, content=b"\x0a\x7f", headers=keyed(tenant))
    assert answer.status_code == 400
    assert "claims 127 bytes" in Status.FromString(answer.content).message
    headers = {**keyed(tenant), "content-type": "application/json"}
    answer = await tenant.sender.post(url, content=b"[]", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, 3)
    await tenant.outcomes_reach(
        {("otlp", "refused", "malformed"): 1, ("otlp_json", "refused", "malformed"): 1},
        tenant.backend,
    )


async def test_a_large_resource_with_many_spans_is_refused(tenant):
    """A megabyte would become a gigabyte, since every span repeats the resource."""
    large = {f"part{number}": "x" * 15_000 for number in range(64)}
    sent = made.request(*(made.span(number + 1) for number in range(1_000)), resource=large)
    answer = await tenant.sender.post(
        f"/api/{tenant.backend.id}/otlp/v1/traces",
        content=sent.SerializeToString(),
        headers=keyed(tenant),
    )
    assert answer.status_code == 413
    assert "too large a resource with every span" in Status.FromString(answer.content).message
    await tenant.outcomes_reach({("otlp", "refused", "too_large"): 1}, tenant.backend)


async def test_no_key_and_a_key_of_another_project_are_refused(tenant):
    """As at every door."""
    url = f"/api/{tenant.app.id}/otlp/v1/traces"
    answer = await tenant.sender.post(url, content=good(), headers=PROTOBUF)
    assert answer.status_code == 401
    answer = await tenant.sender.post(url, content=good(), headers=keyed(tenant))
    assert answer.status_code == 403


async def test_an_empty_request_is_fine(tenant):
    """Exporters send one to see whether the address is right."""
    url = f"/api/{tenant.backend.id}/otlp/v1/traces"
    answer = await tenant.sender.post(url, content=b"", headers=keyed(tenant))
    assert (answer.status_code, answer.content) == (200, b"")


async def test_exceptions_and_secrets_are_treated_as_those_of_sdks(tenant):
    """An event with its stack, linked to its span; a password in an attribute is filtered."""
    body = made.request(
        made.span(
            attributes={"password": "hunter2hunter2"},
            events=[made.exception("shop.Declined", "no card", made.JAVA_STACK)],
        )
    ).SerializeToString()
    url = f"/api/{tenant.backend.id}/otlp/v1/traces"
    await tenant.sender.post(url, content=body, headers=keyed(tenant))
    await tenant.settled()
    async with tenant.database.reading() as connection:
        event = (
            await connection.execute(
                text("select exception_type, trace_id, span_id from events where project_id = :id"),
                {"id": tenant.backend.id},
            )
        ).one()
        data = await queries.find_span_data(
            connection, TraceId(made.TRACE_ID), SpanId("0" * 15 + "1"), [tenant.backend.id]
        )
    assert (event.exception_type, event.trace_id.hex) == ("shop.Declined", made.TRACE_ID)
    assert event.span_id == "0000000000000001"
    assert json.dumps(data).count("hunter2") == 0
