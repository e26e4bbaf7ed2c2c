"""Replays as rows of the list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from app.core.ids import ProjectId, ReplayId
from app.playback.ending import ReplayEnding
from app.playback.links.linked_errors import ErrorMark
from app.playback.listed_replays import ListedReplay
from app.playback.pictures import schedule
from app.playback.recording import outline
from app.replays import naming
from app.replays.pictures import ReplayPictures
from app.web.urls import replay_urls
from app.web.words.replay import facts
from app.web.words.replay.endings import ending_text
from app.web.words.replay.holds import describe_hold_shortly
from app.web.words.replay.posters import Poster, describe_poster


@dataclass(frozen=True, slots=True)
class RowMark:
    """An error on the line of a row's length."""

    x: str
    """The distance from the start: `93.5%`."""
    source: Literal["app", "backend"]
    shape: Literal["app", "backend", "crash"]


@dataclass(frozen=True, slots=True)
class ReplayRow:
    """One replay in the list."""

    project_id: ProjectId
    project_name: str
    replay_id: ReplayId
    href: str
    user: str | None
    """Name, e-mail, username or id of the recorded app's user, whichever is known first."""
    started_at: datetime
    duration_ms: int
    device: str | None
    os: str | None
    """Name and version: `Android 15`."""
    app: str | None
    """Version or release of the app: `4.2.1 (871)`."""
    screens: tuple[str, ...]
    """All screens in the order visited; the page shortens."""
    app_errors: int
    backend_errors: int
    has_more_errors: bool
    """True if the replay may have more errors than were counted."""
    failed_requests: int
    segments: int
    has_video: bool
    end: str | None
    """The reason why it ended, in words (`crashed`, `in background`); None while unknown."""
    has_crashed: bool
    is_live: bool
    is_late: bool
    """True if the segments that arrive now were recorded a while ago."""
    size_bytes: int
    is_seen: bool
    """True if the reader of the list has opened the replay."""
    poster: Poster = field(default_factory=Poster)
    marks: tuple[RowMark, ...] = ()
    """Crashes last, so that they lie on top."""
    is_pinned: bool = False
    held_by: str | None = None
    """The legal hold that lasts longest: `Case 4 until 30 Jun 2027`; None if there is none."""


def replay_row(
    listed: ListedReplay,
    *,
    project_names: Mapping[ProjectId, str],
    now: datetime,
    pictures: ReplayPictures | None = None,
) -> ReplayRow:
    """Describe one replay; `now` tells whether it still goes on."""
    replay, counts = listed.replay, listed.counts
    key = replay.key
    has_video = replay.video_segments > 0
    return ReplayRow(
        project_id=key.project_id,
        project_name=project_names.get(key.project_id, ""),
        replay_id=key.replay_id,
        href=replay_urls.replay(key.project_id, key.replay_id),
        user=naming.name_user(replay.user),
        started_at=replay.recorded_at,
        duration_ms=replay.duration_ms,
        device=naming.name_device(replay.facts),
        os=naming.name_system(replay.facts),
        app=naming.name_app(replay.facts),
        screens=replay.screens,
        app_errors=counts.app,
        backend_errors=counts.backend,
        has_more_errors=counts.is_at_least,
        failed_requests=replay.counts.failed_requests,
        segments=replay.segments,
        has_video=has_video,
        end=ending_text(listed.ending),
        has_crashed=listed.ending is ReplayEnding.CRASHED,
        is_late=facts.is_late(replay),
        is_live=outline.is_arriving(replay, now=now) and listed.ending is not ReplayEnding.CRASHED,
        size_bytes=replay.video_bytes,
        is_seen=listed.is_seen,
        poster=describe_poster(
            key, pictures, has_video=has_video, is_due=schedule.is_due(replay, pictures, now=now)
        ),
        marks=_marks(counts.marks, replay.duration_ms),
        is_pinned=listed.keeping.pin is not None,
        held_by=next(map(describe_hold_shortly, listed.keeping.holds), None),
    )


def _marks(found: Sequence[ErrorMark], duration_ms: int) -> tuple[RowMark, ...]:
    return tuple(
        RowMark(
            f"{100 * mark.at_ms / max(duration_ms, 1):.4g}%",
            mark.source,
            "crash" if mark.is_crash else mark.source,
        )
        for mark in sorted(found, key=lambda mark: mark.is_crash)
    )
