"""Copies the journals of a data folder while their processes write them.

A journal is copied before the snapshot of the database. So whatever was accepted before that is in
the copy, or was digested and released and is in the dump, or is in both, which changes nothing: the
mark in the dump says how far to skip.
"""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from app.backup import files
from app.backup.folder import JOURNALS
from app.backup.model import BackupFile
from app.journal import files as journal_files
from app.journal.folder import list_other_folders

_PIECE_BYTES = 1024 * 1024


def copy_journals(root: Path, backup: Path) -> list[BackupFile]:
    """Copy all journals below `root` into the folder of a backup. This blocks.

    Raises:
        BackupUnfinished: The disk is full, or a journal cannot be read.
    """
    copied: list[BackupFile] = []
    with files.explaining_errors(root):
        journals = list_other_folders(root, None)
    for journal in journals:
        copied += _copy_journal(journal, backup)
    return copied


def put_journals_back(backup: Path, root: Path) -> None:
    """Copy the journals of a backup to where a server adopts them. This blocks.

    Raises:
        BackupUnfinished: The disk is full.
    """
    source = backup / JOURNALS
    if not source.is_dir():
        return
    with files.explaining_errors(root):
        root.mkdir(files.FOLDER_MODE, exist_ok=True)
        for journal in sorted(source.iterdir()):
            target = root / journal.name
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir(files.FOLDER_MODE)
            for path in sorted(journal.iterdir()):
                _copy_file(path, target / path.name)
            files.sync_folder(target)
        files.sync_folder(root)


def _copy_journal(journal: Path, backup: Path) -> Iterator[BackupFile]:
    folder = backup / JOURNALS / journal.name
    copied: dict[str, BackupFile] = {}
    with files.explaining_errors(backup), suppress(FileNotFoundError):
        for each in journal_files.list_journal_files(journal):
            try:
                folder.parent.mkdir(files.FOLDER_MODE, exist_ok=True)
                folder.mkdir(files.FOLDER_MODE, exist_ok=True)
                copied[each.path.name] = _copy_file(each.path, folder / each.path.name)
            except FileNotFoundError:
                # It was digested and released, and so were all files before it: without it, a
                # reader could take the end of theirs for damage.
                for name in copied:
                    (folder / name).unlink()
                copied.clear()
    for name, facts in copied.items():
        yield BackupFile(f"{JOURNALS}/{journal.name}/{name}", facts.size_bytes, facts.sha256)


def _copy_file(source: Path, target: Path) -> BackupFile:
    with source.open("rb", buffering=0) as file, files.FileWriter(target.parent) as writer:
        while piece := file.read(_PIECE_BYTES):
            writer.write(piece)
        writer.finish(target)
        return BackupFile(target.name, writer.size_bytes, writer.sha256)
