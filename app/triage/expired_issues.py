"""Says by which rule an issue or an event has gone, to whoever looks for it."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.errors import ExpiredData, NotFound
from app.core.ids import ProjectId
from app.issues import expire
from app.issues.model import IssueKey
from app.projects import retention_rules

_MOMENT: Final = "%d %b %Y, %H:%M UTC"


async def explain_missing_issue(connection: AsyncConnection, key: IssueKey) -> NotFound:
    """Return the error for an issue that is not here: a rule may have ended it."""
    mark = await expire.find_issue_tombstone(connection, key)
    if mark is None:
        return NotFound("no such issue")
    events = f"{mark.events:,} event" if mark.events == 1 else f"{mark.events:,} events"
    return ExpiredData(
        "This issue has expired",
        f"“{mark.title}” had {events}. The last of them expired on {mark.expired_at:{_MOMENT}}, "
        f"by the rule “{mark.rule}”. If it happens again, it begins anew",
    )


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
