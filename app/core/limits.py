"""Every limit of incoming data.

Source: docs/protocol.md, section 2.4 (limits of Relay); measured hostile inputs.
"""

from dataclasses import dataclass
from typing import Final

_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class IngestLimits:
    """Limits in bytes, counts and seconds; data over a limit is refused, never cut silently."""

    head_bytes: int = 64 * 1024
    """The head of a request; also its trailers, and the framing of one chunk of its body."""
    head_lines: int = 200
    """Header lines in the head of a request; browsers and SDKs send 10 to 30."""
    body_bytes: int = 100 * _MIB
    """The request body as it comes over the wire."""
    inflated_bytes: int = 200 * _MIB
    """The envelope after Content-Encoding."""
    envelope_header_bytes: int = 64 * 1024
    item_header_bytes: int = 16 * 1024
    items: int = 200
    event_bytes: int = 1 * _MIB
    """One event, transaction or replay_event."""
    replay_video_bytes: int = 16 * _MIB
    attachment_bytes: int = 20 * _MIB
    """Relay takes 200 MiB, more than one process should hold; a screenshot has 1 MiB."""
    view_hierarchy_bytes: int = 1 * _MIB
    """A larger view hierarchy is kept as a file, but neither read nor shown."""
    recording_bytes: int = 20 * _MIB
    """A recording after its own zlib layer."""
    span_container_bytes: int = 12 * _MIB
    spans: int = 1_000
    otlp_bytes: int = 16 * _MIB
    """One OTLP request after Content-Encoding; a collector's batch of 8,192 spans has 4 to 8."""
    otlp_spans: int = 20_000
    """Spans in one OTLP request."""
    otlp_span_bytes: int = 1 * _MIB
    """One span in protobuf, or one resource, which the library reads at once."""
    otlp_made_bytes: int = 64 * _MIB
    """Spans and errors made from one OTLP request, where each span repeats the resource."""
    otlp_fields: int = 1_000_000
    """Protobuf fields in one OTLP request that the library does not read."""
    log_container_bytes: int = 12 * _MIB
    logs: int = 1_000
    """Records in one container; Java sends 100."""
    client_report_bytes: int = 100 * 1024
    sessions_bytes: int = 10 * _MIB
    session_counts: int = 1_000
    """Counts in one `sessions` item."""
    json_depth: int = 64
    json_marks: int = 2_000_000
    """Brackets, braces and commas in one JSON text, which bound the memory of its decoded form."""
    segment_id: int = 65_535
    segments: int = 2_000
    """Segments of one replay, numbered from 0; 60 minutes of 5 s segments are 720."""
    recording_events: int = 50_000
    text_bytes: int = 64 * 1024
    """One string that goes into a text column of Postgres."""
    mp4_boxes: int = 4_096
    mp4_samples: int = 20_000
    video_px: int = 4_096
    """Width and height."""
    video_ms: int = 10 * 60 * 1000
    header_s: float = 30.0
    """Time until the head of a request is complete."""
    silence_s: float = 30.0
    """Time without a byte in the middle of a request."""
    request_s: float = 15 * 60.0
    """Time of a whole request; 1 MB over 10 kbit/s takes 13 minutes."""


LIMITS: Final = IngestLimits()
