"""Reads the list of projects that a person may see, and the invitations that wait for them."""

from dataclasses import dataclass

from app.accounts.model import Person
from app.db.engine import Database, planning_once
from app.memberships import invitations, queries as memberships
from app.memberships.model import ProjectInvitation, Role
from app.projects import queries as projects
from app.projects.model import Project, ProjectKey
from app.replays.totals import project_totals
from app.replays.totals.project_totals import ReplayTotals


@dataclass(frozen=True, slots=True)
class ListedProject:
    """A project in the list, with what its card shows."""

    project: Project
    role: Role | None
    """The role of the person as a member; None for an admin of the server who is not a member."""
    active_key: ProjectKey | None
    """The oldest key that is on, if any."""
    totals: ReplayTotals | None
    """The number of its replays and when the newest was received; None if it has none."""


@dataclass(frozen=True, slots=True)
class ProjectList:
    """A part of the projects that a person may see."""

    projects: tuple[ListedProject, ...]
    total: int
    """The number of all projects that the person may see."""
    invitations: tuple[ProjectInvitation, ...]


async def read_project_list(
    database: Database, person: Person, *, first: int, limit: int
) -> ProjectList:
    """Return the projects that a person may see, by name.

    Args:
        database: The database to read.
        person: Whoever asks.
        first: Number of projects to skip.
        limit: The most projects that are returned.
    """
    async with database.reading() as connection:
        visible = await memberships.list_projects(connection, person)
        part = visible[first : first + limit]
        project_ids = [project.id for project in part]
        async with planning_once(connection):
            totals = await project_totals.count_replays(connection, project_ids)
            roles = await memberships.read_roles(connection, person.id, project_ids)
            keys = await projects.find_active_keys(connection, project_ids)
            waiting = await invitations.list_invitations_for(connection, person)
    listed = tuple(
        ListedProject(project, roles.get(project.id), keys.get(project.id), totals.get(project.id))
        for project in part
    )
    return ProjectList(listed, len(visible), tuple(waiting))


async def list_visible_projects(database: Database, person: Person) -> list[Project]:
    """Return all projects that a person may see, by name."""
    async with database.reading() as connection:
        return await memberships.list_projects(connection, person)
