"""Makes replays as the tables give them back."""

from datetime import UTC, datetime, timedelta
from typing import Any

from app.core import units
from app.core.ids import ProjectId, ReplayId
from app.formats.replay.recording_summary import RecordingCounts
from app.replays.model import Replay, ReplayKey
from tests.unit.playback.building import START_MS

START = units.at_from_ms(START_MS)
NOW = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
_TOTALS = ("segments", "video_segments", "video_ms", "video_bytes", "frames")


def replay(**changes: Any) -> Replay:
    """Make a replay of one minute that ended long ago."""
    values: dict[str, Any] = {
        "key": ReplayKey(ProjectId(1), ReplayId("a" * 32)),
        "first_received_at": NOW - timedelta(hours=1),
        "last_received_at": NOW - timedelta(hours=1),
        "started_at": START,
        "ended_at": START + timedelta(minutes=1),
        "drift_ms": 0,
        "replay_type": "session",
        "facts": {},
        "user": {},
        "screens": (),
        "background_at": None,
        "foreground_at": None,
        **dict.fromkeys(_TOTALS, 0),
        "counts": RecordingCounts(),
    }
    return Replay(**{**values, **changes})
