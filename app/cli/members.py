"""`playhead project members …`: who is in a project, in which role, and what viewers see."""

import asyncio
from typing import Annotated, Final

import typer
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from app.audit import writes as audit
from app.audit.model import Action, ActionDetail
from app.cli import environment, people
from app.cli.environment import out, print_table
from app.cli.projects import find_project
from app.core.ids import PersonId, ProjectId
from app.core.settings import Settings
from app.memberships import queries, writes
from app.memberships.model import Member, Role
from app.projects import writes as projects
from app.web.words.people.roles import ROLE_WORDS

_Project = Annotated[str, typer.Argument(metavar="PROJECT", help="Its id or its slug.")]
_Email = Annotated[str, typer.Argument(metavar="EMAIL", help="Their e-mail address.")]
_ROLES: Final = " ".join(f"{role}: {words}" for role, words in ROLE_WORDS.items())


def list_members(project: _Project) -> None:
    """List the members of a project with their roles."""
    table = Table("E-mail", "Name", "Role", box=None)
    for member in asyncio.run(_read_members(environment.read_settings(), project)):
        table.add_row(member.person.email, member.person.name, member.role)
    print_table(table)


def set_role(
    project: _Project,
    email: _Email,
    role: Annotated[Role, typer.Argument(metavar="ROLE", help=_ROLES)],
) -> None:
    """Give somebody with an account a role in a project, instead of the one they may have."""
    asyncio.run(_change_member(environment.read_settings(), project, email, role))
    out.print(f"Their role is {role}.")


def remove_member(project: _Project, email: _Email) -> None:
    """Take somebody out of a project; their account stays. A project keeps at least one owner."""
    asyncio.run(_change_member(environment.read_settings(), project, email, None))
    out.print("They are no longer a member.")


def set_bodies(
    project: _Project,
    *,
    hide: Annotated[bool, typer.Option("--hide/--show", help="Whether viewers do without them.")],
) -> None:
    """Hide the bodies of requests and answers from viewers of a project, or show them."""
    asyncio.run(_set_bodies(environment.read_settings(), project, is_allowed=not hide))
    out.print("Viewers do not see bodies." if hide else "Viewers see bodies.")


def add_commands(group: typer.Typer) -> None:
    """Add these commands to those of projects."""
    group.command("members")(list_members)
    group.command("set-role")(set_role)
    group.command("remove-member")(remove_member)
    group.command("bodies")(set_bodies)


async def _read_members(settings: Settings, id_or_slug: str) -> list[Member]:
    members: list[Member] = []
    async with environment.open_database(settings) as database, database.reading() as connection:
        project = await find_project(connection, id_or_slug)
        while part := await queries.list_members(connection, project.id, first=len(members)):
            members += part
    return members


async def _change_member(
    settings: Settings, id_or_slug: str, email: str, role: Role | None
) -> None:
    async with (
        environment.open_database(settings) as database,
        database.transaction() as connection,
    ):
        project = await find_project(connection, id_or_slug)
        person = await people.find_person(connection, email)
        if role is None:
            await writes.remove_member(connection, project.id, person.id)
            await _add_audit_line(connection, project.id, Action.MEMBER_REMOVED, person.id)
        else:
            await writes.set_member(connection, project.id, person.id, role)
            await _add_audit_line(
                connection, project.id, Action.MEMBER_SET, person.id, {"role": role}
            )


async def _set_bodies(settings: Settings, id_or_slug: str, *, is_allowed: bool) -> None:
    async with (
        environment.open_database(settings) as database,
        database.transaction() as connection,
    ):
        project = await find_project(connection, id_or_slug)
        await projects.set_viewers_see_bodies(connection, project.id, is_allowed=is_allowed)
        detail: ActionDetail = {"viewers_see_bodies": is_allowed}
        await _add_audit_line(connection, project.id, Action.PROJECT_CHANGED, None, detail)


async def _add_audit_line(
    connection: AsyncConnection,
    project_id: ProjectId,
    action: Action,
    person_id: PersonId | None,
    detail: ActionDetail | None = None,
) -> None:
    """Log what a command did in a project."""
    await audit.add_audit_line(
        connection,
        action,
        person_id=None,
        project_id=project_id,
        subject=None if person_id is None else str(person_id),
        detail={"by": "command line", **(detail or {})},
    )
