"""Reads the list of feedback: what people wrote, of all projects or of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.accounts.model import Person
from app.db.engine import Database
from app.db.lists import ListPage, PageRequest
from app.projects.model import Project
from app.triage import feedback_entries, project_choice
from app.triage.feedback_entries import FeedbackEntry

PAGE_ROWS: Final = 25


@dataclass(frozen=True, slots=True)
class FeedbackListData:
    """A page of the list of feedback, the newest first."""

    projects: Sequence[Project]
    """The projects that the reader may see."""
    page: ListPage[FeedbackEntry]


async def read_feedback_list(
    db: Database, person: Person, request: PageRequest, *, project: str
) -> FeedbackListData:
    """Read a page of the list of feedback.

    Args:
        db: The database to read.
        person: The person who reads.
        request: The page; its cursors have a `TIME_KEY`.
        project: The id of the only project to list, or nothing for all.

    Raises:
        NotFound: The person may not see a project with this id.
    """
    async with db.reading() as connection:
        choice = await project_choice.read_project_choice(connection, person, project)
        page = await feedback_entries.read_feedback_page(
            connection, choice.searched_ids, choice.visible_ids, request, limit=PAGE_ROWS
        )
    return FeedbackListData(choice.visible, page)
