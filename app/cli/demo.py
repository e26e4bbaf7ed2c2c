"""`playhead demo`: play a made-up app into the running server, through the door phones use."""

import asyncio
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from sqlalchemy.ext.asyncio import AsyncConnection

from app.cli import projects, surroundings
from app.cli.surroundings import err, out
from app.core.errors import ServiceUnavailable
from app.core.settings import Settings
from app.demo.names import APP, BACKEND
from app.projects import queries
from app.projects.model import Project
from app.web.urls import replay_urls


def demo(
    project: Annotated[
        str | None, typer.Option(help="Id or slug; default: “Demo shop”, else the first.")
    ] = None,
) -> None:
    """Play a made-up shopping app: a replay with taps, requests, errors and traces."""
    settings = surroundings.read_settings()
    asyncio.run(_demo(settings, project))


async def _demo(settings: Settings, wanted: str | None) -> None:
    from app.demo import send  # noqa: PLC0415 - draws and encodes: 0.5 s no other command pays

    if surroundings.known_urls(settings) is None:
        start = surroundings.command("serve")
        raise ServiceUnavailable(
            f"Playhead does not run on this data folder; start it with `{start}`"
        )
    async with (
        surroundings.database(settings) as database,
        database.transaction() as connection,
    ):
        app = await _app_project(connection, wanted)
        backend = await _named(connection, BACKEND)
        app_dsn = projects.dsn_of(settings, await projects.active_key(connection, app))
        backend_dsn = projects.dsn_of(settings, await projects.active_key(connection, backend))
    base_url = surroundings.address(settings)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err) as progress:
        task = progress.add_task("Recording", total=None)

        def show(sent: int, total: int) -> None:
            progress.update(task, description="Sending", completed=sent, total=total)

        result = await send.play(app_dsn, backend_dsn, base_url=base_url, on_progress=show)
    for answer in result.refused:
        err.print(f"refused: {answer}", style="red")
    out.print(f"Sent {result.sent} envelopes, {len(result.refused)} refused. Watch the replay:")
    out.print(f"{base_url}{replay_urls.replay(app.id, result.replay_id)}")
    if result.refused:
        raise typer.Exit(1)


async def _app_project(connection: AsyncConnection, wanted: str | None) -> Project:
    if wanted is not None:
        return await projects.find(connection, wanted)
    found = [each for each in await queries.list_all_projects(connection) if each.name != BACKEND]
    own = [each for each in found if each.name == APP]
    chosen = next(iter(own or found), None)
    return chosen or await projects.make_project(connection, APP)


async def _named(connection: AsyncConnection, name: str) -> Project:
    for project in await queries.list_all_projects(connection):
        if project.name == name:
            return project
    return await projects.make_project(connection, name)
