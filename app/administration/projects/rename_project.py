"""Renames a project; its slug and its DSNs stay."""

from app.administration.projects.record_action import record_action
from app.audit.model import Action
from app.db.engine import Database
from app.memberships.model import ProjectAccess, Role
from app.projects import writes as projects


async def rename_project(database: Database, access: ProjectAccess, name: str) -> None:
    """Give a project another name.

    Raises:
        PermissionDenied: The person is not an admin of the project.
        InvalidInput: The name is empty or too long.
    """
    access.require_role(Role.ADMIN)
    async with database.transaction() as connection:
        await projects.rename_project(connection, access.project.id, name)
        await record_action(
            connection, access, Action.PROJECT_CHANGED, detail={"name": name.strip()}
        )
