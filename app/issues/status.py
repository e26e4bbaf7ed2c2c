"""What a person decides about an issue: open, resolved, ignored."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.errors import NotFound
from app.formats.events import release_order
from app.issues.model import IssueKey, Status
from app.issues.tables import issue_releases, issues

_MOST_RELEASES = 1_000


async def set_issue_status(
    connection: AsyncConnection, key: IssueKey, status: Status, *, at: datetime
) -> None:
    """Set the status of an issue.

    To resolve it means: in the latest release it was seen in, and all before. An event of a later
    one opens it again, and marks it regressed (`issues.add`).

    Raises:
        NotFound: There is no such issue.
    """
    here = (issues.c.project_id == key[0], issues.c.issue_id == key[1])
    found = await connection.execute(select(issues.c.last_release).where(*here).with_for_update())
    row = found.first()
    if row is None:
        raise NotFound("there is no such issue in this project")
    seen = await connection.scalars(
        select(issue_releases.c.release)
        .where(issue_releases.c.project_id == key[0], issue_releases.c.issue_id == key[1])
        .order_by(issue_releases.c.release)
        .limit(_MOST_RELEASES)
    )
    release = (
        release_order.find_latest_release(seen, row.last_release) if status == "resolved" else None
    )
    await connection.execute(
        update(issues)
        .where(*here)
        .values(status=status, status_at=at, resolved_release=release, is_regressed=False)
    )
