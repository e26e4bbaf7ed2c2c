"""A table of objects by key in a file, for lists that may be too long for memory.

Ten million objects take some 2 GB in such a file, and as much memory as SQLite's cache.
"""

import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

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
    """Objects by key, in a file without a name, which goes with the process at the latest.

    It may be used from several threads, one after another. While it is iterated, nothing is added.
    """

    def __init__(self, folder: Path) -> None:
        """Make an empty table in a folder.

        Raises:
            BackupUnfinished: The file cannot be made.
        """
        self._folder = folder
        path = folder.absolute() / f"{UNFINISHED}{secrets.token_hex(8)}"
        # Nobody else opens the file, and network file systems may not grant locks.
        address = f"{path.as_uri()}?vfs=unix-none"
        with self._explaining_errors():
            self._connection = sqlite3.connect(
                address, uri=True, isolation_level=None, check_same_thread=False
            )
            try:
                self._connection.executescript(_SET_UP)
                self._connection.execute("begin")
            finally:
                # SQLite goes on with the open file, and a process that is killed leaves none.
                path.unlink(missing_ok=True)

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
        with self._explaining_errors():
            self._connection.executemany("replace into objects values (?, ?, ?, ?)", rows)

    def find(self, key: str) -> CopiedObject | None:
        """Return the object under a key, if there is one."""
        query = f"select {_COLUMNS} from objects where key = ?"  # noqa: S608 - our own names
        row = self._fetch_one(query, key)
        return None if row is None else CopiedObject(*row)

    def __contains__(self, key: str) -> bool:
        return self._fetch_one("select 1 from objects where key = ?", key) is not None

    def __iter__(self) -> Iterator[CopiedObject]:
        """Go through all objects in order of their keys."""
        with self._explaining_errors():
            query = f"select {_COLUMNS} from objects order by key"  # noqa: S608
            for row in self._connection.execute(query):
                yield CopiedObject(*row)

    def __len__(self) -> int:
        count: int = self._fetch_one("select count(*) from objects")[0]
        return count

    def add_up_bytes(self) -> int:
        """Return the sum of the sizes of all objects."""
        query = "select coalesce(sum(size_bytes), 0) from objects"
        size_bytes: int = self._fetch_one(query)[0]
        return size_bytes

    def _fetch_one(self, query: str, *values: str) -> Any:
        with self._explaining_errors():
            return self._connection.execute(query, values).fetchone()

    @contextmanager
    def _explaining_errors(self) -> Iterator[None]:
        """Turn errors of SQLite into sentences."""
        try:
            yield
        except sqlite3.Error as error:
            raise BackupUnfinished(f"{self._folder}: {error}") from error
        except UnicodeEncodeError as error:
            raise BackupUnfinished(f"the key {error.object!r} of an object is no text") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()
