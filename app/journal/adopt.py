"""Finds the journals of dead processes, so that another can digest what they had accepted."""

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from app.core.errors import ServiceUnavailable
from app.journal import files, folder as folders, reader
from app.journal.entry import Entry


class Folder:
    """The journal of a dead process; nobody else touches it until `remove` or `let_go`."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock: int | None = lock

    @property
    def id(self) -> str:
        """The id of the journal, as its process used it."""
        return self.path.name

    def read(
        self, after_seq: int = 0, *, on_damage: Callable[[reader.Damage], None] = reader.log_damage
    ) -> Iterator[Entry]:
        """Read its entries in order, as `reader.read` does."""
        return reader.read(self.path, after_seq, on_damage=on_damage)

    def size_bytes(self) -> int:
        """Return how much is in it.

        Raises:
            ServiceUnavailable: It cannot be looked at.
        """
        try:
            return sum(each.path.stat().st_size for each in files.listing(self.path))
        except OSError as error:
            raise ServiceUnavailable(f"journal {self.id}: {error.strerror}") from error

    def release(self, seq: int) -> None:
        """Remove the files that hold nothing after `seq`; the last one stays until `remove`.

        Raises:
            ServiceUnavailable: A file cannot be removed.
        """
        try:
            numbered = files.listing(self.path)
            for this, following in itertools.pairwise(numbered):
                if following.first_seq <= seq + 1:
                    this.path.unlink()
        except OSError as error:
            raise ServiceUnavailable(f"journal {self.id}: {error.strerror}") from error

    def remove(self) -> None:
        """Remove the folder: everything in it is digested.

        Raises:
            ServiceUnavailable: It cannot be removed; the lock is still held.
        """
        try:
            folders.remove(self.path)
        except OSError as error:
            raise ServiceUnavailable(
                f"journal {self.id} cannot be removed: {error.strerror}"
            ) from error
        self.let_go()

    def let_go(self) -> None:
        """Give the folder back as it is; another process may adopt it. Twice is harmless."""
        # Taken first: two threads must not close one number, which may be another file's by then.
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)


def adoptable(root: Path, own: str | None) -> list[Folder]:
    """Lock and return the folders below `root` whose processes are dead, the oldest first.

    Args:
        root: Where journals make their folders.
        own: Id of one's own journal, if there is one.

    Raises:
        ServiceUnavailable: The root cannot be read.
    """
    found: list[Folder] = []
    try:
        for path in folders.others(root, own):
            lock = folders.claim(path)
            if lock is not None:
                found.append(Folder(path, lock))
    except OSError as error:
        for each in found:
            each.let_go()
        raise ServiceUnavailable(
            f"journals in {root} cannot be adopted: {error.strerror}"
        ) from error
    return found
