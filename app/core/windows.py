"""What leads from a replay to the rows of other domains: its id, its traces, its time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.core.ids import ReplayId, TraceId

SLACK: Final = timedelta(minutes=1)
"""Room before and after a replay: an error comes late, a request begins early."""


@dataclass(frozen=True, slots=True)
class ReplayWindow:
    """The reach of one replay.

    `started_at` and `ended_at` are on the phone's clock, which was `drift_ms` behind the server's.
    An item belongs to the replay if it names its id; or if it names no replay, has one of these
    trace ids, and lies in this time (with `SLACK`) on the phone's clock or on the server's.

    Source: wire protocol notes 7.3.
    """

    replay_id: ReplayId
    trace_ids: frozenset[TraceId]
    started_at: datetime
    ended_at: datetime
    drift_ms: int
