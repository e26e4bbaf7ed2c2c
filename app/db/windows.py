"""The windows of replays as a table inside a statement, for domains whose rows link to replays."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, Date, DateTime, Integer, TextClause, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from app.core.days import OLD_DAY
from app.core.ids import ProjectId
from app.core.replay.replay_window import (
    BLOCK_START_SPREAD,
    LONGEST_DELAY_MS,
    LONGEST_LINKED,
    SLACK,
    SMALL_DRIFT,
    ReplayWindow,
)

_REACH: Final = (LONGEST_LINKED + 2 * BLOCK_START_SPREAD).total_seconds()
"""The longest time before a replay at which a row can begin and still last into it."""
MOST_LINKED: Final = 5_000
"""The most rows of one table that one trace leads to."""
_NEAR_MS: Final = round(SMALL_DRIFT.total_seconds() * 1_000)
FAR: Final = f"abs(drift_ms) > {_NEAR_MS}"
"""The condition of an index over trace and time of the few rows whose sender's clock was far off.
An index by their own time does not find them by the server's time."""
OF_PROJECTS: Final = "x.project_id = any(:project_ids)"
SINCE: Final = f"({{0}}.day >= cast(:since_day as date) or {{0}}.day = date '{OLD_DAY}')"
"""The condition that a row of a divided table may belong to one of the replays, by its day.

Nothing is stored before it happens. The day is written into the statement, so that Postgres does
not even plan for the partitions of earlier days."""
RECENT_OF_PROJECTS: Final = f"{OF_PROJECTS} and {SINCE.format('x')}"
"""The condition that rows `x` of a divided table meet."""

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

A reach is a range of time in which rows may be by their own clock: one that covers the phone's time
and the server's, or two if these are far from one another. Bounds are taken out of the arrays by
number, since a join of a thousand traces with their windows costs more than reading all their rows.
"""


def happened_within(alias: str) -> str:
    """Return the condition that a row with a moment (`at`) is in the time of window `w`.

    The rule is that of `ReplayWindow`: on the phone's clock or, unless both were held up, on the
    server's.
    """
    return _overlaps_condition(f"{alias}.at", f"{alias}.at", alias)


def lasted_within(alias: str) -> str:
    """Return the condition that a row with a start, and perhaps an end, touches window `w`."""
    return _overlaps_condition(
        f"{alias}.started_at", f"coalesce({alias}.ended_at, {alias}.started_at)", alias
    )


def are_held_up(one_ms: str, other_ms: str) -> str:
    """Return the condition that two envelopes were held up, by their drifts.

    The rule is that of `core.replay.replay_window`.
    """
    largest_ms = f"greatest(abs({one_ms}), abs({other_ms}))"
    return f"({largest_ms} > {LONGEST_DELAY_MS} and abs({one_ms} - {other_ms}) < {largest_ms} / 2)"


def traced_rows(
    table: str, key: str, *, lasts: bool, only: str = OF_PROJECTS, limit: int = MOST_LINKED
) -> str:
    """Return a select of `n` and the key of each row that a trace of window `n` leads to.

    Rows that name a replay belong to that replay only. A trace may live for ever, so reading it is
    bounded by the index over trace and time: once in the phone's time, once in the server's time
    with a minute to spare for wrong clocks, and once among the few rows whose sender's clock was
    further off.

    Args:
        table: A table with `trace_id`, `replay_id`, `project_id` and `drift_ms`.
        key: The columns of the key, with the alias `x`.
        lasts: True if a row has a start and an end, instead of one moment (`at`).
        only: The condition that rows `x` must meet; `RECENT_OF_PROJECTS` for a divided table.
        limit: The most rows for one trace; the earliest ones are taken.
    """
    start = "started_at" if lasts else "at"
    within = lasted_within("x") if lasts else happened_within("x")
    reach = f"- interval '{_REACH:g} s'" if lasts else ""
    rows_of_trace = f"""
        select {key} from {table} x
        where x.trace_id = w.trace_id and x.replay_id is null
          and {only} and {within}
    """  # noqa: S608 - joined from constants
    ends = f"order by x.{start} limit {limit}"
    return f"""
        select w.n, k.* from window_traces w
        cross join lateral (
            {rows_of_trace}
            and x.{start} between w.reach_starts {reach} and w.reach_ends {ends}
        ) k
        union
        select w.n, k.* from window_traces w
        cross join lateral ({rows_of_trace} and abs(x.drift_ms) > {_NEAR_MS} {ends}) k
    """  # noqa: S608 - joined from constants


def _overlaps_condition(start: str, end: str, alias: str) -> str:
    drift = f"{alias}.drift_ms * interval '1 ms'"
    return f"""(({start} <= w.ends and {end} >= w.starts)
        or (not {are_held_up(f"{alias}.drift_ms", "w.own_drift_ms")}
            and {start} + {drift} <= w.server_ends and {end} + {drift} >= w.server_starts))"""


def make_window_statement(sql: str) -> TextClause:
    """Make a statement out of SQL that uses `WINDOWS` and `:project_ids`.

    Run it within `db.engine.planning_once`: to plan it takes ten times as long as to run it.
    """
    of_days = [bindparam("since_day", type_=Date, literal_execute=True)]
    return text(sql).bindparams(
        *(of_days if ":since_day" in sql else ()),
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
) -> dict[str, Any]:
    """Make the parameters of such a statement; `n` is the index in `windows`."""
    all_bounds = [_window_bounds(window) for window in windows]
    reaches = [
        (number, reach)
        for number, bounds in enumerate(all_bounds)
        for reach in _find_reaches(bounds)
    ]
    ids = [[uuid.UUID(hex=trace_id) for trace_id in sorted(w.trace_ids)] for w in windows]
    return {
        "numbers": list(range(len(windows))),
        "replay_ids": [uuid.UUID(hex=window.replay_id) for window in windows],
        "starts": [bounds[0] for bounds in all_bounds],
        "ends": [bounds[1] for bounds in all_bounds],
        "server_starts": [bounds[2] for bounds in all_bounds],
        "server_ends": [bounds[3] for bounds in all_bounds],
        "own_drifts_ms": [window.drift_ms for window in windows],
        "reach_numbers": [number for number, _ in reaches],
        "reach_starts": [reach[0] for _, reach in reaches],
        "reach_ends": [reach[1] for _, reach in reaches],
        "trace_reaches": [
            place for place, (number, _) in enumerate(reaches, 1) for _ in ids[number]
        ],
        "trace_ids": [trace_id for number, _ in reaches for trace_id in ids[number]],
        "project_ids": list(project_ids),
        "since_day": min((window.since or OLD_DAY for window in windows), default=OLD_DAY),
    }


_Bounds = tuple[datetime, datetime, datetime, datetime]


def _window_bounds(window: ReplayWindow) -> _Bounds:
    """Return the time of a replay with some slack, by the phone's clock and by the server's."""
    drift = timedelta(milliseconds=window.drift_ms)
    starts, ends = window.started_at - SLACK, window.ended_at + SLACK
    return starts, ends, starts + drift, ends + drift


def _find_reaches(bounds: _Bounds) -> list[tuple[datetime, datetime]]:
    starts, ends = bounds[:2]
    server_starts, server_ends = bounds[2] - SMALL_DRIFT, bounds[3] + SMALL_DRIFT
    if starts <= server_ends and ends >= server_starts:
        return [(min(starts, server_starts), max(ends, server_ends))]
    return [(starts, ends), (server_starts, server_ends)]
