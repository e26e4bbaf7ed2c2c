"""Verifies backups: every file is there, and has the bytes that were written."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

from app.backup import files, folder as folders
from app.backup.folder import BackupFolder, note_checksum
from app.backup.model import BackupFile, DamagedBackup, Manifest, Progress
from app.backup.object_table import ObjectTable

_MOST_FAULTS: Final = 5


class BackupVerifier:
    """Verifies backups of one folder; bytes that several of them share are read once.

    Use it in a `with` statement: the list of what was read lies in a file, since it may be long.
    """

    def __init__(self, folder: BackupFolder, progress: Progress) -> None:
        self._folder = folder
        self._progress = progress
        # Not beside the backups, which may lie on a disk that is read-only.
        self._scratch = tempfile.TemporaryDirectory(prefix="playhead-verify-")
        self._verified = ObjectTable(Path(self._scratch.name))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._verified.__exit__(None, None, None)
        self._scratch.cleanup()

    def verify(self, name: str) -> Manifest:
        """Read all bytes of a backup and compare them with its manifest. This blocks.

        Raises:
            BackupRefused: There is no such backup, or a later release wrote it.
            DamagedBackup: It is damaged; the message names the first files.
        """
        manifest = self._folder.read_manifest(name)
        total_bytes = manifest.object_bytes + sum(each.size_bytes for each in manifest.files)
        self._progress.begin(f"Verifying {name}", total=total_bytes, is_bytes=True)
        faults = list(self._find_faults(manifest))
        if faults:
            more = len(faults) - _MOST_FAULTS
            rest = [f"and {more} more"] if more > 0 else []
            raise DamagedBackup(
                f"backup {name} is damaged: {'; '.join(faults[:_MOST_FAULTS] + rest)}"
            )
        return manifest

    def _find_faults(self, manifest: Manifest) -> Iterator[str]:
        is_list_whole = True
        for each in manifest.files:
            for fault in self._check_file(manifest.name, each):
                is_list_whole = is_list_whole and each.name != folders.OBJECT_LIST
                yield fault
        if not is_list_whole:
            return
        for copied in self._folder.read_objects(manifest.name):
            self._progress.advance(copied.size_bytes)
            if copied.sha256 in self._verified:
                continue
            self._verified.add(note_checksum(copied))
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
