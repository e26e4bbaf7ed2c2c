"""Traces as blocks of rows: words, bars and marks for what a waterfall holds."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from app.core import units
from app.core.ids import ProjectId, TraceId
from app.formats import jsonish
from app.formats.events.event import CRASHES, HANGS
from app.formats.jsonish import JsonObject
from app.playback.links.linked_traces import ClockShift, SpanError, Trace, TraceRow
from app.traces import slow
from app.web.urls import replay_urls
from app.web.words import phrases
from app.web.words.panels.problems import KINDS
from app.web.words.trace.trace_rows import SpanErrorMark, SpanRow, TraceBlock

FIRST_SPANS: Final = 100
"""The most spans of one trace on a replay's page; more are loaded as one scrolls."""
MORE_SPANS: Final = 500
"""The most spans of a trace on its own page, and as many again at each scroll to the end."""
_MOST_ON_REPLAY: Final = 500
MOST_TRACES: Final = 100
"""Traces of one replay that are shown at once."""
MOST_WITHOUT_SPAN: Final = 1_000
"""Errors of one trace whose span is not here; no more errors are read at once."""
_WITHOUT_SPAN_ON_REPLAY: Final = 100
_FINE: Final = frozenset({"ok", "unset", "cancelled", "unknown", ""})
_TICKS: Final = 5
_LEAST_WIDE: Final = 0.4
"""Percent of the track that the shortest bar takes."""
_MS: Final = 1_000
_VALUE_CHARS: Final = 4_000
_MOST_DATA: Final = 200


@dataclass(frozen=True, slots=True)
class TraceContext:
    """The names, the clock and the addresses with which a trace is described."""

    project_names: Mapping[ProjectId, str]
    zero_ms: int
    """The time from the zero of the axis to the zero of the page."""
    error_href: Callable[[SpanError], str | None]
    trace_href: Callable[[TraceId, int], str]
    """Returns the address of a trace from a span on."""
    has_span_pages: bool = True
    """True if the reader may open the page of a span."""


def describe_replay_traces(found: Sequence[Trace], context: TraceContext) -> tuple[TraceBlock, ...]:
    """Describe the traces of a replay, the first 100; together they show about 500 spans."""
    blocks: list[TraceBlock] = []
    left = _MOST_ON_REPLAY
    for trace in found[:MOST_TRACES]:
        part = min(FIRST_SPANS, left)
        blocks.append(
            describe_trace_part(
                trace, context, first=0, limit=part, most_without_span=_WITHOUT_SPAN_ON_REPLAY
            )
        )
        left -= len(blocks[-1].spans)
    return tuple(blocks)


def describe_trace_part(
    trace: Trace,
    context: TraceContext,
    *,
    first: int,
    limit: int,
    most_without_span: int = MOST_WITHOUT_SPAN,
) -> TraceBlock:
    """Describe a trace and some of its rows.

    Args:
        trace: Laid out.
        context: The names, the clock and the addresses.
        first: Number of spans to skip.
        limit: The number that is shown.
        most_without_span: The number of shown errors whose span is not here.
    """
    length_us = max(1, trace.end_us - trace.start_us)
    last = first + limit
    total = len(trace.rows)
    without_span = sorted(trace.without_span, key=_weight)
    slow_rows = sum(row.slow is not None for row in trace.rows)
    return TraceBlock(
        trace_id=trace.trace_id,
        href=context.trace_href(trace.trace_id, 0),
        name=trace.name,
        start_ms=trace.start_us // _MS - context.zero_ms,
        duration_ms=length_us // _MS,
        total=total,
        errors=trace.errors,
        slow=slow_rows,
        services=_services(trace, context),
        spans=tuple(describe_span(row, trace, context) for row in trace.rows[first:last]),
        without_span=tuple(
            _mark(error, trace, context) for error in without_span[:most_without_span]
        ),
        hidden_without_span=max(0, len(without_span) - most_without_span),
        notes=tuple(_notes(trace, context)),
        ticks=tuple(format_us(length_us * number // _TICKS) for number in range(_TICKS)),
        more_href=context.trace_href(trace.trace_id, last) if last < total else None,
        next_spans=max(0, min(MORE_SPANS, total - last)),
    )


def _weight(error: SpanError) -> int:
    """Put crashes and hangs first, then backend errors; the rest stays in the order of time."""
    if error.event.kind in CRASHES | HANGS:
        return 0
    return 1 if error.side == "backend" else 2


def format_us(us: int) -> str:
    """Write a length; below a millisecond, in tenths of one."""
    if us < _MS:
        return f"{us / _MS:.1f} ms".replace("0.0 ms", "0 ms")
    return units.format_duration(round(us / _MS))


def list_slow_rules() -> tuple[tuple[str, str], ...]:
    """Write the table of what counts as slow."""
    table = [(rule.what, rule.least_ms) for rule in slow.RULES]
    table.append((f"{slow.STEP.what} of a service, by its own time", slow.STEP.least_ms))
    return tuple((what, units.format_duration(least_ms)) for what, least_ms in table)


def list_span_data(data: JsonObject) -> tuple[tuple[str, str], ...]:
    """Write what a span says of itself, by name; lists and maps as JSON."""
    said = {name: value for name, value in data.items() if value not in (None, "", [], {})}
    return tuple((name, _value(said[name])) for name in sorted(said)[:_MOST_DATA])


def _value(value: object) -> str:
    return jsonish.text_of(value, limit=_VALUE_CHARS) or _json(value)


def _json(value: object) -> str:
    return phrases.shortened(msgspec.json.encode(value).decode(), limit=_VALUE_CHARS)


def describe_span(row: TraceRow, trace: Trace, context: TraceContext) -> SpanRow:
    """Describe one span."""
    placed, span = row.placed, row.placed.span
    duration_us = placed.duration_us
    status = span.status or ""
    has_failed = status.lower() not in _FINE
    return SpanRow(
        span_id=span.span_id,
        href=replay_urls.span(trace.trace_id, span.span_id) if context.has_span_pages else None,
        at_ms=placed.start_us // _MS - context.zero_ms,
        duration_ms=None if duration_us is None else round(duration_us / _MS),
        took="open" if duration_us is None else format_us(duration_us),
        self_time=format_us(placed.self_us) if 0 < placed.self_us < (duration_us or 0) else None,
        depth=placed.depth,
        children=placed.children,
        op=span.op or "span",
        description=span.description or span.op or "unnamed",
        status=status.replace("_", " ") or None,
        has_failed=has_failed,
        service=_service(span.project_id, span.service, context),
        is_backend=row.side == "backend",
        is_transaction=span.is_segment,
        is_parent_missing=placed.parent == "missing",
        slow=_slow(row.slow),
        errors=tuple(_mark(error, trace, context) for error in row.errors),
        x=_percent(placed.start_us - trace.start_us, trace),
        wide=_percent(duration_us or 0, trace, least=_LEAST_WIDE),
    )


def _slow(rule: slow.SlowRule | None) -> str | None:
    if rule is None:
        return None
    return f"slow {rule.what}: {units.format_duration(rule.least_ms)} or more"


def _mark(one: SpanError, trace: Trace, context: TraceContext) -> SpanErrorMark:
    return SpanErrorMark(
        title=one.event.title,
        source=one.side,
        kind=KINDS.get(one.event.kind, "error"),
        href=context.error_href(one),
        at_ms=one.at_us // _MS - context.zero_ms,
        x=_percent(one.at_us - trace.start_us, trace),
    )


def _notes(trace: Trace, context: TraceContext) -> Iterable[str]:
    """Say what was done to clocks, and what is missing."""
    for clock in trace.clocks:
        yield _clock_note(clock, context)
    missing = sum(row.placed.parent == "missing" for row in trace.rows)
    if missing:
        elsewhere = "stands in another part, " if trace.is_cut else ""
        yield (
            f"The parent of {phrases.count(missing, 'span')} is not here: it {elsewhere}was not "
            "sampled, has not arrived, or belongs to a project you are not a member of."
        )


def _clock_note(clock: ClockShift, context: TraceContext) -> str:
    direction, state = ("later", "behind") if clock.shift_us > 0 else ("earlier", "ahead")
    return (
        f"Times of {_service(clock.project_id, clock.service, context)} are shown "
        f"{format_us(abs(clock.shift_us))} {direction}, because its clock was {state}: its spans "
        "now lie within the request that caused them."
    )


def _services(trace: Trace, context: TraceContext) -> tuple[str, ...]:
    """Name the services of a trace, in the order of their appearance."""
    named = (_service(r.placed.span.project_id, r.placed.span.service, context) for r in trace.rows)
    return tuple(dict.fromkeys(named))


def _service(project_id: ProjectId, service: str | None, context: TraceContext) -> str:
    return service or context.project_names.get(project_id, "another project")


def _percent(us: int, trace: Trace, *, least: float = 0) -> str:
    share = 100 * us / max(1, trace.end_us - trace.start_us)
    return f"{min(100.0, max(least, share)):.3g}%"
