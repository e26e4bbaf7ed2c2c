"""Merges what overlapping segments both carry: notes, requests, touches."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence

from app.formats.replay.activity import Breadcrumb, NetworkSpan, Touch


def merge_breadcrumbs(parts: Iterable[Sequence[Breadcrumb]]) -> tuple[Breadcrumb, ...]:
    """Put breadcrumbs in time order; one that overlapping segments both carry stands once.

    One that a segment itself repeats (four quick taps in a millisecond) stays repeated.
    """
    return _merge(
        parts,
        place=lambda crumb: crumb.at_ms,
        identity=lambda crumb: (crumb.at_ms, crumb.category, crumb.message),
    )


def merge_spans(parts: Iterable[Sequence[NetworkSpan]]) -> tuple[NetworkSpan, ...]:
    """Put network spans in time order; one that overlapping segments both carry stands once."""
    return _merge(
        parts,
        place=lambda span: span.at_ms,
        identity=lambda span: (span.at_ms, span.ended_ms, span.op, span.url),
    )


def merge_touches(
    parts: Iterable[Sequence[tuple[Touch, tuple[int, int]]]],
) -> tuple[tuple[Touch, tuple[int, int]], ...]:
    """Put touches, each with its video's size, in time order; a repeated one stands once."""
    return _merge(
        parts,
        place=lambda one: one[0].at_ms,
        identity=lambda one: (one[0].at_ms, one[0].kind, one[0].pointer_id),
    )


def _merge[T](
    parts: Iterable[Sequence[T]],
    *,
    place: Callable[[T], int],
    identity: Callable[[T], Hashable],
) -> tuple[T, ...]:
    """Keep each item as often as the segment that has it most."""
    kept: Counter[Hashable] = Counter()
    merged: list[T] = []
    for part in parts:
        here: Counter[Hashable] = Counter()
        for item in part:
            name = identity(item)
            here[name] += 1
            if here[name] > kept[name]:
                kept[name] += 1
                merged.append(item)
    return tuple(sorted(merged, key=place))
