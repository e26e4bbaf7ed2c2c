"""A folder with backups, and how they share the bytes of objects.

    DIR/2026-11-30T180621Z/manifest.json    written last: without it, the backup was not finished
        database.dump                       of pg_dump, in its custom format
        objects.jsonl                       a line for each object: key, size, version, checksum
        journal/<journal>/….journal         what was accepted and perhaps not digested
    DIR/objects/9f/9f86d0…                  the bytes of objects, named by their SHA-256
    DIR/copied.jsonl                        what an unfinished backup has copied
    DIR/erasures/<log>.log                  the newest copies of logs of erasures

A file in `objects` is never changed. A backup begins with what those before it have copied, and
copies an object again only when its version in the store is another one.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from app.backup import files
from app.backup.model import (
    BackupFile,
    BackupRefused,
    CopiedObject,
    DamagedBackup,
    Manifest,
    decode_manifest,
    encode_manifest,
)
from app.backup.object_table import ObjectTable

DUMP: Final = "database.dump"
OBJECT_LIST: Final = "objects.jsonl"
JOURNALS: Final = "journal"
_MANIFEST: Final = "manifest.json"
_OBJECTS: Final = "objects"
_COPIED: Final = "copied.jsonl"
_ERASURES: Final = "erasures"
_NAME: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{6}Z(?:-\d+)?\Z")
_OURS: Final = frozenset((_OBJECTS, _COPIED, _ERASURES, "lost+found"))


class BackupFolder:
    """A folder that has backups."""

    def __init__(self, path: Path) -> None:
        """Name the folder; nothing is read or made yet."""
        self.path = path.resolve()

    @property
    def erasures(self) -> Path:
        """The folder with copies of logs of erasures."""
        return self.path / _ERASURES

    def make(self) -> None:
        """Make the folder if it is missing, and what is always in it.

        Raises:
            BackupRefused: It has files of something else.
            BackupUnfinished: It cannot be made.
        """
        with files.explaining_errors(self.path):
            self.path.mkdir(files.FOLDER_MODE, parents=True, exist_ok=True)
            strangers = [path.name for path in self.path.iterdir() if not self._is_ours(path)]
            if strangers:
                raise BackupRefused(
                    f"{self.path} has other files, such as {min(strangers)}: "
                    f"name an empty folder, or one that has backups of Playhead only"
                )
            for name in (_OBJECTS, _ERASURES):
                (self.path / name).mkdir(files.FOLDER_MODE, exist_ok=True)

    @contextmanager
    def hold(self, *, is_shared: bool = False) -> Iterator[None]:
        """Keep others from changing the folder; the kernel ends this when the process dies.

        Raises:
            BackupRefused: It is in use, or is not there.
        """
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise BackupRefused(f"{self.path}: {error.strerror}") from error
        try:
            try:
                kind = fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BackupRefused(f"{self.path} is in use by another command") from None
            yield
        finally:
            os.close(descriptor)

    def list_names(self) -> list[str]:
        """Return the names of all finished backups, the oldest first."""
        return sorted(
            path.parent.name
            for path in self.path.glob(f"*/{_MANIFEST}")
            if _NAME.match(path.parent.name)
        )

    def find_name(self, wanted: str | None) -> str:
        """Return the name of a backup: the one that is wanted, or the newest.

        Raises:
            BackupRefused: There is no such backup.
        """
        names = self.list_names()
        if not names:
            raise BackupRefused(f"{self.path} has no finished backup")
        if wanted is None:
            return names[-1]
        if wanted not in names:
            raise BackupRefused(f"{self.path} has no backup {wanted}; it has {', '.join(names)}")
        return wanted

    def folder_of(self, name: str) -> Path:
        """Return the folder of one backup."""
        return self.path / name

    def read_manifest(self, name: str) -> Manifest:
        """Read the manifest of a backup.

        Raises:
            BackupRefused: A later release wrote it.
            DamagedBackup: It cannot be read, or was changed.
        """
        path = self.path / name / _MANIFEST
        try:
            return decode_manifest(path.read_bytes(), where=str(path))
        except OSError as error:
            raise DamagedBackup(f"{path} cannot be read: {error.strerror}") from error

    def write_manifest(self, manifest: Manifest) -> None:
        """Finish a backup."""
        folder = self.path / manifest.name
        files.sync_folder(folder)
        files.write_file(folder / _MANIFEST, encode_manifest(manifest))
        files.sync_folder(folder)
        files.sync_folder(self.path)

    def begin(self, name: str) -> Path:
        """Remove what unfinished backups left, except copies of objects; make the next one.

        Returns:
            The folder of the new backup.
        """
        with files.explaining_errors(self.path):
            for path in self.path.iterdir():
                if _NAME.match(path.name) and not (path / _MANIFEST).exists():
                    shutil.rmtree(path)
            for path in (self.path / _OBJECTS).glob(f"{files.UNFINISHED}*"):
                path.unlink()
            folder = self.path / name
            folder.mkdir(files.FOLDER_MODE)
        return folder

    def content_path(self, sha256: str) -> Path:
        """Return the file with the bytes of this checksum."""
        return self.path / _OBJECTS / sha256[:2] / sha256

    def begin_content(self) -> files.FileWriter:
        """Begin a file with the bytes of an object."""
        return files.FileWriter(self.path / _OBJECTS)

    def has_content(self, copied: CopiedObject) -> bool:
        """Tell whether the bytes of an object are here, as far as a look at the size can tell."""
        try:
            return self.content_path(copied.sha256).stat().st_size == copied.size_bytes
        except OSError:
            return False

    def read_objects(self, name: str) -> Iterator[CopiedObject]:
        """Read the objects of a backup.

        Raises:
            DamagedBackup: The list cannot be read.
        """
        path = self.path / name / OBJECT_LIST
        try:
            yield from _read_lines(path)
        except msgspec.DecodeError as error:
            raise DamagedBackup(f"{path} cannot be read: {error}") from error
        except OSError as error:
            raise DamagedBackup(f"{path} cannot be read: {error.strerror}") from error

    def make_table(self) -> ObjectTable:
        """Make a table for objects, beside their copies."""
        return ObjectTable(self.path / _OBJECTS)

    def read_copied(self) -> Iterator[CopiedObject]:
        """Read what is known of copies: of the newest backup, then of an unfinished one.

        What comes later under the same key is newer.
        """
        names = self.list_names()
        if names:
            yield from self.read_objects(names[-1])
        yield from self._read_notes()

    def _read_notes(self) -> Iterator[CopiedObject]:
        """Read what an unfinished backup has copied."""
        try:
            yield from _read_lines(self.path / _COPIED)
        except FileNotFoundError:
            pass
        except msgspec.DecodeError:
            pass  # The last line of a backup that was killed: its object is copied again.

    @contextmanager
    def noting_copies(self) -> Iterator["CopyNotes"]:
        """Note copies, so that the next backup need not copy again if this one is killed."""
        path = self.path / _COPIED
        # Written anew, because the last line of the file may be cut short.
        with files.explaining_errors(self.path), files.FileWriter(self.path) as writer:
            for copied in self._read_notes():
                writer.write(_encode_line(copied))
            writer.finish(path)
        with path.open("ab", buffering=0) as file:
            yield CopyNotes(file.fileno(), self.path)

    def prune(self, *, keep: int) -> None:
        """Remove all but the newest backups, and bytes of objects that none of these has."""
        names = self.list_names()
        with files.explaining_errors(self.path):
            for name in names[:-keep]:
                # First the manifest: half a backup must not look like a whole one.
                (self.path / name / _MANIFEST).unlink()
                shutil.rmtree(self.path / name)
            with self.make_table() as needed:
                for name in names[-keep:]:
                    needed.add_all(note_checksum(each) for each in self.read_objects(name))
                for path in (self.path / _OBJECTS).glob("*/*"):
                    if path.name not in needed:
                        path.unlink()
            (self.path / _COPIED).unlink(missing_ok=True)

    def _is_ours(self, path: Path) -> bool:
        # Hidden names are those of unfinished files, or of the file system, such as `.snapshot`.
        return path.name in _OURS or path.name.startswith(".") or bool(_NAME.match(path.name))


class CopyNotes:
    """The file in which an unfinished backup notes what it has copied."""

    def __init__(self, descriptor: int, folder: Path) -> None:
        self._descriptor = descriptor
        self._folder = folder

    def add(self, copied: CopiedObject) -> None:
        """Note a copy whose bytes are on the disk."""
        with files.explaining_errors(self._folder):
            os.write(self._descriptor, _encode_line(copied))


@dataclass(frozen=True, slots=True)
class WrittenList:
    """The list of the objects of a backup, and what it adds up to."""

    file: BackupFile
    objects: int
    object_bytes: int


def write_object_list(folder: Path, objects: Iterable[CopiedObject]) -> WrittenList:
    """Write the list of the objects of a backup."""
    count = object_bytes = 0
    with files.FileWriter(folder) as writer:
        for copied in objects:
            writer.write(_encode_line(copied))
            count += 1
            object_bytes += copied.size_bytes
        writer.finish(folder / OBJECT_LIST)
        file = BackupFile(OBJECT_LIST, writer.size_bytes, writer.sha256)
    return WrittenList(file, count, object_bytes)


def note_checksum(copied: CopiedObject) -> CopiedObject:
    """Make an entry by which a table knows the bytes of an object, whatever its key."""
    return CopiedObject(copied.sha256, copied.size_bytes, "", "")


_line_decoder: Final = msgspec.json.Decoder(CopiedObject)


def _encode_line(copied: CopiedObject) -> bytes:
    return msgspec.json.encode(copied) + b"\n"


def _read_lines(path: Path) -> Iterator[CopiedObject]:
    with path.open("rb") as file:
        for line in file:
            yield _line_decoder.decode(line)
