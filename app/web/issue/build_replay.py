"""Builds the preview of an event's replay, or the note about why the replay is missing."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from app.core.replay.replay_range import ReplayRange
from app.projects.model import OutcomeCount
from app.replays import naming
from app.triage.event.issue_event import EventReplay, MissingReplay
from app.web.issue.page import MissingReplayNote, ReplayPreview
from app.web.urls import replay_urls
from app.web.words.phrases import count

_BEFORE_MS: Final = 5_000
_AFTER_MS: Final = 5_000
_LOSSES: Final = {
    "refused": "refused here",
    "limited": "over a limit here",
    "dropped_by_sdk": "dropped by the SDK",
}
"""Outcomes by which a replay is lost, in words."""


def build_preview(replay: EventReplay) -> ReplayPreview:
    """Describe the seconds of a replay around an event."""
    linked, video_ms = replay.linked, replay.video_ms
    key = linked.replay.key
    wanted_ms = max(0, linked.at_ms - replay.zero_ms)
    at_ms = min(wanted_ms, video_ms) if video_ms else wanted_ms
    has_video = video_ms > 0 and not linked.is_apart
    # As the player marks it: at either end of the replay the range moves, and keeps its length.
    latest_ms = video_ms - _BEFORE_MS - _AFTER_MS if video_ms else at_ms
    from_ms = max(0, min(at_ms - _BEFORE_MS, latest_ms))
    to_ms = from_ms + _BEFORE_MS + _AFTER_MS
    to_ms = min(video_ms, to_ms) if video_ms else to_ms
    width_px, height_px = replay.size_px or (None, None)
    return ReplayPreview(
        href=replay_urls.replay(key.project_id, key.replay_id)
        if linked.is_apart
        else replay_urls.replay_at(key.project_id, key.replay_id, at_ms=at_ms),
        replay_id=key.replay_id,
        user=naming.name_user(linked.replay.user),
        at_ms=at_ms,
        from_ms=from_ms,
        to_ms=to_ms,
        index_href=replay_urls.index(key.project_id, key.replay_id),
        stream_href=replay_urls.stream(key.project_id, key.replay_id),
        has_video=has_video,
        is_apart=linked.is_apart,
        is_processing=replay.is_processing,
        width_px=width_px,
        height_px=height_px,
        hand_on_href=replay_urls.hand_on(
            key.project_id,
            key.replay_id,
            replay_range=ReplayRange(from_ms, to_ms) if has_video else None,
        ),
    )


def describe_missing_replay(missing: MissingReplay, received_at: datetime) -> MissingReplayNote:
    """Describe why an event that was received at a time has no replay."""
    return MissingReplayNote(
        replay_id=missing.replay_id,
        deleted_by=missing.deleted_by or "somebody",
        deleted_at=missing.deleted_at,
        losses=describe_losses(missing.outcomes, received_at),
        is_recent=missing.is_recent,
    )


def describe_losses(outcomes: Sequence[OutcomeCount], at: datetime) -> tuple[str, ...]:
    """Describe the replay items lost on the day of an event, the day before and the day after."""
    days = {at.date() + timedelta(days=step) for step in (-1, 0, 1)}
    lost: Counter[tuple[str, str]] = Counter()
    for counted in outcomes:
        is_lost = counted.outcome in _LOSSES and counted.item_type.startswith("replay")
        if is_lost and counted.day in days:
            lost[counted.outcome, counted.reason] += counted.quantity
    return tuple(
        f"{count(quantity, 'replay item')} {_LOSSES[outcome]}: {reason or 'no reason given'}"
        for (outcome, reason), quantity in sorted(lost.items())
    )
