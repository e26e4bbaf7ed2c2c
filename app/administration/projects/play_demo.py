"""Sends the replay of the demo app to this server, through the same endpoint as a phone."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts.model import Person
from app.administration.projects.create_project import add_owned_project
from app.core import log
from app.core.errors import PermissionDenied
from app.db.engine import Database
from app.demo import names
from app.memberships import queries as memberships
from app.projects import queries as projects
from app.projects.keys import KeyCache
from app.projects.model import Project, ProjectKey


@dataclass(frozen=True, slots=True)
class DemoTargets:
    """The keys of the two projects that the demo is sent to."""

    app_key: ProjectKey
    backend_key: ProjectKey


async def prepare_demo(database: Database, keys: KeyCache, person: Person) -> DemoTargets:
    """Find the projects that the demo is sent to, and create those that are missing.

    Raises:
        PermissionDenied: The person is not an admin of the server, or all keys of a project are
            off, so nothing may be sent to it.
    """
    if not person.is_admin:
        raise PermissionDenied("only an admin of this server can play the demo")
    async with database.transaction() as connection:
        app, backend = await _find_or_create_projects(connection, person)
        targets = DemoTargets(
            await _get_active_key(connection, app), await _get_active_key(connection, backend)
        )
    await keys.refresh()
    return targets


async def _find_or_create_projects(
    connection: AsyncConnection, person: Person
) -> tuple[Project, Project]:
    """Return a project for the app, by its name if there is one, and a project for the backend."""
    visible = await memberships.list_projects(connection, person)
    backends = [project for project in visible if project.name == names.BACKEND]
    apps = [project for project in visible if project.name != names.BACKEND]
    apps.sort(key=lambda project: project.name != names.APP)
    return (
        apps[0] if apps else await add_owned_project(connection, person, names.APP),
        backends[0] if backends else await add_owned_project(connection, person, names.BACKEND),
    )


async def _get_active_key(connection: AsyncConnection, project: Project) -> ProjectKey:
    key = await projects.find_active_key(connection, project.id)
    if key is None:
        raise PermissionDenied(f"all keys of the project {log.shown(project.name)} are off")
    return key
