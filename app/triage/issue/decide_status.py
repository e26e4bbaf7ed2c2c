"""Resolves, ignores or reopens an issue, and records who did."""

from typing import Final

from app.audit import writes as audit
from app.audit.model import Action
from app.core import clock
from app.core.ids import PersonId
from app.db.engine import Database
from app.issues.model import IssueKey, Status
from app.issues.status import set_issue_status

_ACTIONS: Final[dict[Status, Action]] = {
    "open": Action.ISSUE_REOPENED,
    "resolved": Action.ISSUE_RESOLVED,
    "ignored": Action.ISSUE_IGNORED,
}


async def decide_status(
    db: Database, key: IssueKey, status: Status, *, person_id: PersonId
) -> None:
    """Set the status of an issue, and add a line to the activity log.

    Raises:
        NotFound: There is no such issue.
    """
    async with db.transaction() as connection:
        await set_issue_status(connection, key, status, at=clock.now())
        await audit.add_audit_line(
            connection, _ACTIONS[status], person_id=person_id, project_id=key[0], subject=key[1]
        )
