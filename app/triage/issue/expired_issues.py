"""Says by which rule an issue or an event has gone, to whoever looks for it."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.errors import ExpiredData, MovedData, NotFound
from app.core.ids import EventId, ProjectId
from app.issues.deletion import expire
from app.issues.events import event_queries
from app.issues.model import IssueKey
from app.issues.regrouping import replaced_issues
from app.projects import retention_rules

_MOMENT: Final = "%d %b %Y, %H:%M UTC"


async def explain_missing_issue(connection: AsyncConnection, key: IssueKey) -> NotFound:
    """Return the error for an issue that is not here: it was replaced, or a rule has ended it."""
    successor = await replaced_issues.find_successor(connection, key)
    if successor is not None:
        return MovedData(key[1], successor)
    mark = await expire.find_issue_tombstone(connection, key)
    if mark is None:
        return NotFound("no such issue")
    events = f"{mark.events:,} event" if mark.events == 1 else f"{mark.events:,} events"
    return ExpiredData(
        "This issue has expired",
        f"“{mark.title}” had {events}. The last of them expired on {mark.expired_at:{_MOMENT}}, "
        f"by the rule “{mark.rule}”. If it happens again, it begins anew",
    )


async def explain_event_elsewhere(
    connection: AsyncConnection, key: IssueKey, event_id: EventId
) -> NotFound:
    """Return the error for an event that is not in an issue: it moved, or is not here at all."""
    issue_id = await event_queries.find_issue_of_event(connection, key[0], event_id)
    if issue_id is not None:
        return MovedData(key[1], issue_id)
    return await explain_missing_event(connection, key[0])


async def explain_missing_event(connection: AsyncConnection, project_id: ProjectId) -> NotFound:
    """Return the error for an event that is not here: it may have been too old to be kept."""
    rules = await retention_rules.read_rules(connection, project_id)
    server = await retention_rules.read_server_rules(connection)
    kept_days = rules.effective_days(server)
    if kept_days is None:
        return NotFound("no such event")
    return ExpiredData(
        "There is no such event here",
        f"This project keeps data for {kept_days:,} {'day' if kept_days == 1 else 'days'}: "
        "an older event has expired",
        status=404,
    )
