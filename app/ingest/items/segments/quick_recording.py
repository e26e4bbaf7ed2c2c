"""Reads recordings that hold no secrets, and keeps their events as they were sent.

recording ─► typed events ─► does any hold a secret? ─ no ─► compressed as they came
"""

from collections.abc import Sequence

from app.formats.replay.quick_recording import RawRecording, try_read_recording
from app.formats.stored.packed_json import pack_text
from app.ingest.items.context import EnvelopeContext
from app.ingest.items.segments.scrubbed_recording import ScrubbedRecording
from app.ingest.items.stages import run_stage
from app.scrub import walk


def try_read_recordings(
    payloads: Sequence[memoryview | None], contexts: Sequence[EnvelopeContext]
) -> list[ScrubbedRecording | None]:
    """Read the recordings of several segments, all of them stage by stage.

    Args:
        payloads: The recordings; None for a segment without one.
        contexts: The contexts of their envelopes.

    Returns:
        None for a recording that is unusual or may hold a secret.
    """
    raw = run_stage(_decode_recording, payloads, contexts)
    clean = run_stage(_scrub_recording, raw, contexts)
    return run_stage(_pack_recording, clean, contexts)


def _decode_recording(data: memoryview, context: EnvelopeContext) -> RawRecording | None:
    return None if context.taps.hides_any else try_read_recording(data)


def _scrub_recording(raw: RawRecording, context: EnvelopeContext) -> RawRecording | None:
    """Return a recording without secrets as it is; leave one that may hold some."""
    return raw if walk.is_clean(raw.events_with_text, context.rules) else None


def _pack_recording(raw: RawRecording, _context: EnvelopeContext) -> ScrubbedRecording:
    return ScrubbedRecording(pack_text(raw.events_json), raw.summary)
