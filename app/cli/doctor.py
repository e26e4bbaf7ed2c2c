"""`playhead doctor`: look at everything the server stands on, and say what to do about it."""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import asyncpg
import typer
from rich.table import Table

from app import __version__
from app.cli import surroundings
from app.cli.surroundings import out
from app.core import clock
from app.core.errors import ReplayError
from app.core.settings import Settings
from app.core.units import format_bytes
from app.db import engine, migrate, roles
from app.db.folder import DataFolderInUse, DataFolderLock, is_open_to_others
from app.db.programs import find_release_date
from app.journal import disk
from app.media import child
from app.storage.choose import open_store

_CLOCK_S: Final = 5.0
"""Between our clock and the database's; more makes links end early and lists look odd."""
_GIB: Final = 1024**3
_FRESH: Final = timedelta(days=120)
"""A quarter and a month: an older Postgres lacks at least one minor release."""
_MOST_RIGHTS: Final = 3
"""Missing rights that are named; a table lists no schema."""


class State(StrEnum):
    """What a check found."""

    FINE = "fine"
    LOOK = "look"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table."""

    subject: str
    state: State
    text: str


def doctor() -> None:
    """Check data folder, disk space, server, database, clock, storage and the media child."""
    findings = asyncio.run(examine(surroundings.read_settings()))
    table = Table("", "What", "Found", box=None)
    colours = {State.FINE: "green", State.LOOK: "yellow", State.WRONG: "red"}
    for finding in findings:
        table.add_row(finding.state, finding.subject, finding.text, style=colours[finding.state])
    out.print(table)
    if any(finding.state is State.WRONG for finding in findings):
        raise typer.Exit(1)


async def examine(settings: Settings) -> list[Finding]:
    """Make every check; one that fails does not keep the others from being made."""
    return [
        Finding("Playhead", State.FINE, f"{__version__} on Python {sys.version.split()[0]}"),
        *_folder(settings),
        *_server(settings),
        *await _database(settings),
        await _storage(settings),
        await _pictures(settings),
    ]


def _folder(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir.resolve()
    if not folder.is_dir():
        yield Finding("data folder", State.LOOK, f"{folder} is made by the first start")
        return
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"playhead")
    except OSError as error:
        yield Finding("data folder", State.WRONG, f"{folder}: {error.strerror}")
        return
    if is_open_to_others(folder):
        text = f"{folder} is open to other users of this machine: chmod 700 {folder}"
        yield Finding("data folder", State.LOOK, text)
    else:
        yield Finding("data folder", State.FINE, f"{folder} can be written, by its owner alone")
    free = shutil.disk_usage(folder).free
    reserve = settings.journal_reserve_bytes
    text = f"{free / _GIB:.1f} GiB free, envelopes are taken down to {reserve / _GIB:.1f} GiB"
    state = State.WRONG if free <= reserve else State.LOOK if free < 2 * reserve else State.FINE
    yield Finding("disk space", state, text)
    waiting = sum(disk.measure_journals(folder / "journal").values())
    part = disk.used_share(waiting, free - reserve)
    text = f"{format_bytes(waiting)} on disk, {part:.0%} of the room is used"
    yield Finding("journal", State.WRONG if part >= disk.FILLING else State.FINE, text)


def _server(settings: Settings) -> Iterator[Finding]:
    if not settings.data_dir.is_dir():
        return
    try:
        DataFolderLock.acquire(settings.data_dir).release()
    except DataFolderInUse as taken:
        where = surroundings.address(settings)
        yield Finding("server", State.FINE, f"runs as process {taken.pid} on {where}")
        return
    except OSError as error:
        yield Finding("server", State.WRONG, f"the lock of the data folder: {error.strerror}")
        return
    start = surroundings.command("serve")
    yield Finding("server", State.LOOK, f"does not run; start it with `{start}`")


async def _database(settings: Settings) -> list[Finding]:
    urls = surroundings.known_urls(settings)
    if urls is None:
        return [Finding("database", State.LOOK, "embedded; it starts with the server")]
    kind = "external" if settings.database_url else "embedded"
    try:
        before = clock.now()
        connection = await engine.connect(urls.app)
        try:
            version = await connection.fetchval("show server_version")
            now: datetime = await connection.fetchval("select clock_timestamp()")
            aside = await _quarantined(connection)
            role = await _role(connection)
        finally:
            await connection.close()
        revision = await migrate.current_revision(urls.app)
    except ReplayError as error:
        return [Finding("database", State.WRONG, str(error))]
    newest = migrate.known_revisions()[-1]
    return [
        _postgres(kind, version, settings.postgres_bin if kind == "embedded" else None),
        role,
        _schema(revision, newest),
        _clock(before, now),
        _quarantine(aside),
    ]


def _postgres(kind: str, version: str, programs: Path | None) -> Finding:
    """Tell the version of Postgres and its age; faults are mended in minor releases."""
    text = f"{kind}, Postgres {version}"
    released = find_release_date(version, programs)
    if released is None:
        return Finding("database", State.FINE, text)
    age = clock.now().date() - released
    text = f"{text} of {released:%d %B %Y}, {age.days} days old"
    if age <= _FRESH:
        return Finding("database", State.FINE, text)
    remedy = "update Playhead, or set PLAYHEAD_POSTGRES_BIN" if kind == "embedded" else "update it"
    return Finding("database", State.LOOK, f"{text}; a minor release comes each quarter: {remedy}")


async def _role(connection: "asyncpg.Connection[Any]") -> Finding:
    """Look at what the role that serves requests may do: too little, too much, or as it should."""
    name = await connection.fetchval("select current_user")
    missing = await roles.find_missing_rights(connection)
    if missing:
        few = ", ".join(missing[:_MOST_RIGHTS])
        more = f" and {len(missing) - _MOST_RIGHTS} more" if len(missing) > _MOST_RIGHTS else ""
        text = f"{name} lacks rights: {few}{more}; run `playhead migrate` as the owner"
        return Finding("database role", State.WRONG, text)
    risks = await roles.find_risks(connection)
    if risks:
        text = f"{name} {'; '.join(risks)}; see “Two roles” in docs/deployment.md"
        return Finding("database role", State.LOOK, text)
    return Finding("database role", State.FINE, f"{name} reads and writes rows, and no more")


async def _quarantined(connection: "asyncpg.Connection[Any]") -> int:
    """Count what was put aside; nothing before the first migration."""
    if await connection.fetchval("select to_regclass('quarantine')") is None:
        return 0
    return int(await connection.fetchval("select count(*) from quarantine"))


def _quarantine(envelopes: int) -> Finding:
    if not envelopes:
        return Finding("quarantine", State.FINE, "empty")
    text = f"{envelopes} envelopes could not be digested; their project's page says why"
    return Finding("quarantine", State.LOOK, text)


def _schema(revision: str | None, newest: str) -> Finding:
    if revision is None or revision < newest:
        text = f"at {revision or 'none'}, {newest} is needed; run `playhead migrate`"
        return Finding("schema", State.WRONG, text)
    return Finding("schema", State.FINE, f"at {revision}")


def _clock(before: datetime, database_now: datetime) -> Finding:
    after = clock.now()
    off_s = max(
        (before - database_now).total_seconds(), (database_now - after).total_seconds(), 0.0
    )
    state = State.FINE if off_s <= _CLOCK_S else State.WRONG
    text = f"{after:%Y-%m-%d %H:%M:%S} UTC, {off_s:.1f} s away from the database's"
    return Finding("clock", state, text)


async def _storage(settings: Settings) -> Finding:
    if settings.storage == "local" and not settings.data_dir.is_dir():
        return Finding("storage", State.LOOK, "made with the data folder")
    try:
        store = open_store(settings, settings.data_dir)
        try:
            warnings = await store.probe()
        finally:
            await store.close()
    except ReplayError as error:
        return Finding("storage", State.WRONG, str(error))
    text = "put, range, list and delete work"
    if warnings:
        return Finding("storage", State.LOOK, f"{text}, but {'; '.join(warnings)}")
    return Finding("storage", State.FINE, text)


async def _pictures(settings: Settings) -> Finding:
    if not settings.pictures:
        return Finding("pictures", State.FINE, "off: no video is decoded on this machine")
    try:
        async with child.start_media_child() as media_child:
            is_filtered = media_child.is_filtered
    except ReplayError as error:
        return Finding("pictures", State.WRONG, str(error))
    if not is_filtered:
        return Finding("pictures", State.LOOK, child.UNFILTERED)
    return Finding("pictures", State.FINE, "decoded in a sandbox: limits and filtered system calls")
