"""A table of objects by key in a file, for lists that may be too long for memory.

Ten million objects take some 2 GB in such a file, and as much memory as SQLite's cache.
"""

import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from app.backup.files import UNFINISHED
from app.backup.model import BackupUnfinished, CopiedObject

# The file is scrap after a crash, so nothing is synced and nothing can be rolled back.
_SET_UP: Final = """
    pragma journal_mode = off;
    pragma synchronous = off;
    pragma locking_mode = exclusive;
    pragma cache_size = -32000;
    create table objects (key text primary key, size_bytes integer, version text, sha256 text)
        without rowid;
"""
_COLUMNS: Final = "key, size_bytes, version, sha256"


class ObjectTable:
    """Objects by key, in a file that is removed when the table is closed.

    It may be used from several threads, one after another. While it is iterated, nothing is added.
    """

    def __init__(self, folder: Path) -> None:
        """Make an empty table in a folder.

        Raises:
            BackupUnfinished: The file cannot be made.
        """
        self._path = folder / f"{UNFINISHED}{secrets.token_hex(8)}"
        try:
            self._connection = sqlite3.connect(
                self._path, isolation_level=None, check_same_thread=False
            )
            self._connection.executescript(_SET_UP)
            self._connection.execute("begin")
        except sqlite3.Error as error:
            raise BackupUnfinished(f"{folder}: {error}") from error

    def add(self, copied: CopiedObject) -> None:
        """Add an object, or replace the one under its key.

        Raises:
            BackupUnfinished: The disk is full.
        """
        self.add_all((copied,))

    def add_all(self, objects: Iterable[CopiedObject]) -> None:
        """Add objects, as `add` does.

        Raises:
            BackupUnfinished: The disk is full.
        """
        rows = ((each.key, each.size_bytes, each.version, each.sha256) for each in objects)
        try:
            self._connection.executemany("replace into objects values (?, ?, ?, ?)", rows)
        except sqlite3.Error as error:
            raise BackupUnfinished(f"{self._path.parent}: {error}") from error

    def find(self, key: str) -> CopiedObject | None:
        """Return the object under a key, if there is one."""
        query = f"select {_COLUMNS} from objects where key = ?"  # noqa: S608 - our own names
        row = self._connection.execute(query, (key,)).fetchone()
        return None if row is None else CopiedObject(*row)

    def __contains__(self, key: str) -> bool:
        found = self._connection.execute("select 1 from objects where key = ?", (key,))
        return found.fetchone() is not None

    def __iter__(self) -> Iterator[CopiedObject]:
        """Go through all objects in order of their keys."""
        rows = self._connection.execute(f"select {_COLUMNS} from objects order by key")  # noqa: S608
        return (CopiedObject(*row) for row in rows)

    def __len__(self) -> int:
        count: int = self._connection.execute("select count(*) from objects").fetchone()[0]
        return count

    def add_up_bytes(self) -> int:
        """Return the sum of the sizes of all objects."""
        query = "select coalesce(sum(size_bytes), 0) from objects"
        size_bytes: int = self._connection.execute(query).fetchone()[0]
        return size_bytes

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()
        self._path.unlink(missing_ok=True)
