"""`playhead demo`: records a made-up app and sends it to the running server, as a phone would."""

import asyncio
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from sqlalchemy.ext.asyncio import AsyncConnection

from app.cli import environment, projects
from app.cli.environment import err, out
from app.core.errors import ServiceUnavailable
from app.core.settings import Settings
from app.demo.names import APP, BACKEND
from app.projects import queries
from app.projects.model import Project
from app.web.urls import replay_urls


def play_demo(
    project: Annotated[
        str | None,
        typer.Option(help="Id or slug; by default “Demo shop”, otherwise the first project."),
    ] = None,
) -> None:
    """Play a made-up shopping app: a replay with taps, requests, errors and traces."""
    settings = environment.read_settings()
    asyncio.run(_play_demo(settings, project))


async def _play_demo(settings: Settings, id_or_slug: str | None) -> None:
    from app.demo import send  # noqa: PLC0415 - draws and encodes: 0.5 s no other command pays

    if environment.find_known_urls(settings) is None:
        start = environment.format_command("serve")
        raise ServiceUnavailable(
            f"Playhead is not running on this data folder; start it with `{start}`"
        )
    async with (
        environment.open_database(settings) as database,
        database.transaction() as connection,
    ):
        app = await _find_app_project(connection, id_or_slug)
        backend = await _find_or_make_project(connection, BACKEND)
        app_dsn = projects.format_dsn(settings, await projects.find_or_make_key(connection, app))
        backend_dsn = projects.format_dsn(
            settings, await projects.find_or_make_key(connection, backend)
        )
    base_url = environment.find_address(settings)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err) as progress:
        task = progress.add_task("Recording", total=None)

        def show(sent: int, total: int) -> None:
            progress.update(task, description="Sending", completed=sent, total=total)

        result = await send.send_demo(app_dsn, backend_dsn, base_url=base_url, on_progress=show)
    for answer in result.refused:
        err.print(f"refused: {answer}", style="red")
    out.print(
        f"Sent {result.sent} envelopes, {len(result.refused)} were refused. Watch the replay:"
    )
    out.print(f"{base_url}{replay_urls.replay(app.id, result.replay_id)}")
    if result.refused:
        raise typer.Exit(1)


async def _find_app_project(connection: AsyncConnection, id_or_slug: str | None) -> Project:
    if id_or_slug is not None:
        return await projects.find_project(connection, id_or_slug)
    projects_of_apps = [
        project
        for project in await queries.list_all_projects(connection)
        if project.name != BACKEND
    ]
    demo_projects = [project for project in projects_of_apps if project.name == APP]
    chosen = next(iter(demo_projects or projects_of_apps), None)
    return chosen or await projects.make_project(connection, APP)


async def _find_or_make_project(connection: AsyncConnection, name: str) -> Project:
    for project in await queries.list_all_projects(connection):
        if project.name == name:
            return project
    return await projects.make_project(connection, name)
