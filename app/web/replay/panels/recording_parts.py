"""Describes which part of the recordings of a replay is read, and links to the others."""

from app.core import units
from app.playback.recording import recorded_segments
from app.playback.recording.contents import ReplayContents
from app.replays.model import Segment
from app.web.urls.replay_address import ReplayAddress
from app.web.words.parts import RecordingPart
from app.web.words.phrases import count


def describe_recording_part(
    contents: ReplayContents, address: ReplayAddress
) -> RecordingPart | None:
    """Say which recordings are left out, and where they are shown; None if all are read.

    The storage that holds the recordings of a sealed replay may not answer.
    """
    earlier, later = contents.earlier, contents.unread
    if not earlier and not later:
        return None
    read = contents.segments[len(earlier) :]
    if contents.is_storage_away and later:
        return _describe_storage_outage(contents)
    left_out = []
    if earlier:
        left_out.append(f"before {_format_start(contents, read[0])}" if read else "before")
    if later:
        left_out.append(f"from {_format_start(contents, later[0])} on")
    text = (
        f"Recordings {' and '.join(left_out)} are not shown: breadcrumbs, requests and touches of "
        f"{count(len(earlier) + len(later), 'segment')}. A page reads up to "
        f"{units.format_bytes(recorded_segments.MOST_BYTES)} of recordings, and this replay has "
        "more. The video, the errors and the traces are complete."
    )
    return RecordingPart(
        text,
        start_href=address.href if earlier else None,
        next_text=f"Recordings from {_format_start(contents, later[0])} on" if later else None,
        next_href=address.at(_find_start_ms(contents, later[0]), from_segment=later[0].segment_id)
        if later
        else None,
    )


def _describe_storage_outage(contents: ReplayContents) -> RecordingPart:
    segments = count(len(contents.unread), "segment")
    text = (
        f"Breadcrumbs, requests and touches of {segments} cannot be read now, since the storage "
        "does not answer. Nothing is lost; load the page again later."
    )
    return RecordingPart(text, start_href=None, next_text=None, next_href=None)


def _find_start_ms(contents: ReplayContents, segment: Segment) -> int:
    return max(0, units.ms_from_at(segment.started_at) - contents.outline.zero_ms)


def _format_start(contents: ReplayContents, segment: Segment) -> str:
    return units.format_clock(_find_start_ms(contents, segment))
