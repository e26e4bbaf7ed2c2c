"""Reads the settings of a project: its members, and the invitations that wait."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.db.engine import Database
from app.memberships import invitations, queries as memberships
from app.memberships.model import Member, ProjectAccess, ProjectInvitation, Role

PART_MEMBERS: Final = 100


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """The members of a project, and the invitations to it that wait."""

    members: Sequence[Member]
    member_total: int
    invitations: Sequence[ProjectInvitation]


async def read_project_settings(
    database: Database, access: ProjectAccess, *, first_member: int = 0
) -> ProjectSettings:
    """Return the settings of a project for an admin of it.

    Args:
        database: The database to read.
        access: The person who asks, and the project.
        first_member: Number of members to skip.

    Raises:
        PermissionDenied: The person is not an admin of the project.
    """
    access.require_role(Role.ADMIN)
    project_id = access.project.id
    async with database.reading() as connection:
        return ProjectSettings(
            await memberships.list_members(
                connection, project_id, first=first_member, limit=PART_MEMBERS
            ),
            await memberships.count_members(connection, project_id),
            await invitations.list_invitations(connection, project_id),
        )
