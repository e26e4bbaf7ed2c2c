"""Replay windows as a table inside a statement, for the domains that link to replays."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, DateTime, Integer, TextClause, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from app.core.ids import ProjectId
from app.core.replay_window import (
    BLOCK_START_SPREAD,
    LONGEST_DELAY_MS,
    LONGEST_LINKED,
    SLACK,
    SMALL_DRIFT,
    ReplayWindow,
)

_REACH: Final = (LONGEST_LINKED + 2 * BLOCK_START_SPREAD).total_seconds()
"""How long before a replay rows began that may last into it."""
MOST_LINKED: Final = 5_000
"""The most rows of one table that one trace leads to."""
_NEAR_MS: Final = round(SMALL_DRIFT.total_seconds() * 1_000)
FAR: Final = f"abs(drift_ms) > {_NEAR_MS}"
"""The condition of an index over trace and time of the few rows whose sender's clock was far off:
their time by the server's clock says nothing of their place in an index of their own time."""
OF_PROJECTS: Final = "x.project_id = any(:project_ids)"

WINDOWS: Final = """
    windows as (
        select * from unnest(
            :numbers, :replay_ids, :starts, :ends, :server_starts, :server_ends, :own_drifts_ms
        ) as w (n, replay_id, starts, ends, server_starts, server_ends, own_drift_ms)
    ),
    window_traces as (
        select t.trace_id, (:reach_numbers)[t.reach] as n,
               (:reach_starts)[t.reach] as reach_starts, (:reach_ends)[t.reach] as reach_ends,
               (:starts)[(:reach_numbers)[t.reach] + 1] as starts,
               (:ends)[(:reach_numbers)[t.reach] + 1] as ends,
               (:server_starts)[(:reach_numbers)[t.reach] + 1] as server_starts,
               (:server_ends)[(:reach_numbers)[t.reach] + 1] as server_ends,
               (:own_drifts_ms)[(:reach_numbers)[t.reach] + 1] as own_drift_ms
        from unnest(:trace_reaches, :trace_ids) as t (reach, trace_id)
    )
"""
"""Two common table expressions: `windows`, one row each, and the traces of each with its bounds.

A reach is where rows lie by their own clock: one of the phone's time and the server's together, or
two when the two are far from one another. Bounds are taken out of the arrays by place, since a join
of a thousand traces with their windows costs more than all they lead to.
"""


def happened_within(alias: str) -> str:
    """Return the condition that a row with a moment (`at`) lies in the time of window `w`.

    As `ReplayWindow` has it: on the phone's clock or, unless both were held up, on the server's.
    """
    return _overlaps_condition(f"{alias}.at", f"{alias}.at", alias)


def lasted_within(alias: str) -> str:
    """Return the condition that a row with a start, and perhaps an end, touches window `w`."""
    return _overlaps_condition(
        f"{alias}.started_at", f"coalesce({alias}.ended_at, {alias}.started_at)", alias
    )


def are_held_up(one_ms: str, other_ms: str) -> str:
    """Return the condition that two envelopes were held up, by their drifts (`core.windows`)."""
    largest_ms = f"greatest(abs({one_ms}), abs({other_ms}))"
    return f"({largest_ms} > {LONGEST_DELAY_MS} and abs({one_ms} - {other_ms}) < {largest_ms} / 2)"


def traced_rows(
    table: str, key: str, *, lasts: bool, only: str = OF_PROJECTS, most: int = MOST_LINKED
) -> str:
    """Return a select of `n` and the key of each row that a trace of window `n` leads to.

    Rows that name a replay are left to that replay. A trace may live for ever, so a look at it is
    bounded by the index over trace and time: once in the phone's time, once in the server's with
    room for clocks a minute off, and once among the few rows whose sender's was further off.

    Args:
        table: With `trace_id`, `replay_id`, `project_id`, `drift_ms`.
        key: Columns of the row, as `x`.
        lasts: Whether a row has a start and an end, or one moment (`at`).
        only: The condition that rows `x` are wanted.
        most: How many rows one trace leads to at most, the earliest ones.
    """
    start = "started_at" if lasts else "at"
    within = lasted_within("x") if lasts else happened_within("x")
    reach = f"- interval '{_REACH:g} s'" if lasts else ""
    found = f"""
        select {key} from {table} x
        where x.trace_id = w.trace_id and x.replay_id is null
          and {only} and {within}
    """  # noqa: S608 - joined from constants
    ends = f"order by x.{start} limit {most}"
    return f"""
        select w.n, k.* from window_traces w
        cross join lateral (
            {found} and x.{start} between w.reach_starts {reach} and w.reach_ends {ends}
        ) k
        union
        select w.n, k.* from window_traces w
        cross join lateral ({found} and abs(x.drift_ms) > {_NEAR_MS} {ends}) k
    """  # noqa: S608 - joined from constants


def _overlaps_condition(start: str, end: str, alias: str) -> str:
    drift = f"{alias}.drift_ms * interval '1 ms'"
    return f"""(({start} <= w.ends and {end} >= w.starts)
        or (not {are_held_up(f"{alias}.drift_ms", "w.own_drift_ms")}
            and {start} + {drift} <= w.server_ends and {end} + {drift} >= w.server_starts))"""


def make_window_statement(sql: str) -> TextClause:
    """Make a statement out of SQL that uses `WINDOWS` and `:project_ids`."""
    return text(sql).bindparams(
        bindparam("numbers", type_=ARRAY(Integer)),
        bindparam("replay_ids", type_=ARRAY(Uuid)),
        bindparam("starts", type_=ARRAY(DateTime(timezone=True))),
        bindparam("ends", type_=ARRAY(DateTime(timezone=True))),
        bindparam("server_starts", type_=ARRAY(DateTime(timezone=True))),
        bindparam("server_ends", type_=ARRAY(DateTime(timezone=True))),
        bindparam("own_drifts_ms", type_=ARRAY(BigInteger)),
        bindparam("reach_numbers", type_=ARRAY(Integer)),
        bindparam("reach_starts", type_=ARRAY(DateTime(timezone=True))),
        bindparam("reach_ends", type_=ARRAY(DateTime(timezone=True))),
        bindparam("trace_reaches", type_=ARRAY(Integer)),
        bindparam("trace_ids", type_=ARRAY(Uuid)),
        bindparam("project_ids", type_=ARRAY(BigInteger)),
    )


def make_window_parameters(
    windows: Sequence[ReplayWindow], project_ids: Sequence[ProjectId]
) -> dict[str, list[Any]]:
    """Turn windows into the parameters of such a statement; `n` is the place in `windows`."""
    found = [_window_bounds(window) for window in windows]
    reaches = [
        (number, reach) for number, bounds in enumerate(found) for reach in _find_reaches(bounds)
    ]
    ids = [[uuid.UUID(hex=one) for one in sorted(window.trace_ids)] for window in windows]
    return {
        "numbers": list(range(len(windows))),
        "replay_ids": [uuid.UUID(hex=window.replay_id) for window in windows],
        "starts": [bounds[0] for bounds in found],
        "ends": [bounds[1] for bounds in found],
        "server_starts": [bounds[2] for bounds in found],
        "server_ends": [bounds[3] for bounds in found],
        "own_drifts_ms": [window.drift_ms for window in windows],
        "reach_numbers": [number for number, _ in reaches],
        "reach_starts": [reach[0] for _, reach in reaches],
        "reach_ends": [reach[1] for _, reach in reaches],
        "trace_reaches": [
            place for place, (number, _) in enumerate(reaches, 1) for _ in ids[number]
        ],
        "trace_ids": [trace_id for number, _ in reaches for trace_id in ids[number]],
        "project_ids": list(project_ids),
    }


_Bounds = tuple[datetime, datetime, datetime, datetime]


def _window_bounds(window: ReplayWindow) -> _Bounds:
    """Return the time of a replay with its slack, by the phone's clock and by the server's."""
    drift = timedelta(milliseconds=window.drift_ms)
    starts, ends = window.started_at - SLACK, window.ended_at + SLACK
    return starts, ends, starts + drift, ends + drift


def _find_reaches(bounds: _Bounds) -> list[tuple[datetime, datetime]]:
    starts, ends = bounds[:2]
    server_starts, server_ends = bounds[2] - SMALL_DRIFT, bounds[3] + SMALL_DRIFT
    if starts <= server_ends and ends >= server_starts:
        return [(min(starts, server_starts), max(ends, server_ends))]
    return [(starts, ends), (server_starts, server_ends)]
