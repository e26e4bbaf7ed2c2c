"""Lists the projects that a rule may tell of: those that the person behind it may read now.

That is the person who made the rule, or the last one who changed what it tells or where it goes.
"""

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import queries as accounts
from app.alerts.model import AlertRule
from app.core.errors import NotFound
from app.core.ids import ProjectId
from app.memberships import queries as memberships


async def list_readable(connection: AsyncConnection, rule: AlertRule) -> list[ProjectId]:
    """Return the projects whose replays and errors a rule may tell of.

    Other projects matter since a crash of a backend may be linked to a replay of an app.

    Returns:
        The project of the rule, and those that the person behind it may read; the first one alone
        if that person is gone or disabled.
    """
    own = set() if rule.project_id is None else {rule.project_id}
    if rule.reach_of is None:
        return sorted(own)
    try:
        person = await accounts.get_person(connection, rule.reach_of)
    except NotFound:
        return sorted(own)
    if person.disabled_at is not None:
        return sorted(own)
    return sorted(own | set(await memberships.list_project_ids(connection, person)))
