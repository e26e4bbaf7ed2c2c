"""Things that all commands share: settings, terminal, database, address of the server."""

import io
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pydantic
from rich.console import Console
from rich.table import Column, Table

from app.backup.state import refuse_unfinished_restore
from app.core.errors import InvalidInput
from app.core.settings import Settings
from app.db import roles
from app.db.engine import Database
from app.db.folder import DataFolderLock
from app.db.roles import DatabaseUrls
from app.db.server.embedded import EmbeddedPostgres

out: Final = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
"""The console for results; it never wraps lines, so that addresses can be copied."""

err: Final = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)

_MOST_COLUMNS: Final = 10_000

_ADDRESS: Final = "playhead.address"
_MAKE: Final = {"serve": "run", "demo": "demo"}
"""Commands that the Makefile has targets for, for people who work in a checkout."""


def print_table(table: Table) -> None:
    """Print a table; where it goes to a file or another program, each row is one line.

    A terminal has as many columns as people see. Elsewhere nobody sees 80, and a row that is cut
    into lines cannot be searched.
    """
    if out.is_terminal:
        out.print(table)
        return
    flat = Table(*(Column(column.header) for column in table.columns), box=table.box)
    for cells in zip(*(column.cells for column in table.columns), strict=True):
        # Names that people chose and texts of errors may hold line ends.
        flat.add_row(*(" ".join(c.splitlines()) if isinstance(c, str) else c for c in cells))
    wide = Console(
        file=io.StringIO(), width=_MOST_COLUMNS, highlight=False, markup=False, emoji=False
    )
    with wide.capture() as captured:
        wide.print(flat)
    for line in captured.get().split("\n")[:-1]:
        out.print(line.rstrip())


def format_command(name: str) -> str:
    """Return what a person types to run a command, in the way in which they ran this one.

    That is `make demo` after `make run`, and `.venv/bin/playhead demo` in a checkout, whose script
    says in `PLAYHEAD_COMMAND` how it was called.
    """
    if "MAKELEVEL" in os.environ and name in _MAKE:
        return f"make {_MAKE[name]}"
    return f"{os.environ.get('PLAYHEAD_COMMAND', 'playhead')} {name}"


def read_settings(**chosen: Any) -> Settings:
    """Read the settings; options given on the command line win over the environment.

    Raises:
        InvalidInput: A setting cannot be used; the message names each of them, and why.
    """
    try:
        return Settings(**{name: value for name, value in chosen.items() if value is not None})
    except pydantic.ValidationError as error:
        faults = [
            f"PLAYHEAD_{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors()
        ]
        raise InvalidInput("; ".join(faults)) from None


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """Open the database that the server uses, whether or not the server runs now.

    If the embedded Postgres is not running, it is started for the length of the block.

    Raises:
        DataFolderInUse: Another process uses the data folder, and its Postgres is not ready yet.
        ServiceUnavailable: Postgres cannot be reached.
    """
    async with _database_url(settings) as url:
        pool = Database.open(url, pool_size=2)
        try:
            yield pool
        finally:
            await pool.close()


@asynccontextmanager
async def _database_url(settings: Settings) -> AsyncIterator[str]:
    urls = find_known_urls(settings)
    if urls is not None:
        yield urls.app
        return
    lock = DataFolderLock.acquire(settings.data_dir)
    postgres = EmbeddedPostgres(bin_dir=settings.postgres_bin)
    try:
        refuse_unfinished_restore(settings.data_dir)
        urls = await postgres.start(settings.data_dir)
        await roles.prepare_schema(urls)
        yield urls.app
    finally:
        await postgres.stop()
        lock.release()


def find_known_urls(settings: Settings) -> DatabaseUrls | None:
    """Return the URLs of the database, or None if the embedded one is not running."""
    return roles.read_external_urls(settings) or EmbeddedPostgres.running(settings.data_dir)


def write_address(data_dir: Path, base_url: str) -> None:
    """Write down the address of the server that runs on this data folder."""
    file = data_dir / _ADDRESS
    file.touch(mode=0o600)
    file.write_text(f"{base_url}\n")


def remove_address(data_dir: Path) -> None:
    """Remove the file with the address, if there is one."""
    (data_dir / _ADDRESS).unlink(missing_ok=True)


def find_address(settings: Settings) -> str:
    """Return the address of the server: the one it wrote down, otherwise that of the settings."""
    try:
        return (settings.data_dir / _ADDRESS).read_text().strip() or settings.base_url
    except OSError:
        return settings.base_url


def exit_with_message(message: str) -> None:
    """Print a message for the person who must act, and end the program with status 1."""
    err.print(f"playhead: {message}", style="red")
    sys.exit(1)
