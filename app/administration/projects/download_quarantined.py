"""Hands out a quarantined envelope, and records who downloaded it."""

from app.administration.projects.record_action import record_action
from app.audit.model import Action
from app.db.engine import Database
from app.memberships.model import ProjectAccess, Role
from app.projects import queries as projects


async def download_quarantined(
    database: Database, access: ProjectAccess, quarantined_id: int
) -> bytes:
    """Return a quarantined envelope as it came over the wire: nothing of it is scrubbed.

    Raises:
        PermissionDenied: The person is not an admin of the project.
        NotFound: The project has no such quarantined envelope.
    """
    access.require_role(Role.ADMIN)
    async with database.transaction() as connection:
        body = await projects.read_quarantined_body(connection, access.project.id, quarantined_id)
        await record_action(
            connection, access, Action.QUARANTINE_DOWNLOADED, subject=quarantined_id
        )
    return body
