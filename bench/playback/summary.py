"""Summarizes the results of the playback bench in figures, with the ways side by side."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Final

OTHER: Final = "one video a segment"
OTHER_INSIDE: Final = "the same, in the page"
WAYS: Final = ("ours", OTHER, "ours, MSE")
EMPTY: Final = "an empty page"
"""What the browser needs for any page that comes over the same path, until it has drawn it."""
OPENED: Final = ("ours", OTHER, OTHER_INSIDE, "ours, MSE", EMPTY)
"""Ways of coming to the first picture, and what is below all of them."""


def reduced(run: dict[str, Any]) -> dict[str, Any]:
    """Reduce the openings and seeks of one run to their medians and faults."""
    reduced_run: dict[str, Any] = {"way": run["way"]}
    if "play" in run:
        reduced_run["play"] = _rounded(run["play"])
    for name in ("seeks", "again"):
        if name in run:
            reduced_run[name] = _seeks(run[name])
    if "firsts" in run:
        firsts = [opening for opening in run["firsts"] if opening]
        reduced_run["first"] = {
            key: _middle([opening[key] for opening in firsts]) for key in ("ms", "requests", "kb")
        }
    return reduced_run


def table(results: Sequence[dict[str, Any]]) -> str:
    """Write the medians over all runs as lines of a table, and how ours compares to the other."""
    ways = list(dict.fromkeys(run["way"] for run in results if "way" in run))
    rows = {way: _row([run for run in results if run.get("way") == way]) for way in ways}
    names = list(rows[WAYS[0]])
    wide = max(map(len, names))
    lines = ["", f"{'':{wide}}" + "".join(f"{way:>22}" for way in ways)]
    for name in names:
        cells = [rows[way].get(name) for way in ways]
        lines.append(f"{name:{wide}}" + "".join(f"{_text(cell):>22}" for cell in cells))
    first_ms = {way: row["first picture, ms"] for way, row in rows.items()}
    for way in WAYS:
        for other in (OTHER, OTHER_INSIDE):
            if way != OTHER:
                lines += _compare_firsts(way, other, first_ms)
    return "\n".join(lines)


def _compare_firsts(way: str, other: str, first_ms: Mapping[str, float | None]) -> list[str]:
    """Compare the first pictures of two ways, by themselves and above an empty page."""
    own, base, empty = (first_ms.get(compared) for compared in (way, other, EMPTY))
    if not own or not base:
        return []
    line = f"first picture, {way}: {own / base:.2f} of the time of {other}"
    if not empty:
        return [line]
    above = f"first picture, {way}: {own - empty:.0f} ms above an empty page, "
    return [line, f"{above}{(own - empty) / (base - empty):.2f} of what {other} takes above it"]


def _row(runs: Sequence[dict[str, Any]]) -> dict[str, float | None]:
    """Return the medians of a way; faults are summed, of stalls the longest counts."""
    seeks = [run["seeks"] for run in runs if "seeks" in run]
    again = [run["again"] for run in runs if "again" in run]
    firsts = [run["first"] for run in runs if "first" in run]
    plays = [run["play"] for run in runs if "play" in run]
    return {
        "first picture, ms": _middle([figures["ms"] for figures in firsts]),
        "requests before it": _middle([figures["requests"] for figures in firsts]),
        "KB before it": _middle([figures["kb"] for figures in firsts]),
        "seek p50, ms": _middle([figures["p50_ms"] for figures in seeks]),
        "seek p95, ms": _middle([figures["p95_ms"] for figures in seeks]),
        "seek again p50, ms": _middle([figures["p50_ms"] for figures in again]),
        "seek again p95, ms": _middle([figures["p95_ms"] for figures in again]),
        "seeks without end": sum(figures["never"] for figures in [*seeks, *again]),
        "seeks with a wrong picture": sum(figures["flashed"] for figures in [*seeks, *again]),
        "wrong at 16x, %": max((figures["wrong_percent"] for figures in plays), default=None),
        "longest stall at 16x, ms": max((figures["stall_ms"] for figures in plays), default=None),
        "longest refresh then, ms": max((figures["refresh_ms"] for figures in plays), default=None),
    }


def _seeks(seeks: list[dict[str, Any]]) -> dict[str, Any]:
    took = sorted(seek["took"] for seek in seeks if seek["took"] is not None and not seek["same"])
    return {
        "p50_ms": round(statistics.median(took)),
        "p95_ms": round(took[int(len(took) * 0.95)]),
        "never": sum(seek["took"] is None for seek in seeks),
        "flashed": sum(seek["wrong"] > 0 for seek in seeks),
    }


def _middle(values: Sequence[float]) -> float | None:
    return round(statistics.median(values), 1) if values else None


def _rounded(found: dict[str, Any]) -> dict[str, Any]:
    return {key: round(value, 1) for key, value in found.items()}


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
