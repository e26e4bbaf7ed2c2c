"""Writes the status that a person gives to an issue: open, resolved or ignored."""

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

    A resolved issue counts as resolved in the latest release it was seen in and all earlier ones.
    An event of a later release opens it again and marks it as regressed (`counting.count_events`).

    Raises:
        NotFound: There is no such issue.
    """
    is_issue = (issues.c.project_id == key[0], issues.c.issue_id == key[1])
    locked = select(issues.c.last_release).where(*is_issue).with_for_update()
    row = (await connection.execute(locked)).first()
    if row is None:
        raise NotFound("there is no such issue in this project")
    releases = await connection.scalars(
        select(issue_releases.c.release)
        .where(issue_releases.c.project_id == key[0], issue_releases.c.issue_id == key[1])
        .order_by(issue_releases.c.release)
        .limit(_MOST_RELEASES)
    )
    release = (
        release_order.find_latest_release(releases, row.last_release)
        if status == "resolved"
        else None
    )
    await connection.execute(
        update(issues)
        .where(*is_issue)
        .values(status=status, status_at=at, resolved_release=release, is_regressed=False)
    )
