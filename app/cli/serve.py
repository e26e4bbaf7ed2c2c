"""`playhead serve` and `playhead migrate`: the server itself, and its schema."""

import asyncio
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.backup.state import refuse_unfinished_restore
from app.cli import environment
from app.cli.environment import out
from app.core import log
from app.core.errors import ServiceUnavailable
from app.core.settings import Settings
from app.db import migrate as schema, roles
from app.db.folder import DataFolderInUse, DataFolderLock
from app.db.server.embedded import EmbeddedPostgres
from app.projects import cells

if TYPE_CHECKING:
    from app.main import StartReport


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder for everything that is kept.")
    ] = None,
    roles: Annotated[
        str | None, typer.Option(help="Comma-separated: door, pages, worker. Default: all.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes that serve the port together.")
    ] = None,
) -> None:
    """Start Playhead: web app, ingest and, by default, its own Postgres. Ctrl-C stops it."""
    # The whole server, which no other command needs.
    from app.main import run_server  # noqa: PLC0415
    from app.supervisor.serve_workers import serve_workers  # noqa: PLC0415
    from app.supervisor.supervisor import StartObserver  # noqa: PLC0415
    from app.wiring.port import PortInUse  # noqa: PLC0415

    settings = environment.read_settings(
        host=host, port=port, data_dir=data_dir, roles=roles, workers=workers
    )
    log.set_up_logging(json_lines=settings.log_format == "json", level=settings.log_level)
    on_ready = functools.partial(_announce_start, settings)
    on_waiting = functools.partial(print_waiting, settings.base_url)
    lock = take_folder(settings)
    try:
        refuse_unfinished_restore(settings.data_dir)
        if settings.workers > 1:
            serve_workers(settings, StartObserver(on_ready, on_waiting))
        else:
            run_server(settings, on_ready, on_waiting)
    except PortInUse as error:
        raise ServiceUnavailable(
            f"{error}. Choose another port: `playhead serve --port {settings.port + 1}`, "
            f"or set PLAYHEAD_PORT."
        ) from None
    finally:
        environment.remove_address(settings.data_dir)
        lock.release()


def migrate() -> None:
    """Bring the database to the newest schema. `serve` does this by itself."""
    settings = environment.read_settings()
    was_behind = asyncio.run(_migrate(settings))
    newest = schema.known_revisions()[-1]
    out.print(f"{'Migrated to' if was_behind else 'Nothing to do: already at'} {newest}.")


def take_folder(settings: Settings) -> DataFolderLock:
    """Take the data folder for this process.

    Raises:
        ServiceUnavailable: Another Playhead has it; the message says which and where.
    """
    try:
        return DataFolderLock.acquire(settings.data_dir)
    except DataFolderInUse as taken:
        who = f"process {taken.pid}" if taken.pid else "another process"
        raise ServiceUnavailable(
            f"Playhead already runs on this data folder "
            f"({who}, {environment.find_address(settings)}). Open that address, stop that process, "
            f"or start this one with another --data-dir and --port."
        ) from None


def print_banner(report: "StartReport", settings: Settings) -> None:
    """Print what a person needs after a start: where to go, how to get in, what comes next."""
    lines = [("Web app", report.base_url)]
    if report.sign_in_link is not None:
        lines.append(("Sign in", f"{report.sign_in_link}  (works once, within 24 hours)"))
    # A variable that was left empty by mistake would start a Postgres without any data.
    is_embedded = settings.database_url is None
    postgres = "its own, in this folder" if is_embedded else "the one of PLAYHEAD_DATABASE_URL"
    lines += [
        ("DSN", report.dsn),
        ("Data", str(settings.data_dir.resolve())),
        ("Postgres", postgres),
    ]
    out.print("\nPlayhead is ready.\n", style="bold green")
    for name, value in lines:
        out.print(f"  {name:<9}{value}")
    way_in = "the sign-in link" if report.sign_in_link else "the web app"
    demo = environment.format_command("demo")
    out.print(
        f"\n  Next: open {way_in} and press “Play the demo app”,\n"
        f"  or run `{demo}` in a second terminal. Ctrl-C stops the server.\n"
    )


def print_waiting(base_url: str, reason: str) -> None:
    """Print what a person needs when the server runs and its database does not."""
    out.print("\nPlayhead is running, but its database cannot be used yet.\n", style="bold yellow")
    out.print(
        f"  Reason   {reason}\n"
        f"  Web app  {base_url}  (says so until the database is there)\n"
        "\n  What apps send is taken and kept in the journal. Playhead tries again every second;\n"
        "  nothing needs to be started again. Ctrl-C stops the server.\n"
    )


def _announce_start(settings: Settings, report: "StartReport") -> None:
    environment.write_address(settings.data_dir, report.base_url)
    print_banner(report, settings)


async def _migrate(settings: Settings) -> bool:
    urls = environment.find_known_urls(settings)
    if urls is not None:
        return await _prepare_database(urls, settings)
    lock = take_folder(settings)
    postgres = EmbeddedPostgres(bin_dir=settings.postgres_bin)
    try:
        return await _prepare_database(await postgres.start(settings.data_dir), settings)
    finally:
        await postgres.stop()
        lock.release()


async def _prepare_database(urls: roles.DatabaseUrls, settings: Settings) -> bool:
    was_behind = await roles.prepare_schema(urls)
    if settings.cell is not None:
        await cells.claim_cell(urls.owner, settings.cell)
    return was_behind
