"""Builds the pages of an issue from what their use cases read."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from app.playback.links import replay_clock
from app.triage.issue.issue_deletion import IssueDeletion
from app.triage.issue.issue_feedback import IssueFeedbackData
from app.triage.issue.issue_page import IssuePageData
from app.triage.issue.issue_reader import IssueSummary
from app.triage.issue.issue_replays import IssueReplay, IssueReplaysData
from app.web.frame import cursors
from app.web.issue.build_event import build_event
from app.web.issue.page import (
    DeleteIssuePage,
    IssueFeedbackPage,
    IssueHead,
    IssuePage,
    IssueReplayRow,
    IssueReplaysPage,
)
from app.web.urls import issue_urls, project_urls, replay_urls
from app.web.words import charts, feedback_cards, issue_kinds
from app.web.words.parts import describe_slice
from app.web.words.replay import replay_rows


@dataclass(frozen=True, slots=True)
class Permissions:
    """The actions that a visitor may take on the pages of an issue."""

    may_change: bool
    """True if they may resolve, ignore or reopen it, and symbolicate its events again."""
    may_delete: bool
    may_download: bool
    """True if they may have the files of its events."""
    may_see_pictures: bool
    """True if pictures among the files are shown to them."""


def build_issue_page(
    data: IssuePageData, permissions: Permissions, *, path: str, is_as_sent: bool = False
) -> IssuePage:
    """Describe an issue with one of its events.

    Args:
        data: The value that the use case has read.
        permissions: The rights of the visitor.
        path: The path of this page, which the parts of its lists lead to.
        is_as_sent: True if the stack is shown as it was sent.
    """
    event = None
    if data.event:
        event = build_event(
            data.event,
            hierarchy=data.hierarchy,
            may_change=permissions.may_change,
            may_download=permissions.may_download,
            may_see_pictures=permissions.may_see_pictures,
            is_as_sent=is_as_sent,
        )
    return IssuePage(
        head=replace(
            build_head(
                data.summary, permissions, event_id=data.event.event.event_id if data.event else ""
            ),
            tickets=data.tickets,
        ),
        event=event,
        day=charts.draw_hours(data.events_by_hour, data.read_at),
        month=charts.draw_days(data.events_by_hour, data.read_at),
        releases=data.releases.rows,
        release_part=describe_slice(
            "release",
            data.releases,
            href=lambda first: issue_urls.issue_releases(path, first=first),
        ),
        tags=data.tags,
        hidden_tags=data.hidden_tags,
        tagged_events=data.tagged_events,
    )


def build_head(summary: IssueSummary, permissions: Permissions, *, event_id: str = "") -> IssueHead:
    """Describe an issue for the head of its pages.

    Args:
        summary: The issue.
        permissions: The rights of the visitor.
        event_id: The event that is shown; empty for none.
    """
    issue, project = summary.issue, summary.project
    key = (issue.project_id, issue.issue_id)
    return IssueHead(
        project_id=issue.project_id,
        project_name=project.name,
        project_href=project_urls.project(project.id),
        issue_id=issue.issue_id,
        href=issue_urls.issue(*key),
        replays_href=issue_urls.issue_replays(*key),
        feedback_href=issue_urls.issue_feedback(*key),
        status_href=issue_urls.issue_status(*key),
        delete_href=issue_urls.delete_issue(*key) if permissions.may_delete else None,
        report_href=issue_urls.issue_report(*key, event_id=event_id),
        report_file_href=issue_urls.issue_report_file(*key, "report.md", event_id=event_id),
        may_change=permissions.may_change,
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
        replay_users=summary.replay_users,
        replays=issue.replays,
    )


def build_replays_page(
    data: IssueReplaysData, permissions: Permissions, *, now: datetime
) -> IssueReplaysPage:
    """Describe replays as the list of replays does, and lead into each at the event.

    Args:
        data: The value that the use case has read.
        permissions: The rights of the visitor.
        now: The server's time, to tell live replays.
    """
    issue, page = data.summary.issue, data.page
    href_of = partial(issue_urls.issue_replays, issue.project_id, issue.issue_id)
    return IssueReplaysPage(
        head=build_head(data.summary, permissions),
        rows=tuple(_build_replay_row(replay, data, now) for replay in page.rows),
        back_href=href_of(before=cursors.write_cursor(page.back)) if page.back else None,
        next_href=href_of(after=cursors.write_cursor(page.next)) if page.next else None,
        named=issue.named_replays,
    )


def build_feedback_page(data: IssueFeedbackData, permissions: Permissions) -> IssueFeedbackPage:
    """Describe what people wrote about an issue."""
    issue, page = data.summary.issue, data.page
    href_of = partial(issue_urls.issue_feedback, issue.project_id, issue.issue_id)
    return IssueFeedbackPage(
        head=build_head(data.summary, permissions),
        cards=feedback_cards.build_cards(page.rows, data.project_names),
        back_href=href_of(before=cursors.write_cursor(page.back)) if page.back else None,
        next_href=href_of(after=cursors.write_cursor(page.next)) if page.next else None,
    )


def build_deletion_page(deletion: IssueDeletion, permissions: Permissions) -> DeleteIssuePage:
    """Describe what is deleted with an issue."""
    head = build_head(deletion.summary, permissions)
    return DeleteIssuePage(head, deletion.files, deletion.file_bytes)


def _build_replay_row(replay: IssueReplay, data: IssueReplaysData, now: datetime) -> IssueReplayRow:
    row = replay_rows.replay_row(
        replay.listed, project_names=data.project_names, now=now, pictures=replay.pictures
    )
    at_ms = min(max(0, replay.at_ms), row.duration_ms)
    href = row.href
    if at_ms:
        href = replay_urls.replay_at(row.project_id, row.replay_id, at_ms=at_ms)
    return IssueReplayRow(row, at_ms, href)
