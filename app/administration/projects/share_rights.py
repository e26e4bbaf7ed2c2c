"""Decides whether members of a project hand replays out by links that open without an account."""

from app.administration.projects.record_action import record_action
from app.audit.model import Action
from app.db.engine import Database
from app.memberships.model import ProjectAccess, Role
from app.projects import writes as projects


async def set_allows_shares(database: Database, access: ProjectAccess, *, is_allowed: bool) -> None:
    """Let members hand replays out, or not; while they may not, no link of the project answers.

    Raises:
        PermissionDenied: The person is not an admin of the project.
    """
    access.require_role(Role.ADMIN)
    async with database.transaction() as connection:
        await projects.set_allows_shares(connection, access.project.id, is_allowed=is_allowed)
        await record_action(
            connection, access, Action.PROJECT_CHANGED, detail={"allows_shares": is_allowed}
        )
