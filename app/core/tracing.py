"""Spans of this process's own work, for an OpenTelemetry collector of the operator.

    page or batch ─► span() ─► statements and storage: child_span(), note_statement()
                                    └─► a thread of the SDK ─► OTLP over HTTP

The standard variables switch it on: `OTEL_EXPORTER_OTLP_ENDPOINT`, `…_TRACES_ENDPOINT`, or
`OTEL_TRACES_EXPORTER=otlp`. Until then nothing of OpenTelemetry is imported, and a span costs a
function call. Spans have names of routes, texts of statements without their values, counts and
kinds of errors; never an address, a body, a message of an error, or anything that people sent.
"""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Final, Literal, Protocol

from app.core import clock, log

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.trace import Span, Tracer

SpanValues = Mapping[str, str | int | float | bool]
SpanRole = Literal["server", "internal", "client"]

_STOP_S: Final = 5.0
"""The longest time for which a stopping process waits for a collector that does not answer."""
_STATEMENT_CHARS: Final = 2_000

_logger: Final = log.get_logger("core.tracing")


class OpenSpan(Protocol):
    """A span that is open, or stands for one while nothing is traced."""

    def set_values(self, values: SpanValues) -> None:
        """Add values that are known only now."""

    def rename(self, name: str) -> None:
        """Give the span another name."""


class _NoSpan:
    """Stands for a span while nothing is traced."""

    def set_values(self, values: SpanValues) -> None:
        """Do nothing."""

    def rename(self, name: str) -> None:
        """Do nothing."""


class _RecordedSpan:
    """A span of the SDK."""

    def __init__(self, span: "Span") -> None:
        self._span = span

    def set_values(self, values: SpanValues) -> None:
        self._span.set_attributes(dict(values))

    def rename(self, name: str) -> None:
        self._span.update_name(name)


_NO_SPAN: Final = nullcontext[OpenSpan](_NoSpan())
_provider: "TracerProvider | None" = None
_tracer: "Tracer | None" = None


def is_wanted(environment: Mapping[str, str]) -> bool:
    """Tell whether the standard variables ask for spans.

    Source: OpenTelemetry specification, "Environment Variable Specification".
    """
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or exporter == "none":
        return False
    return exporter == "otlp" or bool(
        environment.get("OTEL_EXPORTER_OTLP_ENDPOINT")
        or environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    )


def start_tracing(version: str) -> None:
    """Begin to record spans, if the environment asks for them; call it once in a process.

    Args:
        version: The release that runs, for the spans' resource.
    """
    if not is_wanted(os.environ):
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - only if wanted
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - as above
    except ImportError:
        _logger.error(  # noqa: TRY400 - the message says all
            "spans are asked for and cannot be sent; install playhead[otel]"
        )
        return
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get(
        "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"
    )
    if protocol != "http/protobuf":
        _logger.warning("spans are sent as http/protobuf", asked_for=log.shown(protocol))
    start_recording(BatchSpanProcessor(OTLPSpanExporter()), version)


def start_recording(processor: "SpanProcessor", version: str) -> None:
    """Begin to record spans and hand them to a processor."""
    global _provider, _tracer  # noqa: PLW0603 - one for a process, as the SDK's own
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - only if wanted
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - only if wanted

    values: dict[str, str | int] = {"service.version": version, "process.pid": os.getpid()}
    named = os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    if not os.environ.get("OTEL_SERVICE_NAME") and "service.name=" not in named:
        values["service.name"] = "playhead"
    _provider = TracerProvider(resource=Resource.create({**values}))
    _provider.add_span_processor(processor)
    _tracer = _provider.get_tracer("playhead", version)


def stop_tracing() -> None:
    """Send what is left, for at most five seconds, and record nothing more."""
    global _provider, _tracer
    provider, _provider, _tracer = _provider, None, None
    if provider is not None:
        # In a thread that may stay behind: the exporter tries for long if nobody answers.
        stopping = threading.Thread(target=provider.shutdown, daemon=True)
        stopping.start()
        stopping.join(_STOP_S)


def span(
    name: str,
    values: SpanValues | None = None,
    *,
    role: SpanRole = "internal",
    is_left_out: bool = False,
) -> AbstractContextManager[OpenSpan]:
    """Open a span around a block; it is a child of the one that is open here, if there is one.

    Args:
        name: The name of the operation; a constant, without ids.
        values: The facts about it, by the names of OpenTelemetry's semantic conventions.
        role: The role of the span: it answers a request, asks another server, or neither.
        is_left_out: True if nothing is to be recorded.
    """
    if _tracer is None or is_left_out:
        return _NO_SPAN
    return _record_span(_tracer, name, values or {}, role)


def child_span(
    name: str, values: SpanValues | None = None, *, role: SpanRole = "client"
) -> AbstractContextManager[OpenSpan]:
    """Open a span if there is one around it: work in the background has no spans of its own."""
    if _tracer is None or not _is_traced():
        return _NO_SPAN
    return _record_span(_tracer, name, values or {}, role)


def note_statement(text: str, took_s: float, failure: BaseException | None = None) -> None:
    """Record a statement of the database that ends now, if a span is open.

    Args:
        text: The statement, with placeholders in place of values.
        took_s: The time that it took, in seconds.
        failure: The error that it raised, of which only the kind is recorded.
    """
    if _tracer is None or not _is_traced():
        return
    from opentelemetry.trace import SpanKind, StatusCode  # noqa: PLC0415 - only if wanted

    ended_ns = clock.now_ns()
    verb = text.split(maxsplit=1)[0].upper() if text.strip() else "STATEMENT"
    statement = _tracer.start_span(
        verb,
        kind=SpanKind.CLIENT,
        start_time=ended_ns - int(took_s * 1e9),
        attributes={
            "db.system.name": "postgresql",
            "db.operation.name": verb,
            "db.query.text": " ".join(text.split())[:_STATEMENT_CHARS],
        },
    )
    if failure is not None:
        statement.set_attribute("error.type", type(failure).__name__)
        statement.set_status(StatusCode.ERROR)
    statement.end(ended_ns)


def is_on() -> bool:
    """Tell whether spans are recorded."""
    return _tracer is not None


@contextmanager
def _record_span(
    tracer: "Tracer", name: str, values: SpanValues, role: SpanRole
) -> Iterator[OpenSpan]:
    from opentelemetry.trace import SpanKind, StatusCode  # noqa: PLC0415 - only if wanted

    # The message of an error may quote what was sent, so the SDK must not record it.
    with tracer.start_as_current_span(
        name,
        kind=SpanKind[role.upper()],
        attributes=dict(values),
        record_exception=False,
        set_status_on_exception=False,
    ) as recorded:
        try:
            yield _RecordedSpan(recorded)
        except BaseException as error:
            recorded.set_attribute("error.type", type(error).__name__)
            recorded.set_status(StatusCode.ERROR)
            raise


def _is_traced() -> bool:
    from opentelemetry.trace import get_current_span  # noqa: PLC0415 - only if wanted

    return get_current_span().get_span_context().is_valid
