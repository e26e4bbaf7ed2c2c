"""The rows of the panels that only pages of a replay show, and the filters above them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.core.ids import TraceId
from app.web.words.panels.activity import DataRow
from app.web.words.panels.problems import Source

VideoState = Literal["playable", "faulty", "none", "missing"]


@dataclass(frozen=True, slots=True)
class GapRow:
    """A gap of the replay with its cause in words."""

    start_ms: int
    end_ms: int
    reason: str
    """The cause as part of a sentence: `app in background`, `segment 7 never arrived`."""
    short_reason: str
    """The cause as a label on the timeline: `in background`, `missing`."""


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """A segment as it arrived, or one that never did."""

    segment_id: int
    at_ms: int | None
    at_href: str
    """The address that opens the replay where the segment begins."""
    duration_ms: int | None
    frames: int | None
    size_bytes: int | None
    """The size of the video."""
    width_px: int | None
    height_px: int | None
    video: VideoState
    fault: str | None
    """The reason why browsers cannot play it, or why it is missing."""
    mp4_href: str | None
    received_at: datetime | None


@dataclass(frozen=True, slots=True)
class ViewerRow:
    """A person who has opened the replay."""

    name: str
    last_at: datetime


@dataclass(frozen=True, slots=True)
class LogRow:
    """A log record of the app or of a backend."""

    at_ms: int
    level: str
    body: str
    source: Source
    project_name: str
    trace_id: TraceId | None
    data: tuple[DataRow, ...]


@dataclass(frozen=True, slots=True)
class FilterChoice:
    """A value to choose, and how many rows have it."""

    value: str
    label: str
    rows: int


@dataclass(frozen=True, slots=True)
class PanelFilter:
    """A field of choices; rows carry their values in `data-NAME`."""

    name: str
    label: str
    """The text of the field while nothing is chosen: `All methods`."""
    choices: tuple[FilterChoice, ...]
