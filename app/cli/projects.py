"""`playhead project …` and `playhead key …`: projects, and the DSNs that lead into them."""

import asyncio
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from app.audit import writes as audit
from app.audit.model import Action, ActionDetail
from app.cli import environment
from app.cli.environment import out, print_table
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
_Key = Annotated[str, typer.Argument(metavar="KEY", help="The 32 hex digits of the key.")]


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
    print_table(table)


@keys.command("add")
def add_key(
    project: _Project,
    label: Annotated[str, typer.Option(help="Its name, such as “iOS, store build”.")] = "",
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
    """List the keys of a project, and when each was used last."""
    settings = environment.read_settings()
    table = Table("State", "Name", "Last used", "DSN", box=None)
    for key in asyncio.run(_list_keys(settings, project)):
        state = "on" if key.is_active else "off"
        table.add_row(state, key.label, _say_last_use(key), format_dsn(settings, key))
    print_table(table)


@keys.command("rename")
def rename_key(
    project: _Project,
    key: _Key,
    name: Annotated[str, typer.Argument(help="Such as “iOS, store build”.")],
) -> None:
    """Give a key another name; its DSN stays."""
    asyncio.run(_change_key(environment.read_settings(), project, key, label=name))
    out.print("The key is renamed.")


@keys.command("off")
def switch_off(project: _Project, key: _Key) -> None:
    """Switch a key off: envelopes with it are refused within five seconds, and lost."""
    changed = asyncio.run(_change_key(environment.read_settings(), project, key, is_on=False))
    out.print("The key is off. Servers follow within five seconds.")
    if changed.last_used_at is not None:
        out.print(
            f"It was last used at {_say_last_use(changed)}: what still sends with it is lost."
        )


@keys.command("on")
def switch_on(project: _Project, key: _Key) -> None:
    """Switch a key on: envelopes with it are accepted within five seconds."""
    asyncio.run(_change_key(environment.read_settings(), project, key, is_on=True))
    out.print("The key is on. Servers follow within five seconds.")


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
    await _audit_key(connection, Action.KEY_ADDED, key)
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


async def _change_key(
    settings: Settings,
    id_or_slug: str,
    key: str,
    *,
    label: str | None = None,
    is_on: bool | None = None,
) -> ProjectKey:
    """Rename or switch a key, and log it; returns the key as it is now."""
    digits = ids.read_hex32(key)
    if digits is None:
        raise InvalidInput(f"{log.shown(key)!r} is not a key of 32 hex digits")
    public_key = PublicKey(digits)
    async with (
        environment.open_database(settings) as database,
        database.transaction() as connection,
    ):
        project = await find_project(connection, id_or_slug)
        if label is not None:
            await writes.rename_key(connection, project.id, public_key, label=label)
        if is_on is not None:
            await writes.set_key_active(connection, project.id, public_key, is_active=is_on)
        changed = await queries.get_key(connection, project.id, public_key)
        await _audit_key(connection, Action.KEY_CHANGED, changed, is_on=is_on)
    return changed


def _say_last_use(key: ProjectKey) -> str:
    if key.last_used_at is not None:
        return key.last_used_at.isoformat(" ", "minutes")
    return "before an update" if key.has_been_used else "never"


async def _audit_key(
    connection: AsyncConnection, action: Action, key: ProjectKey, *, is_on: bool | None = None
) -> None:
    detail: ActionDetail = {"by": "command line", "name": key.label}
    await audit.add_audit_line(
        connection,
        action,
        person_id=None,
        project_id=key.project_id,
        subject=key.public_key,
        detail=detail if is_on is None else {**detail, "on": is_on},
    )
