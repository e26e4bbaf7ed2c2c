"""Reads what people wrote about the errors of an issue."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.core.ids import ProjectId
from app.db.lists import ListCursor
from app.memberships import queries as memberships
from app.triage import feedback_entries
from app.triage.feedback_entries import FeedbackEntry
from app.triage.issue_reader import IssueReader, IssueSummary, read_summary

PAGE_ROWS: Final = 100


@dataclass(frozen=True, slots=True)
class IssueFeedbackData:
    """A page of the feedback about an issue, the newest first."""

    summary: IssueSummary
    entries: tuple[FeedbackEntry, ...]
    older: ListCursor | None
    """Where the next page begins; None if this is the last page."""
    project_names: Mapping[ProjectId, str]
    """Names of the projects that the reader may see."""


async def read_issue_feedback(
    reader: IssueReader, *, before: ListCursor | None
) -> IssueFeedbackData:
    """Read a page of the feedback about an issue.

    Args:
        reader: Who reads about which issue.
        before: The place of the last entry on the page before; None for the first page.

    Raises:
        NotFound: There is no such issue.
    """
    async with reader.db.reading() as connection:
        visible = await memberships.list_projects(connection, reader.person)
        visible_ids = [project.id for project in visible]
        summary = await read_summary(connection, reader, visible_ids)
        entries = await feedback_entries.read_issue_feedback(
            connection, reader.key, visible_ids, before=before, limit=PAGE_ROWS + 1
        )
    return IssueFeedbackData(
        summary,
        tuple(entries[:PAGE_ROWS]),
        feedback_entries.locate_entry(entries[PAGE_ROWS - 1]) if len(entries) > PAGE_ROWS else None,
        {project.id: project.name for project in visible},
    )
