"""Which part of the recordings of a replay is read, and the way to the others."""

from app.core import units
from app.playback.recording import recorded_segments
from app.playback.recording.contents import ReplayContents
from app.replays.model import Segment
from app.web.urls import replay_urls
from app.web.words.parts import RecordingPart
from app.web.words.phrases import count


def describe_recording_part(contents: ReplayContents) -> RecordingPart | None:
    """Say when the app noted what is left out, and where it is shown; None if all is read."""
    earlier, later = contents.earlier, contents.unread
    if not earlier and not later:
        return None
    read = contents.segments[len(earlier) :]
    stretches = []
    if earlier:
        stretches.append(f"before {_clock(contents, read[0])}" if read else "before")
    if later:
        stretches.append(f"from {_clock(contents, later[0])} on")
    text = (
        f"What the app noted {' and '.join(stretches)} is left out: breadcrumbs, requests and "
        f"touches of {count(len(earlier) + len(later), 'segment')}. A page reads "
        f"{units.format_bytes(recorded_segments.MOST_BYTES)} of recordings, and those of this "
        "replay take more. The video plays whole, and errors and traces do not depend on it."
    )
    key = contents.outline.replay.key
    return RecordingPart(
        text,
        start_href=replay_urls.replay(key.project_id, key.replay_id) if earlier else None,
        next_text=f"What it noted from {_clock(contents, later[0])} on" if later else None,
        next_href=replay_urls.replay_at(
            key.project_id,
            key.replay_id,
            at_ms=_at_ms(contents, later[0]),
            from_segment=later[0].segment_id,
        )
        if later
        else None,
    )


def _at_ms(contents: ReplayContents, segment: Segment) -> int:
    return max(0, units.ms_from_at(segment.started_at) - contents.outline.zero_ms)


def _clock(contents: ReplayContents, segment: Segment) -> str:
    return units.format_clock(_at_ms(contents, segment))
