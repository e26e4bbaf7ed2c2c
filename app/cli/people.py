"""`playhead user …`: people with an account, and the one-time links that let them in."""

import asyncio
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import links, queries, writes
from app.accounts.model import Person, Role
from app.audit import writes as audit
from app.audit.model import Action
from app.cli import projects, surroundings
from app.cli.surroundings import out
from app.core import log
from app.core.errors import Malformed, NotFound
from app.core.settings import Settings
from app.web.view import hrefs

people = typer.Typer(help="People with an account.", no_args_is_help=True)

_Email = Annotated[str, typer.Argument(metavar="EMAIL", help="Their e-mail address.")]


@people.command("add")
def add(
    email: _Email,
    name: Annotated[str, typer.Option(help="What others see.")] = "",
    project: Annotated[
        str | None, typer.Option(help="Id or slug of a project to make them a member of.")
    ] = None,
    role: Annotated[Role, typer.Option(help="Their role in that project.")] = Role.MEMBER,
    *,
    admin: Annotated[
        bool, typer.Option("--admin", help="Reaches every project and every setting.")
    ] = False,
) -> None:
    """Add a person, and print a one-time sign-in link for them."""
    settings = surroundings.read_settings()
    person, token = asyncio.run(
        _add(settings, email, name=name, project=project, role=role, is_admin=admin)
    )
    out.print(f"Person {person.id}: {person.name} <{person.email}>")
    _print_link(settings, token)


@people.command("link")
def link(email: _Email) -> None:
    """Print a one-time sign-in link: for a first visit, or when the password is forgotten."""
    settings = surroundings.read_settings()
    _print_link(settings, asyncio.run(_link(settings, email)))


@people.command("list")
def list_people() -> None:
    """List all people."""
    table = Table("Id", "E-mail", "Name", "Rights", "Password", box=None)
    for person in asyncio.run(_everybody(surroundings.read_settings())):
        rights = "disabled" if person.disabled_at else "admin" if person.is_admin else ""
        password = "yes" if person.has_password else "not yet"
        table.add_row(str(person.id), person.email, person.name, rights, password)
    out.print(table)


def _print_link(settings: Settings, token: str) -> None:
    out.print("Sign-in link (works once, within 24 hours):")
    out.print(f"{surroundings.address(settings)}{hrefs.SIGN_IN}/{token}")


async def _add(
    settings: Settings,
    email: str,
    *,
    name: str,
    project: str | None,
    role: Role,
    is_admin: bool,
) -> tuple[Person, str]:
    async with (
        surroundings.database(settings) as database,
        database.transaction() as connection,
    ):
        person = await writes.add_person(connection, email, name=name, is_admin=is_admin)
        await _note(connection, Action.PERSON_ADDED, person)
        if project is not None:
            found = await projects.find(connection, project)
            await writes.set_member(connection, found.id, person.id, role)
            await audit.add_line(
                connection,
                Action.MEMBER_SET,
                person_id=None,
                project_id=found.id,
                subject=str(person.id),
                detail={"by": "command line", "role": role},
            )
        return person, await _make_link(connection, person)


async def _link(settings: Settings, email: str) -> str:
    async with (
        surroundings.database(settings) as database,
        database.transaction() as connection,
    ):
        person = await queries.find_person(connection, email)
        if person is None:
            raise NotFound(f"nobody has the address {log.shown(email)}; `playhead user list`")
        if person.disabled_at is not None:
            raise Malformed(f"{person.email} is disabled; no link would let them in")
        return await _make_link(connection, person)


async def _everybody(settings: Settings) -> list[Person]:
    found: list[Person] = []
    async with surroundings.database(settings) as database, database.reading() as connection:
        while page := await queries.everybody(connection, after_id=found[-1].id if found else None):
            found += page
    return found


async def _make_link(connection: AsyncConnection, person: Person) -> str:
    token = await links.make(connection, person.id)
    await _note(connection, Action.LINK_MADE, person)
    return token


async def _note(connection: AsyncConnection, action: Action, person: Person) -> None:
    await audit.add_line(
        connection,
        action,
        person_id=None,
        subject=str(person.id),
        detail={"by": "command line"},
    )
