"""Finds the reach of a replay, and places moments of other clocks on its clock.

    trace links: trace ids that segments, events and spans named with the replay
        ─► ReplayWindow ─► linked events (`linked_errors`), log records (`linked_logs`), spans

The list and the page of a replay use the same windows, so their numbers agree.

Source: docs/protocol.md, section 7.3.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId, TraceId
from app.core.replay.replay_window import SLACK, ReplayWindow, are_both_delayed
from app.formats.events.event import BACKEND_PLATFORMS
from app.replays import trace_links
from app.replays.model import Replay

Side = Literal["app", "backend"]

_SLOW_MS: Final = 60_000
"""An envelope may be on its way for so long. A smaller difference does not show a wrong clock."""


def find_side(replay_project: ProjectId, project_id: ProjectId, platform: str | None) -> Side:
    """Find the side that an item comes from; items of another project come from a backend."""
    is_backend = project_id != replay_project or platform in BACKEND_PLATFORMS
    return "backend" if is_backend else "app"


def find_offset_ms(
    window: ReplayWindow, at: datetime, drift_ms: int, *, made_by: Side = "app"
) -> int:
    """Place a moment on the clock of a replay, in milliseconds, as `find_offset` does."""
    return round(find_offset(window, at, drift_ms, made_by=made_by).total_seconds() * 1000)


def clamp_to_replay_ms(window: ReplayWindow, after: timedelta) -> int | None:
    """Clamp an offset to the time of a replay; None if it lies more than a minute outside."""
    at_ms = near_replay_ms(window, after)
    length_ms = round((window.ended_at - window.started_at).total_seconds() * 1000)
    return None if at_ms is None else min(max(at_ms, 0), length_ms)


def near_replay_ms(window: ReplayWindow, after: timedelta) -> int | None:
    """Return an offset in milliseconds; None if it lies more than a minute outside the replay."""
    return round(after.total_seconds() * 1000) if _is_within(window, after) else None


def find_offset(
    window: ReplayWindow, at: datetime, drift_ms: int, *, made_by: Side = "app"
) -> timedelta:
    """Place a moment on the clock of a replay, 0 at its start.

    Args:
        window: The replay.
        at: The moment by the sender's clock.
        drift_ms: The milliseconds by which that clock was behind the server's.
        made_by: The side of the sender. An app shares the phone's clock, so its own time is tried
            first; a backend's time is corrected first, if the two clocks really differ.
    """
    by_step = _find_offset_in_steps(window, at, drift_ms) if made_by == "app" else None
    if by_step is not None:
        return by_step
    as_sent = at - window.started_at
    own_drift_ms = _find_nearest_drift_ms(window, drift_ms)
    if are_both_delayed(own_drift_ms, drift_ms):
        return as_sent
    apart = timedelta(milliseconds=drift_ms - own_drift_ms)
    if made_by == "app" or not _clocks_differ(own_drift_ms, drift_ms):
        first, second = as_sent, as_sent + apart
    else:
        first, second = as_sent + apart, as_sent
    return second if _is_within(window, second) and not _is_within(window, first) else first


def _find_offset_in_steps(window: ReplayWindow, at: datetime, drift_ms: int) -> timedelta | None:
    """Place a moment by the setting that the phone's clock had then; None if it lies in no step.

    A clock that is set back shows the same time twice: then the drift tells which one it was.
    """
    fitting = [step for step in window.steps if step.overlaps(at, at)]
    if not fitting:
        return None
    step = min(fitting, key=lambda step: abs(step.drift_ms - drift_ms))
    return at + timedelta(milliseconds=step.shift_ms) - window.started_at


def _find_nearest_drift_ms(window: ReplayWindow, drift_ms: int) -> int:
    """Return the drift among the replay's envelopes that is nearest to a given drift.

    When recordings are uploaded late in one go, the drift changes from envelope to envelope. An
    item with a drift in their range was sent together with a segment, by a clock like the phone's.
    If the phone's clock was set, only the drift of the first segment belongs to the replay's clock.
    """
    if window.steps or window.drift_range_ms is None:
        return window.drift_ms
    lowest_ms, highest_ms = window.drift_range_ms
    return min(max(drift_ms, lowest_ms), highest_ms)


async def read_windows(connection: AsyncConnection, found: Sequence[Replay]) -> list[ReplayWindow]:
    """Read the reach of each replay, in the order given."""
    if not found:
        return []
    tied = await trace_links.read_traces_of_replays(
        connection, [replay.key.replay_id for replay in found]
    )
    return [make_window(replay, tied.get(replay.key.replay_id, ())) for replay in found]


def make_window(replay: Replay, trace_ids: Iterable[TraceId]) -> ReplayWindow:
    """Make the reach of a replay from its row and the traces that it is linked to."""
    return ReplayWindow(
        replay_id=replay.key.replay_id,
        trace_ids=frozenset(trace_ids),
        started_at=replay.started_at,
        ended_at=replay.ended_at,
        drift_ms=replay.drift_ms,
        drift_range_ms=replay.drift_range_ms,
        steps=replay.clock_steps,
        since=replay.first_day,
    )


def _clocks_differ(one_ms: int, other_ms: int) -> bool:
    """Tell whether two drifts differ by more than the time that envelopes take."""
    return abs(one_ms - other_ms) >= _SLOW_MS


def _is_within(window: ReplayWindow, after: timedelta) -> bool:
    """Tell whether an offset lies in the time of the replay, or within its slack."""
    return -SLACK <= after <= window.ended_at - window.started_at + SLACK
