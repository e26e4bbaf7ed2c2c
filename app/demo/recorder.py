"""Cuts a take into segments and films them: one frame a second, held while nothing changes.

    session segments   5 s each, the next begins where the last ended
    rotation           closes the running segment at the old size
    background         closes it too; the next begins when the app is back: a gap
    crash              the rest is found at the next launch and sent without the app's own facts

Source: docs/protocol.md, sections 5.9, 6.2, 6.4, 6.5.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from PIL import Image

from app.core import units
from app.demo import mask, screens
from app.demo.stage import phone_of
from app.demo.take import Shot, Take
from app.media import encode
from app.media.encode import EncodedVideo

SEGMENT_MS: Final = 5_000
FRAME_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Window:
    """The time that one segment covers, in milliseconds since the replay began."""

    segment_id: int
    started_ms: int
    frames: int
    is_recovered: bool

    @property
    def ended_ms(self) -> int:
        return self.started_ms + self.frames * FRAME_MS


def cut(take: Take) -> list[Window]:
    """Find the segments of a take, in order."""
    stops = [(at_ms, None) for at_ms in take.turned_at_ms] + [*take.away_ms, (take.ended_ms, None)]
    windows: list[Window] = []
    started_ms = 0
    for stop_ms, back_ms in sorted(stops, key=lambda stop: stop[0]):
        for frames in _frame_counts(stop_ms - started_ms):
            windows.append(Window(len(windows), started_ms, frames, is_recovered=False))
            started_ms = windows[-1].ended_ms
        started_ms = started_ms if back_ms is None else back_ms
    last = windows[-1]
    windows[-1] = Window(last.segment_id, last.started_ms, last.frames, is_recovered=True)
    return windows


def _frame_counts(span_ms: int) -> Iterator[int]:
    """Share a span among segments; the last frame of all may reach beyond its end."""
    left = -(-span_ms // FRAME_MS)
    while left > 0:
        yield min(left, SEGMENT_MS // FRAME_MS)
        left -= SEGMENT_MS // FRAME_MS


class Camera:
    """Paints what is on the screen, each picture once."""

    def __init__(self, take: Take, started_at_ms: int) -> None:
        self._take = take
        self._started_at_ms = started_at_ms
        self._last: tuple[Shot, str, Image.Image] | None = None

    def film(self, window: Window) -> EncodedVideo:
        """Paint and encode the frames of one segment."""
        times = range(window.started_ms, window.ended_ms, FRAME_MS)
        return encode.encode([self.frame(at_ms) for at_ms in times])

    def frame(self, at_ms: int) -> Image.Image:
        """Return the masked picture of a moment."""
        shot = self._take.shot_at(at_ms)
        clock = f"{units.at_from_ms(self._started_at_ms + at_ms):%H:%M}"
        if self._last is not None and self._last[:2] == (shot, clock):
            return self._last[2]
        screen = screens.lay_out(shot.scene, phone_of(shot, clock))
        picture = mask.render(screen, pressed=shot.pressed)
        self._last = (shot, clock, picture)
        return picture
