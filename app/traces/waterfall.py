"""Lays the spans of one trace out: parents before children, clocks corrected, self time counted.

    spans ─► tree ─► places on one axis ─► self time

**Clocks.** Every service has a clock of its own. If a service's part of the trace begins before the
span that caused it, or a request is served after it was over, then the clock is wrong: the whole
part is moved into the middle of its cause. Parts that may be right are left alone.

**Self time** is the time that no child covers; children that overlap count once.

Source: docs/protocol.md, sections 2.5, 9.5 and 9.6.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from app.core.ids import SpanId
from app.traces.model import StoredSpan

_TOLERANCE_US: Final = 10_000
"""Clocks that are kept by NTP differ by milliseconds, which is not worth a correction."""
_ANSWERING: Final = ("http.server", "rpc.server", "grpc.server", "server", "websocket.server")
"""Operations whose caller waits for them, so they lie within the span that called them."""

ParentState = Literal["none", "here", "missing"]


@dataclass(frozen=True, slots=True)
class PlacedSpan:
    """A span with its place in the waterfall, in microseconds on the caller's axis."""

    span: StoredSpan
    depth: int
    parent: ParentState
    start_us: int
    end_us: int | None
    self_us: int
    shift_us: int
    """The shift of the clock of its service that made it fit; positive is later."""
    children: int

    @property
    def duration_us(self) -> int | None:
        """The duration of the span; None if it was not finished when it was sent."""
        return None if self.end_us is None else self.end_us - self.start_us


@dataclass(frozen=True, slots=True)
class _SpanPosition:
    """A span with its place on the axis, before its children are placed."""

    span: StoredSpan
    depth: int
    start_us: int
    end_us: int
    shift_us: int


def lay_out_spans(
    spans: Sequence[StoredSpan], start_us: Callable[[StoredSpan], int]
) -> list[PlacedSpan]:
    """Order the spans of a trace so that children follow their parent, and place them.

    Args:
        spans: The spans of one trace, in any order.
        start_us: The function that places the start of a span by its sender's clock.

    Returns:
        Every span once. A span whose parent is not here is a root. Spans that are each other's
        parents come last, as roots too.
    """
    present_ids = {span.span_id for span in spans}
    children: defaultdict[SpanId | None, list[StoredSpan]] = defaultdict(list)
    for span in spans:
        children[
            span.parent_span_id if _find_parent_state(span, present_ids) == "here" else None
        ].append(span)
    positions = _position_all(children, children.pop(None, []), start_us)
    reached = {position.span.span_id for position in positions}
    ring = [span for span in spans if span.span_id not in reached]
    positions += [_position_span(span, None, start_us) for span in sorted(ring, key=_by_start)]
    by_id = {position.span.span_id: position for position in positions}
    return [
        _place_span(position, children, by_id, _find_parent_state(position.span, present_ids))
        for position in positions
    ]


def find_shift_into_us(cause: PlacedSpan, at_us: int) -> int:
    """Return how far a moment must move to lie within the span that caused it.

    Args:
        cause: The span that caused the moment.
        at_us: The moment on the same axis, by its own clock.
    """
    end_us = cause.start_us if cause.end_us is None else cause.end_us
    is_early = at_us < cause.start_us - _TOLERANCE_US
    is_late = cause.end_us is not None and at_us > end_us + _TOLERANCE_US
    return (cause.start_us + end_us) // 2 - at_us if is_early or is_late else 0


def _position_all(
    children: dict[SpanId | None, list[StoredSpan]],
    roots: Iterable[StoredSpan],
    start_us: Callable[[StoredSpan], int],
) -> list[_SpanPosition]:
    """Place all spans of the tree, without recursion, since chains may be thousands deep.

    Two projects may hold the same spans, if a collector sends to both. The children of an id follow
    only the first span with that id: below both, their number would double with every level.
    """
    positions: list[_SpanPosition] = []
    followed: set[SpanId] = set()
    first = [_position_span(span, None, start_us) for span in roots]
    stack = sorted(first, key=_by_place, reverse=True)
    while stack:
        position = stack.pop()
        positions.append(position)
        is_first = position.span.span_id not in followed
        followed.add(position.span.span_id)
        spans = children.get(position.span.span_id, ()) if is_first else ()
        below = [_position_span(span, position, start_us) for span in spans]
        stack += sorted(below, key=_by_place, reverse=True)
    return positions


def _position_span(
    span: StoredSpan, above: _SpanPosition | None, start_us: Callable[[StoredSpan], int]
) -> _SpanPosition:
    start = start_us(span)
    length = _measure_length_us(span)
    shift = 0
    if above is not None:
        is_own_clock = span.is_segment or span.project_id != above.span.project_id
        shift = _find_correction_us(above, span, start, length) if is_own_clock else above.shift_us
    depth = 0 if above is None else above.depth + 1
    return _SpanPosition(span, depth, start + shift, start + shift + length, shift)


def _find_correction_us(
    above: _SpanPosition, span: StoredSpan, start_us: int, length_us: int
) -> int:
    """Return how far the part of a service must move so that `above` can have caused it."""
    is_awaited = (span.op or "") in _ANSWERING and above.span.ended_at is not None
    is_early = start_us < above.start_us - _TOLERANCE_US
    is_late = is_awaited and start_us > above.end_us + _TOLERANCE_US
    if not is_early and not is_late:
        return 0
    room_us = max(0, above.end_us - above.start_us - length_us) if is_awaited else 0
    return above.start_us + room_us // 2 - start_us


def _place_span(
    position: _SpanPosition,
    children: dict[SpanId | None, list[StoredSpan]],
    by_id: dict[SpanId, _SpanPosition],
    parent: ParentState,
) -> PlacedSpan:
    below = [by_id[span.span_id] for span in children.get(position.span.span_id, ())]
    below = [child for child in below if child is not position]
    covered_us = _measure_covered_us(position, below)
    return PlacedSpan(
        span=position.span,
        depth=position.depth,
        parent=parent,
        start_us=position.start_us,
        end_us=None if position.span.ended_at is None else position.end_us,
        self_us=position.end_us - position.start_us - covered_us,
        shift_us=position.shift_us,
        children=len(below),
    )


def _measure_covered_us(position: _SpanPosition, below: Iterable[_SpanPosition]) -> int:
    """Measure how much of a span its children cover, overlaps counted once."""
    covered_us = 0
    free_us = position.start_us
    for child in sorted(below, key=_by_place):
        start = max(child.start_us, free_us)
        end = min(child.end_us, position.end_us)
        if end > start:
            covered_us += end - start
            free_us = end
    return covered_us


def _find_parent_state(span: StoredSpan, present_ids: set[SpanId]) -> ParentState:
    if span.parent_span_id is None or span.parent_span_id == span.span_id:
        return "none"
    return "here" if span.parent_span_id in present_ids else "missing"


def _measure_length_us(span: StoredSpan) -> int:
    if span.ended_at is None:
        return 0
    return max(0, round((span.ended_at - span.started_at).total_seconds() * 1_000_000))


def _by_place(position: _SpanPosition) -> tuple[int, str]:
    return position.start_us, position.span.span_id


def _by_start(span: StoredSpan) -> tuple[object, str]:
    return span.started_at, span.span_id
