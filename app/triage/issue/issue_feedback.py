"""Reads what people wrote about the errors of an issue."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.core.ids import ProjectId
from app.db.lists import ListPage, PageRequest
from app.memberships import queries as memberships
from app.triage import feedback_entries
from app.triage.feedback_entries import FeedbackEntry
from app.triage.issue.issue_reader import IssueReader, IssueSummary, read_summary

PAGE_ROWS: Final = 100


@dataclass(frozen=True, slots=True)
class IssueFeedbackData:
    """A page of the feedback about an issue, the newest first."""

    summary: IssueSummary
    page: ListPage[FeedbackEntry]
    project_names: Mapping[ProjectId, str]
    """Names of the projects that the reader may see."""


async def read_issue_feedback(reader: IssueReader, request: PageRequest) -> IssueFeedbackData:
    """Read a page of the feedback about an issue.

    Args:
        reader: The person who reads, and the issue.
        request: The page; its cursors have a `TIME_KEY`.

    Raises:
        NotFound: There is no such issue.
    """
    async with reader.db.reading() as connection:
        visible = await memberships.list_projects(connection, reader.person)
        visible_ids = [project.id for project in visible]
        summary = await read_summary(connection, reader, visible_ids)
        page = await feedback_entries.read_issue_feedback(
            connection, reader.key, visible_ids, request, limit=PAGE_ROWS
        )
    return IssueFeedbackData(summary, page, {project.id: project.name for project in visible})
