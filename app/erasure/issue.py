"""Deletes an issue: its events and counts in one transaction, the objects of files by the sweep.

    delete the rows of the issue, its events and their files → object keys into the outbox
        → line for the log of erasures → audit line → commit

An event of the issue that arrives later, or again, makes a new issue: a problem that still exists
must not stay invisible because somebody once deleted it.
"""

from datetime import datetime

from app.audit import writes as audit_writes
from app.audit.model import Action
from app.core.errors import NotFound
from app.core.ids import PersonId
from app.db.engine import Database
from app.erasure.log import lines
from app.issues.deletion import erase
from app.issues.deletion.erase import ErasedIssue
from app.issues.model import IssueKey
from app.messages.erase import erase_from_messages


async def erase_issue(
    database: Database, key: IssueKey, *, person_id: PersonId, at: datetime
) -> ErasedIssue:
    """Delete an issue with its events and their files.

    Args:
        database: The database.
        key: The issue.
        person_id: The person who deletes it.
        at: The time of the deletion.

    Returns:
        Counts of what was deleted.

    Raises:
        NotFound: There is no such issue, or it is deleted already.
        ServiceUnavailable: Postgres does not answer; nothing is deleted then.
    """
    async with database.transaction() as connection:
        erased = await erase.erase_issue_rows(connection, key, at=at)
        if erased is None:
            raise NotFound(f"there is no issue {key[1]} in project {key[0]}")
        messages = await erase_from_messages(connection, key[0], [key[1]])
        await lines.add_issue_line(connection, key, person_id=person_id, at=at)
        await audit_writes.add_audit_line(
            connection,
            Action.ISSUE_DELETED,
            person_id=person_id,
            project_id=key[0],
            subject=key[1],
            detail={
                "events": erased.events,
                "files": erased.files,
                "file_bytes": erased.size_bytes,
                **({"messages": messages} if messages else {}),
            },
        )
    return erased
