"""`playhead user …`: people with an account, and the one-time links that let them in."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

import typer
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import identities, queries, sign_ins, writes
from app.accounts.model import Person, PersonOrigin, SignIn
from app.accounts.people_list import ListedPerson, PeopleFilter, list_people_in_state
from app.administration.server import invite_person, sign_in_links
from app.administration.server.invite_person import AddedPerson, NewPerson
from app.administration.server.server_admin import record_change
from app.administration.server.sign_in_links import RESET_DAYS, OneTimeLink
from app.audit.model import Action, ActionDetail
from app.cli import environment, projects
from app.cli.environment import out, print_table
from app.core import log
from app.core.errors import InvalidInput, NotFound
from app.core.settings import Settings
from app.memberships.model import Role
from app.web.urls import account_urls
from app.web.words.people.browsers import name_browser
from app.web.words.people.roles import ROLE_WORDS, SERVER_ADMIN

people = typer.Typer(help="People with an account.", no_args_is_help=True)

_ROLES: Final = " ".join(f"{role}: {words}" for role, words in ROLE_WORDS.items())
_Email = Annotated[str, typer.Argument(metavar="EMAIL", help="Their e-mail address.")]


@people.command("add")
def add_person(
    email: _Email,
    name: Annotated[str, typer.Option(help="What others see.")] = "",
    project: Annotated[
        str | None, typer.Option(help="Id or slug of a project to make them a member of.")
    ] = None,
    role: Annotated[Role, typer.Option(help=f"Their role in that project. {_ROLES}")] = Role.MEMBER,
    days: Annotated[int, typer.Option(help="The days for which their link works.")] = RESET_DAYS,
    *,
    admin: Annotated[
        bool, typer.Option("--admin", help=f"Make them an admin of the server. {SERVER_ADMIN}")
    ] = False,
) -> None:
    """Add a person, and print a one-time sign-in link for them.

    Somebody who has an account already gets the role in the project.
    """
    settings = environment.read_settings()
    added = asyncio.run(
        _add_person(settings, email, name=name, project=project, role=role, days=days, admin=admin)
    )
    person = added.person
    out.print(f"Person {person.id}: {person.name} <{person.email}>")
    if added.link is not None:
        _print_link(settings, added.link)


@people.command("link")
def print_link(
    email: _Email,
    days: Annotated[int, typer.Option(help="The days for which it works.")] = RESET_DAYS,
) -> None:
    """Print a one-time sign-in link, for a first visit or a forgotten password.

    It replaces a link that they have not used yet.
    """
    settings = environment.read_settings()
    _print_link(settings, asyncio.run(_make_link_for(settings, email, days)))


@people.command("list")
def list_people() -> None:
    """List all people."""
    table = Table("Id", "E-mail", "Name", "State", "Server", "Last sign-in", box=None)
    for listed in asyncio.run(_read_people(environment.read_settings())):
        person = listed.person
        last = person.last_sign_in_at
        table.add_row(
            str(person.id),
            person.email,
            person.name,
            listed.state,
            "admin" if person.is_admin else "",
            last.isoformat(" ", "minutes") if last else "never",
        )
    print_table(table)


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
    """Make a person an admin of the server, who reaches every project and every setting.

    A server keeps at least one local admin.
    """

    async def change(connection: AsyncConnection, person: Person) -> None:
        await writes.set_admin(connection, person.id, is_admin=not off)

    _change_person(email, Action.PERSON_CHANGED, change, detail={"server_admin": not off})
    out.print("They are no longer an admin." if off else "They are an admin.")


@people.command("disable", hidden=True, deprecated=True)
@people.command("deactivate")
def deactivate_person(email: _Email) -> None:
    """Lock a person out: their sign-ins and links end at once. Their past actions stay logged."""

    async def change(connection: AsyncConnection, person: Person) -> None:
        await writes.disable_person(connection, person.id)

    _change_person(email, Action.PERSON_DISABLED, change)
    out.print("They can no longer sign in; `playhead user reactivate` undoes this.")


@people.command("enable", hidden=True, deprecated=True)
@people.command("reactivate")
def reactivate_person(email: _Email) -> None:
    """Let a deactivated person sign in again, by their password or a new link."""

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


@people.command("sign-ins")
def list_sign_ins(email: _Email) -> None:
    """List where a person is signed in."""
    table = Table("Since", "Last seen", "Address", "Browser", box=None)
    for sign_in in asyncio.run(_read_sign_ins(environment.read_settings(), email)):
        table.add_row(
            sign_in.created_at.isoformat(" ", "minutes"),
            sign_in.last_seen_at.isoformat(" ", "minutes"),
            sign_in.address,
            name_browser(sign_in.user_agent),
        )
    print_table(table)


@people.command("sign-out")
def end_sign_ins(email: _Email) -> None:
    """End all sign-ins of a person at once; they may sign in again."""

    async def change(connection: AsyncConnection, person: Person) -> None:
        await sign_ins.end_sign_ins(connection, person.id)

    _change_person(email, Action.SIGN_IN_ENDED, change)
    out.print("They are signed out everywhere.")


def _change_person(
    email: str,
    action: Action,
    change: Callable[[AsyncConnection, Person], Awaitable[None]],
    *,
    detail: ActionDetail | None = None,
) -> None:
    """Change a person, and log the change."""

    async def run() -> None:
        async with (
            environment.open_database(environment.read_settings()) as database,
            database.transaction() as connection,
        ):
            person = await find_person(connection, email)
            await change(connection, person)
            await record_change(connection, None, action, person, detail=detail)

    asyncio.run(run())


async def find_person(connection: AsyncConnection, email: str) -> Person:
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


def _print_link(settings: Settings, link: OneTimeLink) -> None:
    until = link.expires_at.isoformat(" ", "minutes")
    out.print(f"Sign-in link (works once, until {until}):")
    out.print(f"{environment.find_address(settings)}{account_urls.sign_in_link(link.token)}")


async def _add_person(
    settings: Settings,
    email: str,
    *,
    name: str,
    project: str | None,
    role: Role,
    days: int,
    admin: bool,
) -> AddedPerson:
    async with (
        environment.open_database(settings) as database,
        database.transaction() as connection,
    ):
        found = await projects.find_project(connection, project) if project else None
        new_person = NewPerson(
            email,
            name,
            project_id=found.id if found else None,
            role_name=role,
            is_admin=admin,
            link_days=days,
        )
        return await invite_person.add_person(connection, None, new_person)


async def _make_link_for(settings: Settings, email: str, days: int) -> OneTimeLink:
    async with (
        environment.open_database(settings) as database,
        database.transaction() as connection,
    ):
        person = await find_person(connection, email)
        return await sign_in_links.replace_link(connection, None, person, days=days)


async def _read_people(settings: Settings) -> list[ListedPerson]:
    people: list[ListedPerson] = []
    async with environment.open_database(settings) as database, database.reading() as connection:
        while True:
            part = await list_people_in_state(connection, PeopleFilter(), first=len(people))
            people += part.rows
            if not part.rows or len(people) >= part.total:
                return people


async def _read_sign_ins(settings: Settings, email: str) -> list[SignIn]:
    async with environment.open_database(settings) as database, database.reading() as connection:
        person = await find_person(connection, email)
        return await sign_ins.list_sign_ins(connection, person.id)
