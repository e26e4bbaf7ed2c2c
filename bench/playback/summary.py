"""Summarizes the results of the playback bench in figures, with the ways side by side."""

import statistics
from collections.abc import Sequence
from typing import Any, Final

OTHER: Final = "one video a segment"
OTHER_INSIDE: Final = "the same, in the page"
WAYS: Final = ("ours", OTHER, "ours, MSE")
OPENED: Final = ("ours", OTHER, OTHER_INSIDE, "ours, MSE")
"""Ways of coming to the first picture."""


def reduced(run: dict[str, Any]) -> dict[str, Any]:
    """Reduce the openings and seeks of one run to their medians and faults."""
    found: dict[str, Any] = {"way": run["way"]}
    if "play" in run:
        found["play"] = _rounded(run["play"])
    for name in ("seeks", "again"):
        if name in run:
            found[name] = _seeks(run[name])
    if "firsts" in run:
        firsts = [one for one in run["firsts"] if one]
        found["first"] = {
            key: _middle([one[key] for one in firsts]) for key in ("ms", "requests", "kb")
        }
    return found


def table(told: Sequence[dict[str, Any]]) -> str:
    """Write the medians over all runs as lines of a table, and how ours compares to the other."""
    ways = list(dict.fromkeys(one["way"] for one in told if "way" in one))
    rows = {way: _row([one for one in told if one.get("way") == way]) for way in ways}
    names = list(rows[WAYS[0]])
    wide = max(map(len, names))
    lines = ["", f"{'':{wide}}" + "".join(f"{way:>22}" for way in ways)]
    for name in names:
        cells = [rows[way].get(name) for way in ways]
        lines.append(f"{name:{wide}}" + "".join(f"{_text(cell):>22}" for cell in cells))
    for way in WAYS:
        for other in (OTHER, OTHER_INSIDE):
            own, base = (rows.get(one, {}).get("first picture, ms") for one in (way, other))
            if own and base and way != OTHER:
                lines.append(f"first picture, {way}: {own / base:.2f} of the time of {other}")
    return "\n".join(lines)


def _row(runs: Sequence[dict[str, Any]]) -> dict[str, float | None]:
    """Return the medians of a way; faults are summed, of stalls the longest counts."""
    seeks = [one["seeks"] for one in runs if "seeks" in one]
    again = [one["again"] for one in runs if "again" in one]
    firsts = [one["first"] for one in runs if "first" in one]
    plays = [one["play"] for one in runs if "play" in one]
    return {
        "first picture, ms": _middle([one["ms"] for one in firsts]),
        "requests before it": _middle([one["requests"] for one in firsts]),
        "KB before it": _middle([one["kb"] for one in firsts]),
        "seek p50, ms": _middle([one["p50_ms"] for one in seeks]),
        "seek p95, ms": _middle([one["p95_ms"] for one in seeks]),
        "seek again p50, ms": _middle([one["p50_ms"] for one in again]),
        "seek again p95, ms": _middle([one["p95_ms"] for one in again]),
        "seeks without end": sum(one["never"] for one in [*seeks, *again]),
        "seeks with a wrong picture": sum(one["flashed"] for one in [*seeks, *again]),
        "wrong at 16x, %": max((one["wrong_percent"] for one in plays), default=None),
        "longest stall at 16x, ms": max((one["stall_ms"] for one in plays), default=None),
        "longest refresh then, ms": max((one["refresh_ms"] for one in plays), default=None),
    }


def _seeks(seeks: list[dict[str, Any]]) -> dict[str, Any]:
    took = sorted(one["took"] for one in seeks if one["took"] is not None and not one["same"])
    return {
        "p50_ms": round(statistics.median(took)),
        "p95_ms": round(took[int(len(took) * 0.95)]),
        "never": sum(one["took"] is None for one in seeks),
        "flashed": sum(one["wrong"] > 0 for one in seeks),
    }


def _middle(values: Sequence[float]) -> float | None:
    return round(statistics.median(values), 1) if values else None


def _rounded(found: dict[str, Any]) -> dict[str, Any]:
    return {key: round(value, 1) for key, value in found.items()}


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
