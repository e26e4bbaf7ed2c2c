"""`playhead token …`: API tokens for build servers."""

import asyncio
from dataclasses import replace
from typing import Annotated, Final

import typer
from rich.table import Table

from app.administration.api_tokens import change_tokens
from app.administration.api_tokens.change_tokens import MadeToken, NewToken
from app.api_tokens import queries
from app.api_tokens.model import ApiToken, read_scopes, shorten_scopes
from app.cli import environment
from app.cli.environment import out, print_table
from app.cli.people import find_person
from app.cli.projects import find_project
from app.core import clock
from app.core.errors import InvalidInput
from app.core.settings import Settings
from app.projects import queries as projects

tokens = typer.Typer(help="API tokens: what build servers upload with.", no_args_is_help=True)

_MOST_LISTED: Final = 1_000


@tokens.command("add")
def add_token(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as “GitHub, releases”.")],
    *,
    project: Annotated[
        str | None, typer.Option(help="Id or slug of the project that it reaches.")
    ] = None,
    person: Annotated[
        str | None,
        typer.Option(help="E-mail address of a person: it reaches all that they administer."),
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="`read` (project:read, event:read), `upload` (project:releases, upload), or the "
            "name of one scope; several with commas. Default: upload."
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(help="Address at which build servers reach this server."),
    ] = None,
    days: Annotated[
        int | None, typer.Option(help="Days after which it ends. Default: it is revoked.")
    ] = None,
) -> None:
    """Make a token, and print it alone on the last line. It is not stored: copy it now."""
    settings = environment.read_settings()
    names = [part.strip() for text in scope or ["upload"] for part in text.split(",")]
    scopes = read_scopes(part for part in names if part)
    address = url or settings.public_url or environment.find_address(settings)
    new_token = NewToken(name, scopes, address, project_id=None, days=days)
    made = asyncio.run(_add_token(settings, new_token, project, person))
    token = made.token
    out.print(f"Token {token.id}: {token.name} ({', '.join(sorted(token.scopes))})")
    out.print(f"It leads build tools to {address.rstrip('/')}, and is shown only here:")
    out.print(made.secret)


@tokens.command("list")
def list_tokens(
    project: Annotated[str | None, typer.Option(help="Id or slug of a project.")] = None,
) -> None:
    """List tokens, and when each was used last."""
    table = Table("Id", "State", "Name", "Ends in", "Reaches", "Scopes", "Last used", box=None)
    for token, reach in asyncio.run(_list_tokens(environment.read_settings(), project)):
        last = token.last_used_at
        table.add_row(
            str(token.id),
            _say_state(token),
            token.name,
            f"…{token.ending}",
            reach,
            shorten_scopes(token.scopes),
            f"{last.isoformat(' ', 'minutes')} from {token.last_address}" if last else "never",
        )
    print_table(table)


@tokens.command("revoke")
def revoke_token(
    token_id: Annotated[int, typer.Argument(metavar="TOKEN", help="Its number in the list.")],
) -> None:
    """Revoke a token: the next request with it is refused."""
    asyncio.run(_revoke_token(environment.read_settings(), token_id))
    out.print("The token is revoked.")


def _say_state(token: ApiToken) -> str:
    if token.is_live(clock.now()):
        return "on"
    return "revoked" if token.revoked_at else "expired"


async def _add_token(
    settings: Settings, new_token: NewToken, project: str | None, email: str | None
) -> MadeToken:
    if (project is None) == (email is None):
        raise InvalidInput("name a project with --project, or a person with --person")
    async with (
        environment.open_database(settings) as database,
        database.transaction() as connection,
    ):
        project_id = None if project is None else (await find_project(connection, project)).id
        maker_id = None if email is None else (await find_person(connection, email)).id
        return await change_tokens.add_checked_token(
            connection, maker_id, replace(new_token, project_id=project_id)
        )


async def _list_tokens(settings: Settings, id_or_slug: str | None) -> list[tuple[ApiToken, str]]:
    """Return tokens and what each reaches, in words."""
    async with environment.open_database(settings) as database, database.reading() as connection:
        project = None if id_or_slug is None else await find_project(connection, id_or_slug)
        listed = await queries.list_tokens(
            connection, project.id if project else None, limit=_MOST_LISTED
        )
        ids = {token.project_id for token in listed if token.project_id is not None}
        names = await projects.read_project_names(connection, ids)
    return [
        (
            token,
            f"all projects of person {token.made_by}"
            if token.project_id is None
            else names.get(token.project_id, str(token.project_id)),
        )
        for token in listed
    ]


async def _revoke_token(settings: Settings, token_id: int) -> None:
    async with (
        environment.open_database(settings) as database,
        database.transaction() as connection,
    ):
        token = await queries.get_token(connection, token_id)
        await change_tokens.revoke_checked_token(connection, None, token)
