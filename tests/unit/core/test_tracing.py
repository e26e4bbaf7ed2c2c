"""Spans of our own work: switched on by the standard variables, and sent by OTLP."""

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import override

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app.core import tracing

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture(autouse=True)
def no_tracing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a test begin without variables of OpenTelemetry, and end without spans."""
    for name in (ENDPOINT, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER"):
        monkeypatch.delenv(name, raising=False)
    yield
    tracing.stop_tracing()


@pytest.mark.parametrize(
    ("environment", "is_wanted"),
    [
        ({}, False),
        ({ENDPOINT: "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", ENDPOINT: "http://127.0.0.1:4318"}, False),
        ({"OTEL_SDK_DISABLED": "true", ENDPOINT: "http://127.0.0.1:4318"}, False),
        ({"OTEL_SERVICE_NAME": "replays"}, False),
    ],
)
def test_standard_variables_ask_for_spans(environment: Mapping[str, str], is_wanted: bool):
    """An endpoint or an exporter switches spans on; `none` and the switch of the SDK do not."""
    assert tracing.is_wanted(environment) is is_wanted


def test_nothing_is_imported_unless_spans_are_wanted():
    """A server without such variables never loads the SDK; FastAPI loads the API if it is there."""
    program = (
        "import sys, app.main; from app.core import tracing\n"
        "tracing.start_tracing('1')\n"
        "with tracing.span('a'), tracing.child_span('b'): tracing.note_statement('select 1', 0.1)\n"
        "unwanted = ('opentelemetry.sdk', 'opentelemetry.exporter')\n"
        "print([name for name in sys.modules if name.startswith(unwanted)])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == b"[]\n", done.stdout


def test_spans_are_nested_and_name_the_kind_of_an_error_only():
    """A statement belongs to the span around it; what an error says is not recorded."""
    exporter = InMemorySpanExporter()
    tracing.start_recording(SimpleSpanProcessor(exporter), "1.2.3")
    with tracing.child_span("storage put"):
        pass  # nothing is around it
    tracing.note_statement("select 1", 0.1)

    def fail() -> None:
        with tracing.span("digest batch", {"playhead.envelopes": 3}):
            with tracing.child_span("storage put"):
                pass
            tracing.note_statement("insert into a\n  values ($1)", 0.25, KeyError("secret"))
            raise ValueError("a secret")

    with pytest.raises(ValueError, match="secret"):
        fail()
    put, statement, batch = exporter.get_finished_spans()
    assert [put.name, statement.name, batch.name] == ["storage put", "INSERT", "digest batch"]
    assert batch.parent is None
    for child in (put, statement):
        assert child.parent is not None
        assert child.parent.span_id == batch.context.span_id
    assert statement.attributes == {
        "db.system.name": "postgresql",
        "db.operation.name": "INSERT",
        "db.query.text": "insert into a values ($1)",
        "error.type": "KeyError",
    }
    assert statement.end_time is not None
    assert statement.start_time is not None
    assert statement.end_time - statement.start_time == 250_000_000
    assert batch.attributes == {"playhead.envelopes": 3, "error.type": "ValueError"}
    assert not any("secret" in each.to_json() for each in (put, statement, batch))


def test_spans_are_sent_to_the_collector(monkeypatch: pytest.MonkeyPatch):
    """The exporter of the SDK sends what is left when the process ends, under our name."""
    received: list[tuple[str, bytes]] = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        @override
        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Collector) as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        monkeypatch.setenv(ENDPOINT, f"http://127.0.0.1:{collector.server_port}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        tracing.start_tracing("1.2.3")
        with tracing.span("digest batch"):
            pass
        tracing.stop_tracing()
        collector.shutdown()
    ((path, body),) = received
    assert path == "/v1/traces"
    (resource,) = ExportTraceServiceRequest.FromString(body).resource_spans
    values = {each.key: each.value.string_value for each in resource.resource.attributes}
    assert values["service.name"] == "playhead"
    assert values["service.version"] == "1.2.3"
    assert resource.scope_spans[0].spans[0].name == "digest batch"


def test_a_collector_that_does_not_answer_holds_nothing_up(monkeypatch: pytest.MonkeyPatch):
    """The end of the process waits for a bounded time only."""
    has_ended = threading.Event()

    class PatientProcessor(SpanProcessor):
        @override
        def shutdown(self) -> None:
            has_ended.wait()

    monkeypatch.setattr(tracing, "_STOP_S", 0.01)
    tracing.start_recording(PatientProcessor(), "1.2.3")
    with tracing.span("digest batch"):
        pass
    tracing.stop_tracing()
    has_ended.set()
    assert not tracing.is_on()
