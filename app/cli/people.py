"""`playhead user …`: people with an account, and the one-time links that let them in."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import identities, links, queries, sign_ins, writes
from app.accounts.model import Person, PersonOrigin
from app.audit import writes as audit
from app.audit.model import Action
from app.cli import environment, projects
from app.cli.environment import out
from app.core import log
from app.core.errors import InvalidInput, NotFound
from app.core.settings import Settings
from app.memberships import writes as membership_writes
from app.memberships.model import Role
from app.web.urls import account_urls

people = typer.Typer(help="People with an account.", no_args_is_help=True)

_Email = Annotated[str, typer.Argument(metavar="EMAIL", help="Their e-mail address.")]


@people.command("add")
def add_person(
    email: _Email,
    name: Annotated[str, typer.Option(help="What others see.")] = "",
    project: Annotated[
        str | None, typer.Option(help="Id or slug of a project to make them a member of.")
    ] = None,
    role: Annotated[Role, typer.Option(help="Their role in that project.")] = Role.MEMBER,
    *,
    admin: Annotated[
        bool, typer.Option("--admin", help="Make them an admin, who may see and change everything.")
    ] = False,
) -> None:
    """Add a person, and print a one-time sign-in link for them."""
    settings = environment.read_settings()
    person, token = asyncio.run(
        _add_person(settings, email, name=name, project=project, role=role, is_admin=admin)
    )
    out.print(f"Person {person.id}: {person.name} <{person.email}>")
    _print_link(settings, token)


@people.command("link")
def print_link(email: _Email) -> None:
    """Print a one-time sign-in link: for a first visit, or when the password is forgotten."""
    settings = environment.read_settings()
    _print_link(settings, asyncio.run(_make_link_for(settings, email)))


@people.command("list")
def list_people() -> None:
    """List all people."""
    table = Table("Id", "E-mail", "Name", "Rights", "Password", box=None)
    for person in asyncio.run(_read_people(environment.read_settings())):
        rights = "disabled" if person.disabled_at else "admin" if person.is_admin else ""
        password = "yes" if person.has_password else "not yet"
        table.add_row(str(person.id), person.email, person.name, rights, password)
    out.print(table)


@people.command("rename")
def rename_person(
    email: _Email, name: Annotated[str, typer.Argument(help="What others see.")]
) -> None:
    """Change what others see of a person."""

    async def change(connection: AsyncConnection, person: Person) -> None:
        await writes.rename_person(connection, person.id, name)

    _change_person(email, Action.PERSON_CHANGED, change)
    out.print("The name is saved.")


@people.command("admin")
def set_admin(
    email: _Email,
    *,
    off: Annotated[bool, typer.Option("--off", help="Take the right away.")] = False,
) -> None:
    """Make a person an admin, who reaches every project and every setting."""

    async def change(connection: AsyncConnection, person: Person) -> None:
        await writes.set_admin(connection, person.id, is_admin=not off)

    _change_person(email, Action.PERSON_CHANGED, change)
    out.print("They are no longer an admin." if off else "They are an admin.")


@people.command("disable")
def disable_person(email: _Email) -> None:
    """Lock a person out: their sign-ins and links end at once. Their past actions stay logged."""

    async def change(connection: AsyncConnection, person: Person) -> None:
        await writes.disable_person(connection, person.id)

    _change_person(email, Action.PERSON_DISABLED, change)
    out.print("They can no longer sign in; `playhead user enable` undoes this.")


@people.command("enable")
def enable_person(email: _Email) -> None:
    """Let a disabled person sign in again, by their password or a new link."""

    async def change(connection: AsyncConnection, person: Person) -> None:
        await writes.enable_person(connection, person.id)

    _change_person(email, Action.PERSON_ENABLED, change)
    out.print("They can sign in again; `playhead user link` makes a link.")


@people.command("unlink")
def unlink_person(email: _Email) -> None:
    """Unlink a person from their account at the sign-in provider; their sign-ins end."""

    async def change(connection: AsyncConnection, person: Person) -> None:
        if not await identities.delete_identities(connection, person.id):
            raise InvalidInput(f"{person.email} is linked with no account at a sign-in provider")
        await writes.set_origin(connection, person.id, PersonOrigin.LOCAL)
        await sign_ins.end_sign_ins(connection, person.id)

    _change_person(email, Action.IDENTITY_UNLINKED, change)
    out.print("They are unlinked; their next sign-in at the provider links or adds them again.")


def _change_person(
    email: str, action: Action, change: Callable[[AsyncConnection, Person], Awaitable[None]]
) -> None:
    """Change a person, and log the change."""

    async def run() -> None:
        async with (
            environment.open_database(environment.read_settings()) as database,
            database.transaction() as connection,
        ):
            person = await _find_person(connection, email)
            await change(connection, person)
            await _audit_person(connection, action, person)

    asyncio.run(run())


async def _find_person(connection: AsyncConnection, email: str) -> Person:
    """Return the person with an address.

    Raises:
        NotFound: Nobody has the address; the message says how to list all people.
    """
    person = await queries.find_person(connection, email)
    if person is None:
        raise NotFound(
            f"nobody has the address {log.shown(email)}; `playhead user list` lists all people"
        )
    return person


def _print_link(settings: Settings, token: str) -> None:
    out.print("Sign-in link (works once, within 24 hours):")
    out.print(f"{environment.find_address(settings)}{account_urls.sign_in_link(token)}")


async def _add_person(
    settings: Settings,
    email: str,
    *,
    name: str,
    project: str | None,
    role: Role,
    is_admin: bool,
) -> tuple[Person, str]:
    async with (
        environment.open_database(settings) as database,
        database.transaction() as connection,
    ):
        person = await writes.add_person(connection, email, name=name, is_admin=is_admin)
        await _audit_person(connection, Action.PERSON_ADDED, person)
        if project is not None:
            found_project = await projects.find_project(connection, project)
            await membership_writes.set_member(connection, found_project.id, person.id, role)
            await audit.add_audit_line(
                connection,
                Action.MEMBER_SET,
                person_id=None,
                project_id=found_project.id,
                subject=str(person.id),
                detail={"by": "command line", "role": role},
            )
        return person, await _make_link(connection, person)


async def _make_link_for(settings: Settings, email: str) -> str:
    async with (
        environment.open_database(settings) as database,
        database.transaction() as connection,
    ):
        person = await _find_person(connection, email)
        if person.disabled_at is not None:
            raise InvalidInput(f"{person.email} is disabled, so a link would not let them in")
        return await _make_link(connection, person)


async def _read_people(settings: Settings) -> list[Person]:
    people: list[Person] = []
    async with environment.open_database(settings) as database, database.reading() as connection:
        while page := await queries.list_people(
            connection, after_id=people[-1].id if people else None
        ):
            people += page
    return people


async def _make_link(connection: AsyncConnection, person: Person) -> str:
    token = await links.make_sign_in_link(connection, person.id)
    await _audit_person(connection, Action.LINK_MADE, person)
    return token


async def _audit_person(connection: AsyncConnection, action: Action, person: Person) -> None:
    await audit.add_audit_line(
        connection,
        action,
        person_id=None,
        subject=str(person.id),
        detail={"by": "command line"},
    )
