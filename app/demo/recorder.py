"""Cuts a take into segments and films them: one frame a second, held while nothing changes.

    session segments   5 s each, the next begins where the last ended
    rotation           closes the running segment at the old size
    background         closes it too; the next begins when the app is back: a gap
    crash              the rest is found at the next launch and sent without the app's own facts

Source: docs/protocol.md, sections 5.9, 6.2, 6.4, 6.5.
"""

from dataclasses import dataclass, replace
from typing import Final

from PIL import Image

from app.core import units
from app.demo import mask, screens
from app.demo.take import Shot, Take
from app.media import encode
from app.media.encode import EncodedVideo

_SEGMENT_FRAMES: Final = 5
FRAME_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Window:
    """The time that one segment covers, in milliseconds since the replay began."""

    segment_id: int
    started_ms: int
    frames: int
    is_recovered: bool = False

    @property
    def ended_ms(self) -> int:
        return self.started_ms + self.frames * FRAME_MS

    def contains(self, at_ms: int) -> bool:
        """Say whether a moment lies in this time."""
        return self.started_ms <= at_ms < self.ended_ms


def cut_windows(take: Take) -> list[Window]:
    """Find the segments of a take, in order; the last frame may reach beyond the end."""
    stops = [(at_ms, None) for at_ms in take.turned_at_ms] + [*take.away_ms, (take.ended_ms, None)]
    windows: list[Window] = []
    started_ms = 0
    for stop_ms, back_ms in sorted(stops, key=lambda stop: stop[0]):
        while started_ms < stop_ms:
            frames = min(-(-(stop_ms - started_ms) // FRAME_MS), _SEGMENT_FRAMES)
            windows.append(Window(len(windows), started_ms, frames))
            started_ms = windows[-1].ended_ms
        started_ms = started_ms if back_ms is None else back_ms
    windows[-1] = replace(windows[-1], is_recovered=True)
    return windows


class Camera:
    """Paints what is on the screen, each picture once."""

    def __init__(self, take: Take, started_at_ms: int) -> None:
        self._take = take
        self._started_at_ms = started_at_ms
        self._last: tuple[Shot, str, Image.Image] | None = None

    def film(self, window: Window) -> EncodedVideo:
        """Paint and encode the frames of one segment."""
        times = range(window.started_ms, window.ended_ms, FRAME_MS)
        return encode.encode([self.take_frame(at_ms) for at_ms in times])

    def take_frame(self, at_ms: int) -> Image.Image:
        """Return the masked picture of a moment."""
        shot = self._take.shot_at(at_ms)
        clock = f"{units.at_from_ms(self._started_at_ms + at_ms):%H:%M}"
        if self._last is None or self._last[:2] != (shot, clock):
            picture = mask.render(screens.lay_out(shot, clock), pressed=shot.pressed)
            self._last = (shot, clock, picture)
        return self._last[2]
