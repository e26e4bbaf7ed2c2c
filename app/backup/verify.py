"""Verifies backups: every file is there, and has the bytes that were written."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

from app.backup import files, folder as folders
from app.backup.folder import BackupFolder, note_checksum
from app.backup.model import (
    BackupFile,
    BackupUnfinished,
    DamagedBackup,
    Manifest,
    Progress,
)
from app.backup.object_table import ObjectTable
from app.core import units

_MOST_FAULTS: Final = 5
_ENTRY_BYTES: Final = 250
"""The most room that an object takes in the list of what was verified; 200 bytes as a rule."""


class BackupVerifier:
    """Verifies backups of one folder; bytes that several of them share are read once.

    Use it in a `with` statement: the list of what was read lies in a file, since it may be long.
    """

    def __init__(self, folder: BackupFolder, progress: Progress) -> None:
        self._folder = folder
        self._progress = progress
        self._verified: ObjectTable | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._verified is not None:
            self._verified.__exit__(None, None, None)

    def verify(self, name: str) -> Manifest:
        """Read all bytes of a backup and compare them with its manifest. This blocks.

        Raises:
            BackupRefused: There is no such backup, or a later release wrote it.
            DamagedBackup: It is damaged; the message names the first files.
            BackupUnfinished: There is no room for the list of what was verified.
        """
        manifest = self._folder.read_manifest(name)
        if self._verified is None:
            self._verified = _open_table(self._folder.path, manifest.objects)
        total_bytes = manifest.object_bytes + sum(each.size_bytes for each in manifest.files)
        self._progress.begin(f"Verifying {name}", total=total_bytes, is_bytes=True)
        faults = list(self._find_faults(manifest, self._verified))
        if faults:
            more = len(faults) - _MOST_FAULTS
            rest = [f"and {more} more"] if more > 0 else []
            raise DamagedBackup(
                f"backup {name} is damaged: {'; '.join(faults[:_MOST_FAULTS] + rest)}"
            )
        return manifest

    def _find_faults(self, manifest: Manifest, verified: ObjectTable) -> Iterator[str]:
        is_list_whole = True
        for each in manifest.files:
            for fault in self._check_file(manifest.name, each):
                is_list_whole = is_list_whole and each.name != folders.OBJECT_LIST
                yield fault
        if not is_list_whole:
            return
        for copied in self._folder.read_objects(manifest.name):
            self._progress.advance(copied.size_bytes)
            if copied.sha256 in verified:
                continue
            verified.add(note_checksum(copied))
            path = self._folder.content_path(copied.sha256)
            try:
                files.check_file(path, copied.size_bytes, copied.sha256)
            except DamagedBackup as damage:
                yield f"{damage} (object {copied.key})"

    def _check_file(self, name: str, each: BackupFile) -> Iterator[str]:
        try:
            path = self._folder.folder_of(name) / each.name
            files.check_file(path, each.size_bytes, each.sha256)
        except DamagedBackup as damage:
            yield str(damage)
        self._progress.advance(each.size_bytes)


def _open_table(backups: Path, objects: int) -> ObjectTable:
    """Open a table for the checksums of objects, in the first folder that has room for it.

    The folder of the backups has most room as a rule; the folder for temporary files may lie in
    memory. Backups may be on a disk that is read-only or full, though.

    Args:
        backups: The folder of the backups.
        objects: The number of objects that the table must hold.

    Raises:
        BackupUnfinished: Neither folder will do; the message has the reason of each.
    """
    reasons = []
    for named in (backups, None):
        try:
            folder = named or Path(tempfile.gettempdir())
            free_bytes, needed_bytes = shutil.disk_usage(folder).free, objects * _ENTRY_BYTES
            if free_bytes >= needed_bytes:
                return ObjectTable(folder)
            reasons.append(
                f"{folder} has {units.format_bytes(free_bytes)} free,"
                f" {units.format_bytes(needed_bytes)} are needed"
            )
        except (OSError, BackupUnfinished) as error:
            reasons.append(str(error))
    raise BackupUnfinished(
        f"there is no room for the list of what was verified: {'; '.join(reasons)}."
        " Set TMPDIR to a folder on a disk with room"
    )
