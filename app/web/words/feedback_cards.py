"""Feedback as cards: what people wrote, and the error and replay it is about."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core.ids import EventId, ProjectId
from app.triage.feedback_entries import FeedbackEntry
from app.web.urls import issue_urls, replay_urls


@dataclass(frozen=True, slots=True)
class FeedbackCard:
    """A piece of feedback, and the pages to which it leads."""

    event_id: EventId
    message: str
    name: str | None
    email: str | None
    at: datetime
    """The time at which it was written, by the server's clock."""
    project_name: str
    url: str | None
    release: str | None
    environment: str | None
    error: str | None
    """The title of the error that it is about."""
    error_href: str | None
    is_error_missing: bool
    """True if it names an error that is not here."""
    replay_href: str | None
    """Leads to the replay, at the moment of writing if that lies in the replay."""
    replay_at_ms: int | None


def build_cards(
    entries: Iterable[FeedbackEntry], project_names: Mapping[ProjectId, str]
) -> tuple[FeedbackCard, ...]:
    """Describe what people wrote.

    Args:
        entries: In the order of the page.
        project_names: Names of the projects that the reader may see.
    """
    return tuple(_build_card(entry, project_names) for entry in entries)


def _build_card(entry: FeedbackEntry, project_names: Mapping[ProjectId, str]) -> FeedbackCard:
    feedback, error_href = entry.feedback, None
    error_id = feedback.associated_event_id
    if error_id and entry.issue_id:
        error_href = issue_urls.issue_event(feedback.project_id, entry.issue_id, error_id)
    return FeedbackCard(
        event_id=feedback.event_id,
        message=feedback.message,
        name=feedback.name,
        email=feedback.email,
        at=min(feedback.at + timedelta(milliseconds=feedback.drift_ms), feedback.received_at),
        project_name=project_names.get(feedback.project_id, ""),
        url=feedback.url,
        release=feedback.release,
        environment=feedback.environment,
        error=entry.error,
        error_href=error_href,
        is_error_missing=error_id is not None and error_href is None,
        replay_href=_find_replay_href(entry),
        replay_at_ms=entry.at_ms,
    )


def _find_replay_href(entry: FeedbackEntry) -> str | None:
    if entry.replay is None:
        return None
    project_id, replay_id = entry.replay.project_id, entry.replay.replay_id
    if entry.at_ms is None:
        return replay_urls.replay(project_id, replay_id)
    return replay_urls.replay_at(project_id, replay_id, at_ms=entry.at_ms)
