"""What this domain hands upward: frozen values, no table objects."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlayableSegment:
    """A stored segment with video: where its bytes are and how they lie.

    Times are milliseconds since 1970 on the phone's clock. `layout` is what
    `formats.layout.pack` made of the MP4.
    """

    segment_id: int
    started_at_ms: int
    ended_at_ms: int
    object_key: str
    object_offset: int
    object_bytes: int
    layout: bytes
