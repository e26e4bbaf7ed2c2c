"""Says what a recorded replay shows when, from what the recording says of itself."""

from bisect import bisect_right
from dataclasses import dataclass

from app.formats.video import mp4
from app.playback.video.index import MIN_GAP_MS
from tests.support.recorded import contents


@dataclass(frozen=True)
class Shown:
    """A frame of the replay: when it begins, the second drawn in it modulo 8, its size."""

    at_ms: int
    colour: int
    size: tuple[int, int]


@dataclass(frozen=True)
class Truth:
    """All frames of a replay that are ever due, in order, and where it has no video."""

    frames: tuple[Shown, ...]
    gaps: tuple[tuple[int, int], ...]
    duration_ms: int

    def at(self, at_ms: float) -> Shown:
        """Return the frame due at a time."""
        begun = bisect_right([frame.at_ms for frame in self.frames], at_ms)
        return self.frames[max(0, begun - 1)]


def of_family(name: str) -> Truth:
    """Work out what a recorded family shows.

    A segment that starts later ends the one before it; of two with one start the lower id plays
    first, then what the higher adds.
    """
    segments = []
    for request in contents.requests(name):
        video = contents.video_of(request)
        if video is None:
            continue
        said = next(item for item in request.expect["items"] if item["type"] == "replay_video")
        facts = mp4.read_video(video)
        times = [round(sample.at * 1000 / facts.timescale) for sample in facts.samples]
        drawn = list(zip(sorted(times), said["shows_seconds_mod_8"], strict=True))
        length_ms = max(facts.duration_ms, said["ends_ms"] - said["starts_ms"])
        place = (said["starts_ms"], said["segment_id"])
        segments.append((place, length_ms, (facts.width, facts.height), drawn))
    segments.sort()
    zero_ms = segments[0][0][0]
    frames: list[Shown] = []
    gaps: list[tuple[int, int]] = []
    end_ms = 0
    for number, ((started_ms, _), length_ms, size, drawn) in enumerate(segments):
        start_ms = started_ms - zero_ms
        later = [place[0] - zero_ms for place, *_ in segments if place[0] > started_ms]
        is_twin = number > 0 and segments[number - 1][0][0] == started_ms
        from_ms = max(start_ms, end_ms) if is_twin else start_ms
        stop_ms = min([start_ms + length_ms, *later])
        if from_ms - end_ms > MIN_GAP_MS:
            gaps.append((end_ms, from_ms))
        begun_ms = max((at for at, _ in drawn if start_ms + at <= from_ms), default=0)
        frames += [
            Shown(max(start_ms + time_ms, from_ms), colour, size)
            for time_ms, colour in drawn
            if begun_ms <= time_ms and start_ms + time_ms < stop_ms and from_ms < stop_ms
        ]
        end_ms = max(stop_ms, end_ms) if is_twin else stop_ms
    return Truth(tuple(frames), tuple(gaps), end_ms)
