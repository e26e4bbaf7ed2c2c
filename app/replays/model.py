"""The values that this domain takes in and returns; they are frozen, and no rows of tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec

from app.core import units
from app.core.days import OLD_DAY, RetentionClass
from app.core.ids import ProjectId, ReplayId, TraceId
from app.core.replay.replay_window import ClockStep
from app.db.text import JsonText
from app.formats import timestamps
from app.formats.replay.recording_summary import RecordingCounts

_CLOCK_SLACK: Final = timedelta(days=1)


class ReplayKey(NamedTuple):
    """The project and the id of a replay: two projects may hold the same id."""

    project_id: ProjectId
    replay_id: ReplayId


class StoredVideo(msgspec.Struct, frozen=True, gc=False):
    """The video of a segment.

    `layout` says where its samples lie (`app/formats/stored/video_layout.py`). It is None when the
    video cannot be played; `fault` says why then.
    """

    object_bytes: int
    width_px: int | None
    height_px: int | None
    frames: int
    duration_ms: int
    codec: str | None
    layout: bytes | None
    fault: str | None


class NewSegment(msgspec.Struct, frozen=True, gc=False):
    """One segment on its way into the tables.

    Times are aware UTC datetimes on the phone's clock. `recording` is the zstd-compressed JSON
    list of events, scrubbed. `facts` and `user` are those of this segment's replay_event, each a
    JSON object; `user` is None when nothing is known.
    """

    key: ReplayKey
    segment_id: int
    received_at: datetime
    drift_ms: int
    started_at: datetime
    ended_at: datetime
    replay_type: str | None
    is_complete: bool
    """False for segments recovered after a crash, whose facts are poor."""
    sdk_name: str | None
    facts: JsonText
    user: JsonText | None
    screens: tuple[str, ...]
    trace_ids: tuple[TraceId, ...]
    recording: bytes
    counts: RecordingCounts
    background_at: datetime | None
    """The time at which the app last left the screen in this segment; `foreground_at` is the time
    at which it last returned."""
    foreground_at: datetime | None
    declared_size_px: tuple[int, int] | None
    video: StoredVideo | None
    no_video_reason: str | None
    removals: bytes | None = None
    """The remarks on what scrubbing removed (`packed_remarks`); None if it removed nothing."""


@dataclass(frozen=True, slots=True)
class PlayableSegment:
    """A stored segment with video, as playback needs it.

    Times are milliseconds since 1970 on the clock of the replay. `layout` says where the samples of
    the video lie (`app/formats/stored/video_layout.py`).
    """

    segment_id: int
    started_at_ms: int
    ended_at_ms: int
    object_key: str
    object_offset: int
    object_bytes: int
    layout: bytes


class RecentRecording(NamedTuple):
    """The recording of a segment that came lately, as far as rules are tried on it."""

    replay_id: ReplayId
    segment_id: int
    screens: tuple[str, ...]
    recording: bytes
    """As in `NewSegment`."""


class Segment(NamedTuple):
    """A stored segment as pages list it. It is a tuple, since a page reads hundreds of them."""

    segment_id: int
    received_at: datetime
    started_at: datetime
    ended_at: datetime
    replay_type: str | None
    sdk_name: str | None
    width_px: int | None
    height_px: int | None
    frames: int
    codec: str | None
    video_fault: str | None
    object_key: str | None
    object_offset: int
    object_bytes: int
    layout: bytes | None
    screens: tuple[str, ...]
    recording: bytes | None
    """The recording, compressed; None where it was not read."""
    recording_key: str | None = None
    """The object that holds the recording, if it is to be read and lies in one."""
    recording_offset: int | None = None
    recording_bytes: int | None = None
    shift_ms: int = 0
    """Milliseconds by which the clock of the replay, used by `started_at` and `ended_at`, is ahead
    of the phone's clock in this segment."""
    removals: bytes | None = None
    """The remarks on what scrubbing removed (`packed_remarks`); None if it removed nothing."""

    @property
    def has_video(self) -> bool:
        """True if the segment has video that can be played."""
        return self.layout is not None


@dataclass(frozen=True, slots=True)
class Replay:
    """One replay: facts and totals over its segments.

    `facts` holds what `NewSegment.facts` held: platform, release, environment, dist, sdk, device,
    os, app and tags. `screens` are in the order of visit; a screen that is visited twice in a row
    stands once.
    """

    key: ReplayKey
    first_received_at: datetime
    last_received_at: datetime
    started_at: datetime
    ended_at: datetime
    drift_ms: int
    replay_type: str | None
    facts: Mapping[str, Any]
    user: Mapping[str, str]
    screens: tuple[str, ...]
    background_at: datetime | None
    foreground_at: datetime | None
    segments: int
    video_segments: int
    video_ms: int
    video_bytes: int
    frames: int
    counts: RecordingCounts
    """The counts of its recordings, added up."""
    drift_range_ms: tuple[int, int] | None = None
    """The lowest and the highest drift among its segments; None if no envelope tells one."""
    clock_steps: tuple[ClockStep, ...] = ()
    """The places at which the phone's clock was set; empty if it was not. `started_at` and
    `ended_at` are on the clock that the phone had in the first segment."""
    day: date = OLD_DAY
    """The day of its segments and objects; reads of them name it."""
    retention_class: int = RetentionClass.LONG
    closed_at: datetime | None = None
    """The time at which it was found to be complete; None while it may still grow."""
    sealed_at: datetime | None = None
    """The time at which its parts were last moved into objects of its own; None for never."""

    @property
    def recorded_at(self) -> datetime:
        """The start by the phone's clock, or by the server's if nobody had set the phone's."""
        if timestamps.is_set(self.started_at):
            return self.started_at
        return self.started_at + timedelta(milliseconds=self.drift_ms)

    @property
    def first_day(self) -> date:
        """The first day on which something may have been stored that belongs to it.

        Nothing is stored before it happens, whichever clock tells when that was.
        """
        starts = [self.first_received_at, self.started_at + timedelta(milliseconds=self.drift_ms)]
        starts += [units.at_from_ms(step.started_ms + step.drift_ms) for step in self.clock_steps]
        if timestamps.is_set(self.started_at):
            starts.append(self.started_at)
        return (min(starts) - _CLOCK_SLACK).date()

    @property
    def duration_ms(self) -> int:
        """The time from the start of the first segment to the end of the last one."""
        return round((self.ended_at - self.started_at).total_seconds() * 1000)


@dataclass(frozen=True, slots=True)
class Tombstone:
    """The mark that the deletion of a replay leaves, with the receipt of what was removed."""

    key: ReplayKey
    deleted_at: datetime
    deleted_by: int | None
    reason: str
    segments: int
    video_bytes: int
    objects: int
    swept_at: datetime | None
    day: date | None = None
    """The day of the replay; None if a release before days deleted it beside this one."""
