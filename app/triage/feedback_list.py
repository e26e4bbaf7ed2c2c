"""Reads the list of feedback: what people wrote, of all projects or of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.accounts.model import Person
from app.db.engine import Database
from app.db.lists import ListCursor
from app.projects.model import Project
from app.triage import feedback_entries, project_choice
from app.triage.feedback_entries import FeedbackEntry

PAGE_ROWS: Final = 25


@dataclass(frozen=True, slots=True)
class FeedbackListData:
    """A page of the list of feedback, the newest first."""

    projects: Sequence[Project]
    """The projects that the reader may see."""
    entries: tuple[FeedbackEntry, ...]
    older: ListCursor | None
    """Where the next page begins; None if this is the last page."""


async def read_feedback_list(
    db: Database, person: Person, *, project: str, before: ListCursor | None
) -> FeedbackListData:
    """Read a page of the list of feedback.

    Args:
        db: Where to read.
        person: Who reads.
        project: The id of the only project to list, or nothing for all.
        before: The place of the last entry on the page before; None for the first page.

    Raises:
        NotFound: The person may not see a project with this id.
    """
    async with db.reading() as connection:
        choice = await project_choice.read_project_choice(connection, person, project)
        entries = await feedback_entries.read_feedback_page(
            connection, choice.searched_ids, choice.visible_ids, before=before, limit=PAGE_ROWS + 1
        )
    return FeedbackListData(
        choice.visible,
        tuple(entries[:PAGE_ROWS]),
        feedback_entries.locate_entry(entries[PAGE_ROWS - 1]) if len(entries) > PAGE_ROWS else None,
    )
