"""Decides whether viewers of a project see the bodies of recorded requests and answers."""

from app.administration.projects.record_action import record_action
from app.audit.model import Action
from app.db.engine import Database
from app.memberships.model import ProjectAccess, Role
from app.projects import writes as projects


async def set_viewers_see_bodies(
    database: Database, access: ProjectAccess, *, is_allowed: bool
) -> None:
    """Show viewers of a project the bodies of requests from the next page on, or hide them.

    Raises:
        PermissionDenied: The person is not an admin of the project.
    """
    access.require_role(Role.ADMIN)
    async with database.transaction() as connection:
        await projects.set_viewers_see_bodies(connection, access.project.id, is_allowed=is_allowed)
        await record_action(
            connection, access, Action.PROJECT_CHANGED, detail={"viewers_see_bodies": is_allowed}
        )
