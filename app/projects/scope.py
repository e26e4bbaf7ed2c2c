"""The one condition that decides which projects a person reaches."""

from sqlalchemy import ColumnElement, select, true

from app.accounts.model import Person, Role
from app.accounts.tables import members


def scope(
    person: Person, project_id: ColumnElement[int], *, role: Role = Role.VIEWER
) -> ColumnElement[bool]:
    """Restrict a query to the projects in which `person` has at least `role`.

    Args:
        person: Whoever asks; an admin of the installation reaches every project.
        project_id: The query's own project column, such as `replays.c.project_id`.
        role: The least role that will do.

    Returns:
        A condition for `where`.
    """
    if person.is_admin:
        return true()
    return project_id.in_(
        select(members.c.project_id).where(
            members.c.person_id == person.id, members.c.role.in_(role.and_above())
        )
    )
