"""Works out what a recorded replay shows at each time, from what the recording says of itself."""

from bisect import bisect_right
from dataclasses import dataclass

from app.formats.video import mp4
from app.playback.video.index import MIN_GAP_MS
from tests.support.recorded import contents


@dataclass(frozen=True)
class DueFrame:
    """A frame of the replay: its start, the second drawn in it modulo 8, and its size."""

    at_ms: int
    colour: int
    size: tuple[int, int]


@dataclass(frozen=True)
class Truth:
    """All frames of a replay that are ever due, in order, and its gaps without video."""

    frames: tuple[DueFrame, ...]
    gaps: tuple[tuple[int, int], ...]
    duration_ms: int

    def at(self, at_ms: float) -> DueFrame:
        """Return the frame due at a time."""
        started_count = bisect_right([frame.at_ms for frame in self.frames], at_ms)
        return self.frames[max(0, started_count - 1)]


def of_family(name: str) -> Truth:
    """Work out what a recorded family shows.

    A segment ends when a later one starts. When two start at the same time, the one with the lower
    id plays first, followed by what the other adds after its end.
    """
    segments = []
    for request in contents.requests(name):
        video = contents.video_of(request)
        if video is None:
            continue
        expected = next(item for item in request.expect["items"] if item["type"] == "replay_video")
        facts = mp4.read_video(video)
        times = [round(sample.at * 1000 / facts.timescale) for sample in facts.samples]
        drawn = list(zip(sorted(times), expected["shows_seconds_mod_8"], strict=True))
        length_ms = max(facts.duration_ms, expected["ends_ms"] - expected["starts_ms"])
        sort_key = (expected["starts_ms"], expected["segment_id"])
        segments.append((sort_key, length_ms, (facts.width, facts.height), drawn))
    segments.sort()
    zero_ms = segments[0][0][0]
    frames: list[DueFrame] = []
    gaps: list[tuple[int, int]] = []
    end_ms = 0
    for number, ((started_ms, _), length_ms, size, drawn) in enumerate(segments):
        start_ms = started_ms - zero_ms
        later = [sort_key[0] - zero_ms for sort_key, *_ in segments if sort_key[0] > started_ms]
        is_twin = number > 0 and segments[number - 1][0][0] == started_ms
        from_ms = max(start_ms, end_ms) if is_twin else start_ms
        stop_ms = min([start_ms + length_ms, *later])
        if from_ms - end_ms > MIN_GAP_MS:
            gaps.append((end_ms, from_ms))
        kept_from_ms = max((at for at, _ in drawn if start_ms + at <= from_ms), default=0)
        frames += [
            DueFrame(max(start_ms + time_ms, from_ms), colour, size)
            for time_ms, colour in drawn
            if kept_from_ms <= time_ms and start_ms + time_ms < stop_ms and from_ms < stop_ms
        ]
        end_ms = max(stop_ms, end_ms) if is_twin else stop_ms
    return Truth(tuple(frames), tuple(gaps), end_ms)
