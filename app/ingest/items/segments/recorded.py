"""The recording of a segment: its events scrubbed and compressed, and what they say.

skim ─ clean? ─ pack        the quick way, for nearly all
     └ unusual or not ─ read_whole
"""

import msgspec

from app.core.errors import RequestRefused
from app.formats.jsonish import JsonObject
from app.formats.replay import quick_recording, recording, recording_summary
from app.formats.replay.quick_recording import RawRecording
from app.formats.replay.recording_summary import RecordingSummary
from app.formats.stored.packed_json import pack_json, pack_text
from app.ingest.items.context import EnvelopeContext
from app.scrub import walk


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """The scrubbed events of a segment, compressed, and what they say."""

    packed: bytes
    summary: RecordingSummary
    fault: str | None = None


def read(data: memoryview | None, context: EnvelopeContext) -> Recorded:
    """Read and scrub a recording; one that cannot be read gives no events and a reason."""
    return pack(clean(skim(data), context), data, context)


def skim(data: memoryview | None) -> RawRecording | None:
    """Read a recording the quick way; None if that cannot be."""
    return None if data is None else quick_recording.try_read_recording(data)


def clean(skimmed: RawRecording | None, context: EnvelopeContext) -> RawRecording | None:
    """Return what was skimmed if it holds nothing to scrub, else None."""
    is_clean = skimmed is not None and walk.is_clean(skimmed.events_with_text, context.rules)
    return skimmed if is_clean else None


def pack(
    skimmed: RawRecording | None, data: memoryview | None, context: EnvelopeContext
) -> Recorded:
    """Compress what was skimmed and clean; without it, the recording is read whole."""
    if skimmed is None:
        return _read_whole(data, context)
    return Recorded(pack_text(skimmed.events_json), skimmed.summary)


def _read_whole(data: memoryview | None, context: EnvelopeContext) -> Recorded:
    if data is None:
        return Recorded(pack_json([]), RecordingSummary(), "the segment came without a recording")
    try:
        events = recording.read_recording(data).events
    except RequestRefused as refused:
        return Recorded(pack_json([]), RecordingSummary(), str(refused))
    scrubbed: list[JsonObject] = walk.scrub_recording(events, context.rules).value
    return Recorded(pack_json(scrubbed), recording_summary.summarize_recording(scrubbed))
