"""Merges breadcrumbs, requests and touches that overlapping segments both carry."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence

from app.formats.replay.activity import Breadcrumb, NetworkSpan, Touch


def merge_breadcrumbs(parts: Iterable[Sequence[Breadcrumb]]) -> tuple[Breadcrumb, ...]:
    """Put breadcrumbs in time order, without the duplicates of overlapping segments.

    A breadcrumb that one segment repeats (four quick taps in a millisecond) stays repeated.
    """
    return _merge(
        parts,
        place=lambda crumb: crumb.at_ms,
        identity=lambda crumb: (crumb.at_ms, crumb.category, crumb.message),
    )


def merge_spans(parts: Iterable[Sequence[NetworkSpan]]) -> tuple[NetworkSpan, ...]:
    """Put network spans in time order, without the duplicates of overlapping segments."""
    return _merge(
        parts,
        place=lambda span: span.at_ms,
        identity=lambda span: (span.at_ms, span.ended_ms, span.op, span.url),
    )


def merge_touches(
    parts: Iterable[Sequence[tuple[Touch, tuple[int, int]]]],
) -> tuple[tuple[Touch, tuple[int, int]], ...]:
    """Put touches, each with the size of its video, in time order, without duplicates."""
    return _merge(
        parts,
        place=lambda sized_touch: sized_touch[0].at_ms,
        identity=lambda sized_touch: (
            sized_touch[0].at_ms,
            sized_touch[0].kind,
            sized_touch[0].pointer_id,
        ),
    )


def _merge[T](
    parts: Iterable[Sequence[T]],
    *,
    place: Callable[[T], int],
    identity: Callable[[T], Hashable],
) -> tuple[T, ...]:
    """Keep each item as often as it occurs in the segment that has it most often."""
    kept_counts: Counter[Hashable] = Counter()
    merged: list[T] = []
    for part in parts:
        part_counts: Counter[Hashable] = Counter()
        for item in part:
            name = identity(item)
            part_counts[name] += 1
            if part_counts[name] > kept_counts[name]:
                kept_counts[name] += 1
                merged.append(item)
    return tuple(sorted(merged, key=place))
