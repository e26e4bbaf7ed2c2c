"""What every command needs: settings, a terminal, the database, the running server's address."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pydantic
from rich.console import Console

from app.core.errors import InvalidInput
from app.core.settings import Settings
from app.db import roles
from app.db.embedded import EmbeddedPostgres
from app.db.engine import Database
from app.db.folder import DataFolderLock
from app.db.roles import DatabaseUrls

out: Final = Console(highlight=False, soft_wrap=True, markup=False)
"""Where results go: lines are never broken, so that addresses can be copied."""

err: Final = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)

_ADDRESS: Final = "playhead.address"
_MAKE: Final = {"serve": "run", "demo": "demo"}
"""Targets of the Makefile, which call the program for those who have a checkout."""


def command(name: str) -> str:
    """Return what a person types to run a command: `make demo` where `make run` was typed."""
    if "MAKELEVEL" in os.environ and name in _MAKE:
        return f"make {_MAKE[name]}"
    return f"playhead {name}"


def read_settings(**chosen: Any) -> Settings:
    """Read the settings; options given on the command line win over the environment.

    Raises:
        InvalidInput: Names each setting that cannot be used, and why.
    """
    try:
        return Settings(**{name: value for name, value in chosen.items() if value is not None})
    except pydantic.ValidationError as error:
        faults = [
            f"PLAYHEAD_{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors()
        ]
        raise InvalidInput("; ".join(faults)) from None


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[Database]:
    """Open the database that the server uses, whether or not the server runs now.

    The embedded Postgres is started for the length of the block when nobody runs it.

    Raises:
        Taken: Another process has the data folder, and its Postgres is not ready yet.
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
    urls = known_urls(settings)
    if urls is not None:
        yield urls.app
        return
    lock = DataFolderLock.acquire(settings.data_dir)
    postgres = EmbeddedPostgres(bin_dir=settings.postgres_bin)
    try:
        urls = await postgres.start(settings.data_dir)
        await roles.prepare_schema(urls)
        yield urls.app
    finally:
        await postgres.stop()
        lock.release()


def known_urls(settings: Settings) -> DatabaseUrls | None:
    """Return where the database is reached now; None when the embedded one does not run."""
    return roles.read_external_urls(settings) or EmbeddedPostgres.running(settings.data_dir)


def write_address(data_dir: Path, base_url: str) -> None:
    """Leave word of where the server that runs on this data folder is reached."""
    file = data_dir / _ADDRESS
    file.touch(mode=0o600)
    file.write_text(f"{base_url}\n")


def forget_address(data_dir: Path) -> None:
    """Take that word back; does nothing when there is none."""
    (data_dir / _ADDRESS).unlink(missing_ok=True)


def address(settings: Settings) -> str:
    """Return where the server is reached: as it said itself, else as the settings say."""
    try:
        return (settings.data_dir / _ADDRESS).read_text().strip() or settings.base_url
    except OSError:
        return settings.base_url


def fail(message: str) -> None:
    """Print a message for the person who must act, and end the program with status 1."""
    err.print(f"playhead: {message}", style="red")
    sys.exit(1)
