"""Feedback: what people wrote, as cards of a list and as rows of a replay's activity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core.ids import EventId, ProjectId
from app.core.replay_window import ReplayWindow
from app.feedback.model import StoredFeedback
from app.playback.links import replay_clock
from app.triage.feedback_entries import FeedbackEntry
from app.web.urls import issue_urls, replay_urls
from app.web.words.activity import ActivityRow, DataRow


@dataclass(frozen=True, slots=True)
class NoteCard:
    """What somebody wrote, and where it leads."""

    event_id: EventId
    message: str
    name: str | None
    email: str | None
    at: datetime
    """By the server's clock."""
    project_name: str
    url: str | None
    release: str | None
    environment: str | None
    error: str | None
    """The title of the error that it is about."""
    error_href: str | None
    is_error_missed: bool
    """It names an event that is not here."""
    replay_href: str | None
    """At the moment it was written, if that lies in it."""
    replay_at_ms: int | None


def cards(found: Sequence[FeedbackEntry], names: Mapping[ProjectId, str]) -> tuple[NoteCard, ...]:
    """Describe what people wrote.

    Args:
        found: In the order of the page.
        names: Of the projects that the reader sees.
    """
    return tuple(_card(one, names) for one in found)


def rows(
    found: Sequence[StoredFeedback],
    window: ReplayWindow,
    *,
    project_id: ProjectId,
    zero_ms: int,
) -> list[ActivityRow]:
    """Describe the feedback of a replay as rows of its activity.

    Args:
        found: The feedback.
        window: The reach of the replay.
        project_id: The replay's project.
        zero_ms: How far the page's zero is behind the start of the replay.
    """
    return [
        ActivityRow(
            at_ms=_at_ms(one, window, project_id=project_id) - zero_ms,
            kind="other",
            icon="note",
            category="feedback",
            title=one.message,
            detail=_contact(one),
            data=tuple(
                DataRow(name, value)
                for name, value in (("name", one.name), ("email", one.email), ("url", one.url))
                if value
            ),
        )
        for one in found
    ]


def _card(one: FeedbackEntry, names: Mapping[ProjectId, str]) -> NoteCard:
    written = one.feedback
    named = written.associated_event_id
    is_here = named is not None and one.issue_id is not None
    return NoteCard(
        event_id=written.event_id,
        message=written.message,
        name=written.name,
        email=written.email,
        at=min(written.at + timedelta(milliseconds=written.drift_ms), written.received_at),
        project_name=names.get(written.project_id, ""),
        url=written.url,
        release=written.release,
        environment=written.environment,
        error=one.error,
        error_href=issue_urls.issue_event(written.project_id, one.issue_id, named)
        if named and one.issue_id
        else None,
        is_error_missed=named is not None and not is_here,
        replay_href=_replay_href(one),
        replay_at_ms=one.at_ms,
    )


def _replay_href(one: FeedbackEntry) -> str | None:
    if one.replay is None:
        return None
    project_id, replay_id = one.replay.project_id, one.replay.replay_id
    if one.at_ms is None:
        return replay_urls.replay(project_id, replay_id)
    return replay_urls.replay_at(project_id, replay_id, at_ms=one.at_ms)


def _contact(one: StoredFeedback) -> str | None:
    return ", ".join(part for part in (one.name, one.email) if part) or None


def _at_ms(one: StoredFeedback, window: ReplayWindow, *, project_id: ProjectId) -> int:
    made_by = replay_clock.find_side(project_id, one.project_id, one.platform)
    return replay_clock.find_offset_ms(window, one.at, one.drift_ms, made_by=made_by)
