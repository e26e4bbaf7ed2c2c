"""`playhead backup` and `playhead restore`."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from app.backup.folder import BackupFolder
from app.backup.model import Manifest
from app.backup.state import refuse_unfinished_restore
from app.backup.verify import BackupVerifier
from app.cli import environment, serve
from app.cli.environment import err, out
from app.core.clock import monotonic_s
from app.core.settings import Settings
from app.core.units import format_bytes
from app.db import engine, roles
from app.db.roles import DatabaseUrls
from app.db.server.embedded import EmbeddedPostgres

if TYPE_CHECKING:
    from app.backup.make import MadeBackup
    from app.backup.restore import RestoredBackup, RestoreWish

_KEPT: Final = 7

FolderArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="Folder with backups, best on another disk.")
]


def backup(
    folder: FolderArgument,
    keep: Annotated[int, typer.Option(min=1, help="How many backups to keep.")] = _KEPT,
    *,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read and verify all backups; make none.")
    ] = False,
    metrics: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write metrics for Prometheus' node exporter here."),
    ] = None,
) -> None:
    """Make a backup of database, objects and journal; the server may go on running."""
    if verify:
        _verify(BackupFolder(folder))
        return
    settings, began_s = environment.read_settings(), monotonic_s()
    with _showing_progress() as progress:
        made = asyncio.run(_make_backup(settings, BackupFolder(folder), keep=keep, bar=progress))
    out.print(f"Made {_describe_backup(made.manifest)}, {made.copied} of them copied now.")
    if made.manifest.missing:
        err.print(
            f"The object storage had lost {len(made.manifest.missing)} objects that rows name, "
            f"such as {made.manifest.missing[0]}: the backup has no copy of them.",
            style="yellow",
        )
    if metrics is not None:
        from app.cli.backup_metrics import write_backup_metrics  # noqa: PLC0415 - as above

        write_backup_metrics(metrics, made, took_s=monotonic_s() - began_s)


def restore(
    folder: FolderArgument,
    name: Annotated[
        str | None, typer.Option("--backup", help="Which backup; without it, the newest.")
    ] = None,
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Delete everything that is stored now.")
    ] = False,
) -> None:
    """Restore a backup into an empty installation, whose server must not run."""
    from app.backup.restore import RestoreWish  # noqa: PLC0415 - as in `_make_backup`

    wish = RestoreWish(name, replaces=replace)
    settings = environment.read_settings()
    with _showing_progress() as progress:
        restored = asyncio.run(_restore(settings, BackupFolder(folder), wish, progress))
    out.print(f"Restored {_describe_backup(restored.manifest)}.")
    if restored.erased_lines:
        out.print("What was erased after the backup was erased again.")
    out.print(f"Start the server with `{environment.format_command('serve')}`.")


class ProgressBar:
    """Shows progress on a terminal; a line for each piece of work where there is none."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task: TaskID | None = None
        self._columns = tuple(bars.columns)

    def begin(self, words: str, *, total: int | None = None, is_bytes: bool = False) -> None:
        """See `Progress.begin`."""
        if not self._bars.console.is_terminal:
            size = "" if not total else f": {format_bytes(total) if is_bytes else total}"
            self._bars.console.print(f"{words}{size}")
        if self._task is not None:
            self._bars.remove_task(self._task)
        count = (DownloadColumn(), TransferSpeedColumn()) if is_bytes else (MofNCompleteColumn(),)
        self._bars.columns = (*self._columns, *(count if is_bytes or total else ()))
        self._task = self._bars.add_task(words, total=total)

    def advance(self, amount: int) -> None:
        """See `Progress.advance`."""
        if self._task is not None:
            self._bars.advance(self._task, amount)


@contextmanager
def _showing_progress() -> Iterator[ProgressBar]:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    bars = Progress(*columns, console=err, transient=True, disable=not sys.stderr.isatty())
    with bars:
        yield ProgressBar(bars)


def _verify(folder: BackupFolder) -> None:
    with folder.hold(is_shared=True):
        folder.find_name(None)
        with _showing_progress() as progress, BackupVerifier(folder, progress) as verifier:
            verified = [verifier.verify(name) for name in folder.list_names()]
    for manifest in verified:
        out.print(f"{_describe_backup(manifest)}: every byte is as it was written.")


async def _make_backup(
    settings: Settings, folder: BackupFolder, *, keep: int, bar: ProgressBar
) -> "MadeBackup":
    from app.backup.make import make_backup  # noqa: PLC0415 - 0.3 s that no other command pays

    refuse_unfinished_restore(settings.data_dir)
    async with _open_urls(settings) as urls:
        return await make_backup(settings, urls.owner, folder, keep=keep, progress=bar)


async def _restore(
    settings: Settings, folder: BackupFolder, wish: "RestoreWish", progress: ProgressBar
) -> "RestoredBackup":
    from app.backup.restore import restore_backup  # noqa: PLC0415 - as in `_make_backup`

    lock = serve.take_folder(settings)
    try:
        async with _open_urls(settings, is_locked=True) as urls:
            return await restore_backup(settings, urls, folder, wish, progress)
    finally:
        lock.release()


def _describe_backup(manifest: Manifest) -> str:
    dump_bytes = next(each.size_bytes for each in manifest.files)
    return (
        f"{manifest.name} (database {format_bytes(dump_bytes)}, {manifest.objects} objects of "
        f"{format_bytes(manifest.object_bytes)})"
    )


@asynccontextmanager
async def _open_urls(settings: Settings, *, is_locked: bool = False) -> AsyncIterator[DatabaseUrls]:
    """Give the URLs of the database as it is: nothing is migrated.

    Of several hosts they name the primary alone, so that the programs of Postgres use it as well.
    """
    known = roles.read_external_urls(settings)
    if known is None and not is_locked:
        known = EmbeddedPostgres.running(settings.data_dir)
    if known is not None:
        app, owner = [await engine.find_primary_url(url) for url in (known.app, known.owner)]
        yield DatabaseUrls(app, owner)
        return
    lock = None if is_locked else serve.take_folder(settings)
    postgres = EmbeddedPostgres(bin_dir=settings.postgres_bin)
    try:
        yield await postgres.start(settings.data_dir)
    finally:
        await postgres.stop()
        if lock is not None:
            lock.release()
