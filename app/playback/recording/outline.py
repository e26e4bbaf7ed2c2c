"""Describes a replay before its recordings are read: its state, its length and its video."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import units
from app.playback.video.index_cache import IndexCache, PlayableReplay
from app.replays.model import Replay

ReplayState = Literal["playing", "processing", "no_video", "live"]

FRESH_MS: Final = 30_000
"""A replay that got a segment within this time may go on."""
_JAVASCRIPT_SDKS: Final = "sentry.javascript."
_VIDEO_SDKS: Final = frozenset({"sentry.javascript.react-native"})
"""The JavaScript SDKs whose replays are recorded by the phone."""


@dataclass(frozen=True, slots=True)
class ReplayOutline:
    """The facts of a replay that a page has before it reads the recordings."""

    replay: Replay
    playable: PlayableReplay
    state: ReplayState
    zero_ms: int
    duration_ms: int
    is_arriving: bool
    """True if more segments may come."""

    @property
    def recorded_at(self) -> datetime:
        """The time of the first picture, by the phone's clock as far as it can be trusted."""
        shift = self.replay.recorded_at - self.replay.started_at
        return units.at_from_ms(self.zero_ms) + shift

    def size_px_at(self, at_ms: int) -> tuple[int, int] | None:
        """Return width and height of the picture due at a time; None without pictures."""
        built = self.playable.newest
        if not built.gops:
            return None
        config = built.configs[built.gops[built.gop_at(at_ms)].config]
        is_turned = config.rotation_degrees % 180 != 0
        size_px = (config.width, config.height)
        return size_px[::-1] if is_turned else size_px


async def read_outline(
    connection: AsyncConnection, replay: Replay, *, index_cache: IndexCache, now: datetime
) -> ReplayOutline:
    """Read the outline of a replay.

    Args:
        connection: The connection to read with.
        replay: Its row, read just now.
        index_cache: The cache that holds its playback index.
        now: The server's time, which tells whether the replay is live.
    """
    return make_outline(replay, await index_cache.read_over(connection, replay), now)


def make_outline(replay: Replay, playable: PlayableReplay, now: datetime) -> ReplayOutline:
    """Make the outline of a replay from its row and its playback index."""
    has_video = bool(playable.newest.gops)
    zero_ms = playable.newest.started_at_ms if has_video else units.ms_from_at(replay.started_at)
    ended_ms = units.ms_from_at(replay.ended_at)
    duration_ms = max(0, ended_ms - zero_ms, playable.newest.duration_ms)
    state = find_state(replay, has_video=has_video, now=now)
    return ReplayOutline(
        replay, playable, state, zero_ms, duration_ms, is_arriving(replay, now=now)
    )


def find_state(replay: Replay, *, has_video: bool, now: datetime) -> ReplayState:
    """Return what a viewer can expect: pictures, more of them, the first ones soon, or none."""
    if has_video:
        return "live" if is_arriving(replay, now=now) else "playing"
    if is_browser_recording(replay):
        return "no_video"
    return "processing" if is_arriving(replay, now=now) else "no_video"


def is_arriving(replay: Replay, *, now: datetime) -> bool:
    """Tell whether a replay got a segment so recently that more may come."""
    return units.ms_from_at(now) - units.ms_from_at(replay.last_received_at) < FRESH_MS


def is_browser_recording(replay: Replay) -> bool:
    """Tell by its SDK whether a browser recorded a replay: changes of a page, and never a video."""
    sdk_name = str(replay.facts.get("sdk_name") or "")
    return sdk_name.startswith(_JAVASCRIPT_SDKS) and sdk_name not in _VIDEO_SDKS
