"""Erasing an issue: its events and counts in one transaction, the files' objects by the sweep.

    rows of the issue, its events and their files out → keys to the outbox → audit line → commit

An event of the issue that comes later, or again, is a new one: a problem that is still there must
not stay unseen because somebody once deleted it.
"""

from datetime import datetime

from app.audit import writes as audit_writes
from app.audit.model import Action
from app.core.errors import NotFound
from app.core.ids import PersonId
from app.db.engine import Database
from app.issues import erase
from app.issues.erase import ErasedIssue
from app.issues.model import IssueKey


async def erase_issue(
    database: Database, key: IssueKey, *, person_id: PersonId, at: datetime
) -> ErasedIssue:
    """Delete an issue with its events and their files.

    Args:
        database: Where it is.
        key: Which issue.
        person_id: Who asks.
        at: When.

    Returns:
        What went.

    Raises:
        NotFound: There is no such issue, or it is deleted already.
        ServiceUnavailable: Postgres does not answer; nothing is deleted then.
    """
    async with database.transaction() as connection:
        erased = await erase.erase_issue_rows(connection, key, at=at)
        if erased is None:
            raise NotFound(f"there is no issue {key[1]} in project {key[0]}")
        await audit_writes.add_line(
            connection,
            Action.ISSUE_DELETED,
            person_id=person_id,
            project_id=key[0],
            subject=key[1],
            detail={
                "events": erased.events,
                "files": erased.files,
                "file_bytes": erased.size_bytes,
            },
        )
    return erased
