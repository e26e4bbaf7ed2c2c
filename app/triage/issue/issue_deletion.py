"""Reads what would go with an issue, for the question before it is deleted."""

from dataclasses import dataclass

from app.issues.deletion import erase
from app.memberships import queries as memberships
from app.triage.issue.issue_reader import IssueReader, IssueSummary, read_summary


@dataclass(frozen=True, slots=True)
class IssueDeletion:
    """An issue, and the files that would be deleted with its events."""

    summary: IssueSummary
    files: int
    file_bytes: int


async def read_issue_deletion(reader: IssueReader) -> IssueDeletion:
    """Read an issue and count the files of its events.

    Raises:
        NotFound: There is no such issue.
    """
    async with reader.db.reading() as connection:
        visible_ids = await memberships.list_project_ids(connection, reader.person)
        summary = await read_summary(connection, reader, visible_ids)
        files, file_bytes = await erase.count_files(connection, reader.key)
    return IssueDeletion(summary, files, file_bytes)
