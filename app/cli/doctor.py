"""`playhead doctor`: check everything that the server depends on, and say what to do."""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg
import typer
from rich.table import Table

from app import __version__
from app.backup.state import format_command, read_state
from app.cli import environment
from app.cli.checks import process_checks
from app.cli.checks.check_result import CheckLevel, CheckResult
from app.cli.checks.host_checks import check_hosts
from app.cli.checks.pooler_checks import find_pooler_fault
from app.cli.checks.provider_checks import check_sign_in_provider
from app.cli.checks.symbol_checks import check_symbols
from app.cli.environment import print_table
from app.core import clock
from app.core.errors import ReplayError
from app.core.process_roles import ProcessRole
from app.core.settings import Settings
from app.core.units import format_bytes
from app.db import engine, migrate, roles
from app.db.engine import Database
from app.db.folder import DataFolderInUse, DataFolderLock, is_open_to_others
from app.db.server.programs import find_release_date
from app.erasure.log.file import ErasureLog, LogHead, read_known_sizes
from app.journal import disk
from app.media import child
from app.storage.choose import open_store

_CLOCK_S: Final = 5.0
"""The largest harmless difference to the clock of the database; with more, links expire early."""
_GIB: Final = 1024**3
_FRESH: Final = timedelta(days=120)
"""Minor releases come every quarter, so that an older Postgres lacks at least one."""
_MOST_RIGHTS: Final = 3
"""The most missing rights that one line names."""


def doctor() -> None:
    """Check data folder, disk, server, database, clock, storage, children, sign-in provider."""
    results = asyncio.run(run_checks(environment.read_settings()))
    table = Table("", "Check", "Result", box=None)
    colours = {CheckLevel.OK: "green", CheckLevel.WARN: "yellow", CheckLevel.FAIL: "red"}
    for result in results:
        table.add_row(result.state, result.subject, result.text, style=colours[result.state])
    print_table(table)
    if any(result.state is CheckLevel.FAIL for result in results):
        raise typer.Exit(1)


async def run_checks(settings: Settings) -> list[CheckResult]:
    """Run all checks; a failure does not prevent the others."""
    return [
        CheckResult("Playhead", CheckLevel.OK, f"{__version__} on Python {sys.version.split()[0]}"),
        *_check_folder(settings),
        *_check_server(settings),
        *await _check_database(settings),
        await _check_erasure_log(settings),
        await _check_storage(settings),
        await _check_pictures(settings),
        *await check_symbols(settings),
        *await check_sign_in_provider(settings),
    ]


def _check_folder(settings: Settings) -> Iterator[CheckResult]:
    folder = settings.data_dir.resolve()
    if not folder.is_dir():
        yield CheckResult(
            "data folder", CheckLevel.WARN, f"{folder} does not exist yet; the first start makes it"
        )
        return
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"playhead")
    except OSError as error:
        yield CheckResult("data folder", CheckLevel.FAIL, f"{folder}: {error.strerror}")
        return
    if is_open_to_others(folder):
        text = f"{folder} is open to other users of this machine; run: chmod 700 {folder}"
        yield CheckResult("data folder", CheckLevel.WARN, text)
    else:
        yield CheckResult(
            "data folder", CheckLevel.OK, f"{folder} is writable, and for its owner alone"
        )
    restoring = read_state(folder)
    if restoring is not None:
        text = f"of {restoring.name} is not finished; go on with it: {format_command(restoring)}"
        yield CheckResult("restore", CheckLevel.FAIL, text)
    free = shutil.disk_usage(folder).free
    reserve = settings.journal_reserve_bytes
    text = f"{free / _GIB:.1f} GiB free; envelopes are accepted down to {reserve / _GIB:.1f} GiB"
    state = CheckLevel.OK
    if free < 2 * reserve:
        state = CheckLevel.FAIL if free <= reserve else CheckLevel.WARN
    yield CheckResult("disk space", state, text)
    waiting = sum(disk.measure_journals(folder / "journal").values())
    part = disk.used_share(waiting, free - reserve)
    text = f"{format_bytes(waiting)} on disk, {part:.0%} of its space is used"
    yield CheckResult("journal", CheckLevel.FAIL if part >= disk.FILLING else CheckLevel.OK, text)


def _check_server(settings: Settings) -> Iterator[CheckResult]:
    if not settings.data_dir.is_dir():
        return
    try:
        DataFolderLock.acquire(settings.data_dir).release()
    except DataFolderInUse as in_use:
        where = environment.find_address(settings)
        yield CheckResult("server", CheckLevel.OK, f"runs as process {in_use.pid} on {where}")
        return
    except OSError as error:
        yield CheckResult(
            "server", CheckLevel.FAIL, f"cannot lock the data folder: {error.strerror}"
        )
        return
    start = environment.format_command("serve")
    yield CheckResult("server", CheckLevel.WARN, f"not running; start it with `{start}`")


async def _check_database(settings: Settings) -> list[CheckResult]:
    urls = environment.find_known_urls(settings)
    if urls is None:
        return [CheckResult("database", CheckLevel.WARN, "embedded; it starts with the server")]
    kind = "external" if settings.database_url else "embedded"
    try:
        pooler_fault = await find_pooler_fault(urls.app)
        if pooler_fault is not None:
            return [pooler_fault]
        before = clock.now()
        connection = await engine.connect(urls.app)
        try:
            version = await connection.fetchval("show server_version")
            now: datetime = await connection.fetchval("select clock_timestamp()")
            aside = await _count_quarantined(connection)
            role = await _check_role(connection)
            standbys = await process_checks.check_standbys(connection)
        finally:
            await connection.close()
        of_hosts = await check_hosts(urls.app)
        revision = await migrate.current_revision(urls.app)
    except ReplayError as error:
        return [CheckResult("database", CheckLevel.FAIL, str(error))]
    newest = migrate.known_revisions()[-1]
    shared = [] if migrate.is_behind(revision) else await _check_shared(settings, urls.app)
    return [
        _check_postgres(kind, version, settings.postgres_bin if kind == "embedded" else None),
        role,
        _check_schema(revision, newest),
        _check_clock(before, now),
        _check_quarantine(aside),
        *of_hosts,
        *standbys,
        *shared,
    ]


async def _check_shared(settings: Settings, url: str) -> list[CheckResult]:
    """Check what all processes on the database share, once it has the schema of this release."""
    database = Database.open(url, pool_size=1)
    try:
        return [
            *await process_checks.check_processes(settings, database),
            await process_checks.check_connections(settings, database),
            await process_checks.check_store_claim(settings, database),
        ]
    except ReplayError as error:
        return [CheckResult("processes", CheckLevel.FAIL, str(error))]
    finally:
        await database.close()


def _check_postgres(kind: str, version: str, programs: Path | None) -> CheckResult:
    """Report the version of Postgres and its age; bugs are fixed in minor releases."""
    text = f"{kind}, Postgres {version}"
    released = find_release_date(version, programs)
    if released is None:
        return CheckResult("database", CheckLevel.OK, text)
    age = clock.now().date() - released
    text = f"{text} of {released:%d %B %Y}, {age.days} days old"
    if age <= _FRESH:
        return CheckResult("database", CheckLevel.OK, text)
    remedy = "update Playhead, or set PLAYHEAD_POSTGRES_BIN" if kind == "embedded" else "update it"
    return CheckResult(
        "database", CheckLevel.WARN, f"{text}; there is a minor release each quarter: {remedy}"
    )


async def _check_role(connection: "asyncpg.Connection[Any]") -> CheckResult:
    """Check whether the role that serves requests has the rights that it needs, and no others."""
    name = await connection.fetchval("select current_user")
    missing = await roles.find_missing_rights(connection)
    if missing:
        few = ", ".join(missing[:_MOST_RIGHTS])
        more = f" and {len(missing) - _MOST_RIGHTS} more" if len(missing) > _MOST_RIGHTS else ""
        text = f"{name} lacks rights: {few}{more}; run `playhead migrate` as the owner"
        return CheckResult("database role", CheckLevel.FAIL, text)
    risks = await roles.find_risks(connection)
    if risks:
        text = f"{name} {'; '.join(risks)}; see “Two roles” in docs/deployment.md"
        return CheckResult("database role", CheckLevel.WARN, text)
    return CheckResult("database role", CheckLevel.OK, f"{name} reads and writes rows, and no more")


async def _count_quarantined(connection: "asyncpg.Connection[Any]") -> int:
    """Count the envelopes in quarantine; before the first migration there are none."""
    if await connection.fetchval("select to_regclass('quarantine')") is None:
        return 0
    return int(await connection.fetchval("select count(*) from quarantine"))


def _check_quarantine(envelopes: int) -> CheckResult:
    if not envelopes:
        return CheckResult("quarantine", CheckLevel.OK, "empty")
    text = f"{envelopes} envelopes could not be digested; their project's page says why"
    return CheckResult("quarantine", CheckLevel.WARN, text)


def _check_schema(revision: str | None, newest: str) -> CheckResult:
    if revision is None or revision < newest:
        text = f"at {revision or 'none'}, {newest} is needed; run `playhead migrate`"
        return CheckResult("schema", CheckLevel.FAIL, text)
    return CheckResult("schema", CheckLevel.OK, f"at {revision}")


def _check_clock(before: datetime, database_now: datetime) -> CheckResult:
    after = clock.now()
    off_s = max(
        (before - database_now).total_seconds(), (database_now - after).total_seconds(), 0.0
    )
    state = CheckLevel.OK if off_s <= _CLOCK_S else CheckLevel.FAIL
    text = f"{after:%Y-%m-%d %H:%M:%S} UTC, {off_s:.1f} s off the clock of the database"
    return CheckResult("clock", state, text)


async def _check_erasure_log(settings: Settings) -> CheckResult:
    """Compare the log of erasures with what the database knows of it."""
    urls = environment.find_known_urls(settings)
    path, subject = settings.erasure_log_path, "erasure log"
    if ProcessRole.WORKER not in settings.roles and not path.exists():
        text = "processes with the role worker keep it: call doctor with the settings of one"
        return CheckResult(subject, CheckLevel.OK, text)
    try:
        head = ErasureLog(path).read_head()
        if urls is None:
            return CheckResult(subject, CheckLevel.OK, f"{path}; compared once the server runs")
        database = Database.open(urls.app, pool_size=1)
        try:
            async with database.reading() as connection:
                known = await read_known_sizes(connection)
        finally:
            await database.close()
    except ReplayError as error:
        return CheckResult(subject, CheckLevel.FAIL, str(error))
    return _compare_erasure_log(subject, path, head, known)


def _compare_erasure_log(
    subject: str, path: Path, head: LogHead | None, known: Mapping[str, int]
) -> CheckResult:
    if head is None:
        if known:
            text = (
                f"{path} is missing, and the database knows of one: put it back if you have it, "
                "unless it is that of another worker"
            )
            return CheckResult(subject, CheckLevel.WARN, text)
        return CheckResult(subject, CheckLevel.OK, "nothing has been erased yet")
    size_bytes = known.get(head.log_id, 0)
    if head.size_bytes > size_bytes:
        text = f"the database is older than {path}: the next start erases again what it lists"
        return CheckResult(subject, CheckLevel.WARN, text)
    if head.size_bytes < size_bytes:
        text = f"{path} is older than the database: was it restored too? It must not be in backups"
        return CheckResult(subject, CheckLevel.WARN, text)
    return CheckResult(subject, CheckLevel.OK, f"{path} is complete; keep it out of backups")


async def _check_storage(settings: Settings) -> CheckResult:
    if settings.storage == "local" and not settings.data_dir.is_dir():
        return CheckResult("storage", CheckLevel.WARN, "made with the data folder")
    try:
        store = open_store(settings, settings.data_dir)
        try:
            warnings = await store.probe()
        finally:
            await store.close()
    except ReplayError as error:
        return CheckResult("storage", CheckLevel.FAIL, str(error))
    text = "put, range, list and delete work"
    if warnings:
        return CheckResult("storage", CheckLevel.WARN, f"{text}, but {'; '.join(warnings)}")
    return CheckResult("storage", CheckLevel.OK, text)


async def _check_pictures(settings: Settings) -> CheckResult:
    if not settings.pictures:
        return CheckResult("pictures", CheckLevel.OK, "off: no video is decoded on this machine")
    try:
        async with child.start_media_child() as media_child:
            is_filtered = media_child.is_filtered
    except ReplayError as error:
        return CheckResult("pictures", CheckLevel.FAIL, str(error))
    if not is_filtered:
        return CheckResult("pictures", CheckLevel.WARN, child.UNFILTERED)
    return CheckResult(
        "pictures", CheckLevel.OK, "decoded in a sandbox: limits and filtered system calls"
    )
