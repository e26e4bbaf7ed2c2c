"""Finds the journals of dead processes, so that another one can digest what they accepted."""

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from app.core.errors import ServiceUnavailable
from app.journal import files, folder as folders, reader
from app.journal.entry import JournalEntry


class AbandonedJournal:
    """The journal of a dead process, locked by this one until `remove` or `unlock`."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock: int | None = lock

    @property
    def id(self) -> str:
        """The id of the journal, as its process used it."""
        return self.path.name

    def read(
        self,
        after_seq: int = 0,
        *,
        on_damage: Callable[[reader.JournalDamage], None] = reader.log_damage,
    ) -> Iterator[JournalEntry]:
        """Read its entries in order, as `reader.read_entries` does."""
        return reader.read_entries(self.path, after_seq, on_damage=on_damage)

    def size_bytes(self) -> int:
        """Return the size of its files.

        Raises:
            ServiceUnavailable: The folder cannot be read.
        """
        try:
            return sum(each.path.stat().st_size for each in files.list_journal_files(self.path))
        except OSError as error:
            raise ServiceUnavailable(f"journal {self.id}: {error.strerror}") from error

    def release(self, seq: int) -> None:
        """Remove the files without entries after `seq`; the last file stays until `remove`.

        Raises:
            ServiceUnavailable: A file cannot be removed.
        """
        try:
            numbered = files.list_journal_files(self.path)
            for this, following in itertools.pairwise(numbered):
                if following.first_seq <= seq + 1:
                    this.path.unlink()
        except OSError as error:
            raise ServiceUnavailable(f"journal {self.id}: {error.strerror}") from error

    def remove(self) -> None:
        """Remove the folder, because everything in it is digested.

        Raises:
            ServiceUnavailable: It cannot be removed, and stays locked.
        """
        try:
            folders.remove_folder(self.path)
        except OSError as error:
            raise ServiceUnavailable(
                f"journal {self.id} cannot be removed: {error.strerror}"
            ) from error
        self.unlock()

    def unlock(self) -> None:
        """Let other processes adopt what is left; a second call does nothing."""
        # Two threads must not close one descriptor: its number may be another file's by then.
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)


def lock_abandoned_journals(root: Path, own: str | None) -> list[AbandonedJournal]:
    """Lock and return the folders below `root` whose processes are dead, the oldest first.

    Args:
        root: The folder of all journals of this machine.
        own: The id of this process's own journal, if it has one.

    Raises:
        ServiceUnavailable: The root cannot be read.
    """
    abandoned: list[AbandonedJournal] = []
    try:
        for path in folders.list_other_folders(root, own):
            lock = folders.try_lock_folder(path)
            if lock is not None:
                abandoned.append(AbandonedJournal(path, lock))
    except OSError as error:
        for journal in abandoned:
            journal.unlock()
        raise ServiceUnavailable(
            f"journals in {root} cannot be adopted: {error.strerror}"
        ) from error
    return abandoned
