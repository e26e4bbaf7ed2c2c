"""`playhead project …` and `playhead key …`: projects, and the DSNs that lead into them."""

import asyncio
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from app.audit import writes as audit
from app.audit.model import Action
from app.cli import environment
from app.cli.environment import out
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
def add_project(name: Annotated[str, typer.Argument(help="Name of the app.")]) -> None:
    """Make a project with one key, and print its DSN."""
    settings = environment.read_settings()
    project, key = asyncio.run(_add_project(settings, name))
    out.print(f"Project {project.id}: {project.name} (slug {project.slug})")
    out.print(f"DSN: {format_dsn(settings, key)}")


@projects.command("list")
def list_projects() -> None:
    """List all projects."""
    table = Table("Id", "Slug", "Name", "Created", box=None)
    for project in asyncio.run(_read_projects(environment.read_settings())):
        created = project.created_at.date().isoformat()
        table.add_row(str(project.id), project.slug, project.name, created)
    out.print(table)


@keys.command("add")
def add_key(
    project: _Project,
    label: Annotated[str, typer.Option(help="Such as “iOS, store build”.")] = "",
    key: Annotated[
        str | None,
        typer.Option(help="32 hex digits, to keep the key of a DSN of another server."),
    ] = None,
) -> None:
    """Add a key to a project, and print its DSN."""
    settings = environment.read_settings()
    added = asyncio.run(_add_key(settings, project, label, key))
    out.print(f"DSN: {format_dsn(settings, added)}")


@keys.command("list")
def list_keys(project: _Project) -> None:
    """List the keys of a project."""
    settings = environment.read_settings()
    table = Table("State", "Label", "DSN", box=None)
    for key in asyncio.run(_list_keys(settings, project)):
        state = "on" if key.is_active else "off"
        table.add_row(state, key.label, format_dsn(settings, key))
    out.print(table)


@keys.command("off")
def switch_off(
    project: _Project, key: Annotated[str, typer.Argument(help="The 32 hex digits of the key.")]
) -> None:
    """Switch a key off: envelopes with it are refused within five seconds."""
    asyncio.run(_switch_off(environment.read_settings(), project, key))
    out.print("The key is off. Servers follow within five seconds.")


async def find_project(connection: AsyncConnection, id_or_slug: str) -> Project:
    """Return the project with this id or slug.

    Raises:
        NotFound: There is no such project; the message says how to list all.
    """
    by_slug = await queries.find_project(connection, id_or_slug)
    if by_slug is not None:
        return by_slug
    for project in await queries.list_all_projects(connection):
        if str(project.id) == id_or_slug:
            return project
    raise NotFound(f"no project {log.shown(id_or_slug)}; `playhead project list` lists all")


async def find_or_make_key(connection: AsyncConnection, project: Project) -> ProjectKey:
    """Return the oldest active key of a project; make one if there is none."""
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
    await _audit_key(connection, Action.KEY_ADDED, key.public_key, project)
    return key


def format_dsn(settings: Settings, key: ProjectKey) -> str:
    """Format the DSN of a key, with the address of the server."""
    return credentials.make_dsn(environment.find_address(settings), key.public_key, key.project_id)


async def _add_project(settings: Settings, name: str) -> tuple[Project, ProjectKey]:
    async with (
        environment.open_database(settings) as database,
        database.transaction() as connection,
    ):
        project = await make_project(connection, name)
        return project, await make_key(connection, project, label="default")


async def _read_projects(settings: Settings) -> list[Project]:
    async with environment.open_database(settings) as database, database.reading() as connection:
        return await queries.list_all_projects(connection)


async def _add_key(settings: Settings, id_or_slug: str, label: str, key: str | None) -> ProjectKey:
    async with (
        environment.open_database(settings) as database,
        database.transaction() as connection,
    ):
        project = await find_project(connection, id_or_slug)
        public_key = None if key is None else PublicKey(key)
        return await make_key(connection, project, label=label, public_key=public_key)


async def _list_keys(settings: Settings, id_or_slug: str) -> list[ProjectKey]:
    keys: list[ProjectKey] = []
    async with environment.open_database(settings) as database, database.reading() as connection:
        project = await find_project(connection, id_or_slug)
        while part := await queries.list_keys(connection, project.id, first=len(keys)):
            keys += part
    return keys


async def _switch_off(settings: Settings, id_or_slug: str, key: str) -> None:
    public_key = ids.read_hex32(key)
    if public_key is None:
        raise InvalidInput(f"{log.shown(key)!r} is not a key of 32 hex digits")
    async with (
        environment.open_database(settings) as database,
        database.transaction() as connection,
    ):
        project = await find_project(connection, id_or_slug)
        await writes.set_key_active(connection, project.id, PublicKey(public_key), is_active=False)
        await _audit_key(connection, Action.KEY_CHANGED, PublicKey(public_key), project)


async def _audit_key(
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
