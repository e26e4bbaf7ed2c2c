"""`playhead project …` and `playhead key …`: projects, and the DSNs that lead into them."""

import asyncio
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from app.audit import writes as audit
from app.audit.model import Action
from app.cli import surroundings
from app.cli.surroundings import out
from app.core import ids, log
from app.core.errors import InvalidInput, NotFound
from app.core.ids import PublicKey
from app.core.settings import Settings
from app.formats.wire import credentials
from app.projects import queries, writes
from app.projects.model import Project, ProjectKey

projects = typer.Typer(help="Projects: one for each app.", no_args_is_help=True)
keys = typer.Typer(help="Keys: the DSNs of a project.", no_args_is_help=True)

_Project = Annotated[str, typer.Argument(metavar="PROJECT", help="Its id or its slug.")]


@projects.command("add")
def add_project(name: Annotated[str, typer.Argument(help="What people call the app.")]) -> None:
    """Make a project with one key, and print its DSN."""
    settings = surroundings.read_settings()
    project, key = asyncio.run(_add_project(settings, name))
    out.print(f"Project {project.id}: {project.name} (slug {project.slug})")
    out.print(f"DSN: {dsn_of(settings, key)}")


@projects.command("list")
def list_projects() -> None:
    """List all projects."""
    table = Table("Id", "Slug", "Name", "Made", box=None)
    for project in asyncio.run(_all_projects(surroundings.read_settings())):
        made = project.created_at.date().isoformat()
        table.add_row(str(project.id), project.slug, project.name, made)
    out.print(table)


@keys.command("add")
def add_key(
    project: _Project,
    label: Annotated[str, typer.Option(help="Such as “iOS, store build”.")] = "",
    key: Annotated[
        str | None,
        typer.Option(help="32 hex digits, to go on using the DSN key of another server."),
    ] = None,
) -> None:
    """Add a key to a project, and print its DSN."""
    settings = surroundings.read_settings()
    added = asyncio.run(_add_key(settings, project, label, key))
    out.print(f"DSN: {dsn_of(settings, added)}")


@keys.command("list")
def list_keys(project: _Project) -> None:
    """List the keys of a project."""
    settings = surroundings.read_settings()
    table = Table("State", "Label", "DSN", box=None)
    for key in asyncio.run(_list_keys(settings, project)):
        state = "on" if key.is_active else "off"
        table.add_row(state, key.label, dsn_of(settings, key))
    out.print(table)


@keys.command("off")
def switch_off(
    project: _Project, key: Annotated[str, typer.Argument(help="The 32 hex digits of the key.")]
) -> None:
    """Switch a key off: what it sends is refused within five seconds."""
    asyncio.run(_switch_off(surroundings.read_settings(), project, key))
    out.print("The key is off. Servers follow within five seconds.")


async def find(connection: AsyncConnection, wanted: str) -> Project:
    """Return the project with this id or slug.

    Raises:
        NotFound: There is none; the message says how to see which there are.
    """
    found = await queries.find_project(connection, wanted)
    if found is None:
        found = next(
            (
                each
                for each in await queries.list_all_projects(connection)
                if str(each.id) == wanted
            ),
            None,
        )
    if found is None:
        raise NotFound(f"no project {log.shown(wanted)}; `playhead project list` shows them")
    return found


async def active_key(connection: AsyncConnection, project: Project) -> ProjectKey:
    """Return the oldest key of a project that is on; makes one when there is none."""
    key = await queries.find_active_key(connection, project.id)
    return key or await make_key(connection, project, label="default")


async def make_project(connection: AsyncConnection, name: str) -> Project:
    """Add a project and its line in the audit log."""
    project = await writes.add_project(connection, name)
    await audit.add_audit_line(
        connection,
        Action.PROJECT_ADDED,
        person_id=None,
        project_id=project.id,
        detail={"by": "command line"},
    )
    return project


async def make_key(
    connection: AsyncConnection,
    project: Project,
    *,
    label: str,
    public_key: PublicKey | None = None,
) -> ProjectKey:
    """Add a key and its line in the audit log."""
    key = await writes.add_key(connection, project.id, label=label, public_key=public_key)
    await _note_key(connection, Action.KEY_ADDED, key.public_key, project)
    return key


def dsn_of(settings: Settings, key: ProjectKey) -> str:
    """Write the DSN of a key, with the address at which the server is reached."""
    return credentials.make_dsn(surroundings.address(settings), key.public_key, key.project_id)


async def _add_project(settings: Settings, name: str) -> tuple[Project, ProjectKey]:
    async with (
        surroundings.database(settings) as database,
        database.transaction() as connection,
    ):
        project = await make_project(connection, name)
        return project, await make_key(connection, project, label="default")


async def _all_projects(settings: Settings) -> list[Project]:
    async with surroundings.database(settings) as database, database.reading() as connection:
        return await queries.list_all_projects(connection)


async def _add_key(settings: Settings, wanted: str, label: str, key: str | None) -> ProjectKey:
    async with (
        surroundings.database(settings) as database,
        database.transaction() as connection,
    ):
        project = await find(connection, wanted)
        public_key = None if key is None else PublicKey(key)
        return await make_key(connection, project, label=label, public_key=public_key)


async def _list_keys(settings: Settings, wanted: str) -> list[ProjectKey]:
    keys: list[ProjectKey] = []
    async with surroundings.database(settings) as database, database.reading() as connection:
        project = await find(connection, wanted)
        while part := await queries.list_keys(connection, project.id, first=len(keys)):
            keys += part
    return keys


async def _switch_off(settings: Settings, wanted: str, key: str) -> None:
    public_key = ids.read_hex32(key)
    if public_key is None:
        raise InvalidInput(f"{log.shown(key)!r} is no key: 32 hex digits are expected")
    async with (
        surroundings.database(settings) as database,
        database.transaction() as connection,
    ):
        project = await find(connection, wanted)
        await writes.set_key_active(connection, project.id, PublicKey(public_key), is_active=False)
        await _note_key(connection, Action.KEY_CHANGED, PublicKey(public_key), project)


async def _note_key(
    connection: AsyncConnection, action: Action, public_key: PublicKey, project: Project
) -> None:
    await audit.add_audit_line(
        connection,
        action,
        person_id=None,
        project_id=project.id,
        subject=public_key,
        detail={"by": "command line"},
    )
