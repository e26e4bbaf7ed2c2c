"""Builds what stands above every page of an issue, and its previews."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from app.core import units
from app.issues.model import Issue
from app.playback.links import replay_clock
from app.projects.model import OutcomeCount, Project
from app.triage.issue_links import LinkedReplay
from app.web.issue.page import IssueHead, Preview
from app.web.urls import issue_urls, project_urls, replay_urls
from app.web.words import facts, issue_kinds
from app.web.words.phrases import count

BEFORE_MS: Final = 5_000
AFTER_MS: Final = 5_000
_LOST: Final = frozenset({"refused", "limited", "dropped_by_sdk"})
_REPLAY_ITEMS: Final = ("replay",)
_WORDS: Final = {
    "refused": "refused here",
    "limited": "over a limit here",
    "dropped_by_sdk": "dropped by the SDK",
}
RECENT: Final = timedelta(hours=1)
"""So long a replay may still come."""
DAY: Final = timedelta(days=1)


def head(
    issue: Issue, project: Project, *, replay_users: int, may_change: bool, may_delete: bool
) -> IssueHead:
    """Describe an issue.

    Args:
        issue: Its row.
        project: Its project.
        replay_users: How many users only its replays name.
        may_change: Whether the visitor may resolve or ignore it.
        may_delete: Whether they may erase it.
    """
    key = (issue.project_id, issue.issue_id)
    path = issue_urls.issue(*key)
    return IssueHead(
        project_id=issue.project_id,
        project_name=project.name,
        project_href=project_urls.project(project.id),
        issue_id=issue.issue_id,
        href=path,
        replays_href=issue_urls.issue_replays(*key),
        feedback_href=issue_urls.issue_feedback(*key),
        status_href=issue_urls.issue_status(*key),
        delete_href=issue_urls.delete_issue(*key) if may_delete else None,
        may_change=may_change,
        title=issue.title,
        culprit=issue.culprit,
        kind=issue_kinds.KINDS.get(issue.kind, "Error"),
        shape=issue_kinds.shape_of(issue.kind),
        source=replay_clock.find_side(issue.project_id, issue.project_id, issue.platform),
        level=issue.level,
        status=issue.status,
        status_at=issue.status_at,
        resolved_release=issue.resolved_release,
        is_regressed=issue.is_regressed,
        first_seen_at=issue.first_seen_at,
        first_release=issue.first_release,
        last_seen_at=issue.last_seen_at,
        last_release=issue.last_release,
        events=issue.events,
        users=issue.users,
        replay_users=replay_users,
        replays=issue.replays,
    )


def preview(
    linked: LinkedReplay,
    *,
    zero_ms: int,
    duration_ms: int,
    size_px: tuple[int, int] | None,
    is_processing: bool,
) -> Preview:
    """Describe the stretch of a replay around an event.

    Args:
        linked: The replay, and where the event lies on its clock.
        zero_ms: How far the player's zero is behind the start of the replay.
        duration_ms: Of the pictures; 0 if there are none.
        size_px: Of the first picture.
        is_processing: Whether pictures may still come.
    """
    key = linked.replay.key
    wanted_ms = max(0, linked.at_ms - zero_ms)
    at_ms = min(wanted_ms, duration_ms) if duration_ms else wanted_ms
    return Preview(
        href=replay_urls.replay(key.project_id, key.replay_id)
        if linked.is_apart
        else replay_urls.replay_at(key.project_id, key.replay_id, at_ms=at_ms),
        replay_id=key.replay_id,
        user=facts.user_of(linked.replay.user),
        at_ms=at_ms,
        from_ms=max(0, at_ms - BEFORE_MS),
        to_ms=min(duration_ms, at_ms + AFTER_MS) if duration_ms else at_ms + AFTER_MS,
        index_href=replay_urls.index(key.project_id, key.replay_id),
        stream_href=replay_urls.stream(key.project_id, key.replay_id),
        has_video=duration_ms > 0 and not linked.is_apart,
        is_apart=linked.is_apart,
        is_processing=is_processing,
        width_px=size_px[0] if size_px else None,
        height_px=size_px[1] if size_px else None,
    )


def losses(outcomes: Sequence[OutcomeCount], at: datetime) -> tuple[str, ...]:
    """Say what is known of replays lost on the day of an event, and the days beside it."""
    days = {at.date() + timedelta(days=step) for step in (-1, 0, 1)}
    found: dict[tuple[str, str], int] = {}
    for one in outcomes:
        if one.day in days and one.outcome in _LOST and one.item_type.startswith(_REPLAY_ITEMS):
            place = (one.outcome, one.reason)
            found[place] = found.get(place, 0) + one.quantity
    return tuple(
        f"{count(quantity, 'replay item')} {_WORDS[outcome]}: {reason or 'no reason given'}"
        for (outcome, reason), quantity in sorted(found.items())
    )


def zero_of(linked: LinkedReplay, started_at_ms: int) -> int:
    """Return how far the player's zero is behind the start of the replay."""
    return started_at_ms - units.ms_from_at(linked.replay.started_at)
