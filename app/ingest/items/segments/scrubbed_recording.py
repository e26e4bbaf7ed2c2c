"""Reads the recording of a segment without secrets: decode, scrub, sum up, compress.

`quick_recording.py` does so without building the events, for recordings without secrets.
"""

from collections.abc import Sequence

import msgspec

from app.core.errors import RequestRefused
from app.formats.jsonish import JsonObject
from app.formats.replay import recording, recording_summary
from app.formats.replay.recording_summary import RecordingSummary
from app.formats.stored.packed_json import pack_json
from app.ingest.items.context import EnvelopeContext
from app.scrub import walk
from app.scrub.rules import ScrubRemark
from app.scrub.taps.recording import hide_recorded_taps


class ScrubbedRecording(msgspec.Struct, frozen=True, gc=False):
    """A recording without secrets."""

    packed: bytes
    """The events, compressed."""
    summary: RecordingSummary
    fault: str | None = None
    """The reason why there are no events, for people, or None if the recording could be read."""
    remarks: tuple[ScrubRemark, ...] = ()
    """The remarks on what was removed from it."""


def read_recording(
    data: memoryview | None, context: EnvelopeContext, *, screens: Sequence[str] = ()
) -> ScrubbedRecording:
    """Read a recording; one that cannot be read has no events, and a fault.

    Args:
        data: The recording as sent.
        context: The context of its envelope.
        screens: The screens that the event of the segment names, in their order.
    """
    if data is None:
        return _make_empty_recording("the segment came without a recording")
    try:
        events = recording.read_recording(data).events
    except RequestRefused as refused:
        return _make_empty_recording(str(refused))
    tap_remarks: tuple[ScrubRemark, ...] = ()
    if context.taps.hides_any:
        without_taps = hide_recorded_taps(events, context.taps, screens)
        events, tap_remarks = without_taps.events, without_taps.remarks
    result = walk.scrub_recording(events, context.rules)
    clean: list[JsonObject] = result.value
    summary = recording_summary.summarize_recording(clean)
    return ScrubbedRecording(pack_json(clean), summary, remarks=(*tap_remarks, *result.remarks))


def _make_empty_recording(fault: str) -> ScrubbedRecording:
    return ScrubbedRecording(pack_json([]), RecordingSummary(), fault)
