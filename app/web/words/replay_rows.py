"""Replays as rows of the list."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from app.core.ids import ProjectId
from app.playback import page
from app.playback.linked_errors import Mark
from app.playback.search import Hit
from app.replays.pictures import Pictures
from app.web.replays.page import ReplayRow, RowMark
from app.web.words import facts, page_links
from app.web.words.posters import is_due, poster_of


def replay_row(
    hit: Hit,
    *,
    project_names: Mapping[ProjectId, str],
    now: datetime,
    pictures: Pictures | None = None,
) -> ReplayRow:
    """Describe one replay; `now` tells whether it still goes on."""
    replay, counts = hit.replay, hit.counts
    key = replay.key
    has_video = replay.video_segments > 0
    return ReplayRow(
        project_id=key.project_id,
        project_name=project_names.get(key.project_id, ""),
        replay_id=key.replay_id,
        href=page_links.replay(key.project_id, key.replay_id),
        user=facts.user_of(replay.user),
        started_at=replay.recorded_at,
        duration_ms=replay.duration_ms,
        device=facts.device_of(replay.facts),
        os=facts.system_of(replay.facts),
        app=facts.app_of(replay.facts),
        screens=replay.screens,
        app_errors=counts.app,
        backend_errors=counts.backend,
        segments=replay.segments,
        has_video=has_video,
        end=hit.ended.text,
        has_crashed=hit.ended.has_crashed,
        is_late=facts.is_late(replay),
        is_live=page.is_arriving(replay, now=now) and not hit.ended.has_crashed,
        size_bytes=replay.video_bytes,
        is_seen=hit.is_seen,
        poster=poster_of(
            key, pictures, has_video=has_video, is_due=is_due(replay, pictures, now=now)
        ),
        marks=_marks(counts.marks, replay.duration_ms),
    )


def _marks(found: Sequence[Mark], duration_ms: int) -> tuple[RowMark, ...]:
    return tuple(
        RowMark(
            f"{100 * mark.at_ms / max(duration_ms, 1):.4g}%",
            mark.source,
            "crash" if mark.is_crash else mark.source,
        )
        for mark in sorted(found, key=lambda mark: mark.is_crash)
    )
