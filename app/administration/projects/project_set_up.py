"""Reads what the set-up page of a project shows: the key to paste, and what has arrived so far."""

from dataclasses import dataclass

from app.db.engine import Database
from app.memberships import queries as memberships
from app.memberships.model import ProjectAccess
from app.playback import checks
from app.playback.checks import SetUpFacts
from app.projects import queries as projects
from app.projects.model import ProjectKey


@dataclass(frozen=True, slots=True)
class ProjectSetUp:
    """The key that apps send with, and what the newest replays say about the set-up."""

    active_key: ProjectKey | None
    """The oldest key that is on, if any."""
    facts: SetUpFacts


async def read_project_set_up(database: Database, access: ProjectAccess) -> ProjectSetUp:
    """Return the set-up of a project, with backends from the projects that the person may see."""
    async with database.reading() as connection:
        visible_ids = await memberships.list_project_ids(connection, access.person)
        active_key = await projects.find_active_key(connection, access.project.id)
        facts = await checks.read_set_up_facts(connection, access.project.id, visible_ids)
    return ProjectSetUp(active_key, facts)
