"""Spans of pages, digest and queries say how long things take, and nothing of what people sent."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app.core import tracing
from app.core.ids import ReplayId
from app.web.urls import account_urls, list_urls, replay_urls
from tests.support.builders import envelopes
from tests.support.builders.wire import REPLAY_ID
from tests.support.servers.server import Server

WORD = "zanzibar4711"


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    """Record spans in memory until the test ends."""
    recorded = InMemorySpanExporter()
    tracing.start_recording(SimpleSpanProcessor(recorded), "1.2.3")
    yield recorded
    tracing.stop_tracing()


async def test_a_page_and_a_batch_are_traced_down_to_their_statements(
    exporter: InMemorySpanExporter, server: Server
):
    """Each statement and each object belongs to a page or a batch; no value becomes part of it."""
    await server.take(
        envelopes.replay_video_envelope(), envelopes.event_envelope("c" * 32, message=WORD)
    )
    page = replay_urls.replay(server.app.id, ReplayId(REPLAY_ID))
    assert (await server.web.get(page)).status_code == 200
    assert (await server.web.get(list_urls.replays(query=WORD))).status_code == 200
    await server.sender.get(account_urls.sign_in_link(WORD))
    await server.sender.get("/health/ready")
    spans = exporter.get_finished_spans()
    by_id = {span.context.span_id: span for span in spans}

    def find_root(name: str) -> str:
        span = next(span for span in spans if span.name == name)
        while span.parent is not None:
            span = by_id[span.parent.span_id]
        return span.name

    assert find_root("digest store") == "digest batch"
    assert find_root("digest prepare") == "digest batch"
    assert find_root("storage put") == "digest batch"
    roots = {span.name for span in spans if span.parent is None}
    pages = {name for name in roots if name != "digest batch"}
    route = "/projects/{project_id}/replays/{replay_id}"
    assert pages == {f"GET {route}", "GET /replays", "GET /sign-in/{token}"}
    (shown,) = (span for span in spans if span.name == f"GET {route}")
    assert shown.attributes == {
        "http.request.method": "GET",
        "http.route": route,
        "http.response.status_code": 200,
    }
    statements = [span for span in spans if "db.query.text" in (span.attributes or {})]
    inserted = [span for span in statements if span.name == "INSERT"]
    assert inserted, "digest sends its statements past SQLAlchemy, and they are traced as well"
    for span in spans:
        text = span.to_json()
        assert WORD not in text
        assert REPLAY_ID not in text
        assert server.app.key not in text
