"""Reads which projects a person may see, and which of them a list shows."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts.model import Person
from app.core.errors import NotFound
from app.core.ids import ProjectId
from app.memberships import queries as memberships
from app.projects.model import Project


@dataclass(frozen=True, slots=True)
class ProjectChoice:
    """The projects that a person may see, and those of them that a list shows."""

    visible: tuple[Project, ...]
    searched_ids: tuple[ProjectId, ...]

    @property
    def visible_ids(self) -> tuple[ProjectId, ...]:
        """The ids of the projects that the person may see."""
        return tuple(project.id for project in self.visible)


async def read_project_choice(
    connection: AsyncConnection, person: Person, chosen: str
) -> ProjectChoice:
    """Read the projects of a person, and choose one of them, or all.

    Args:
        connection: The connection to read with.
        person: The person whose projects they are.
        chosen: The id of a project as an address has it, or nothing for all.

    Raises:
        NotFound: The person may not see a project with this id.
    """
    visible = tuple(await memberships.list_projects(connection, person))
    searched_ids = tuple(
        project.id for project in visible if not chosen or str(project.id) == chosen
    )
    if chosen and not searched_ids:
        raise NotFound("no such project")
    return ProjectChoice(visible, searched_ids)
