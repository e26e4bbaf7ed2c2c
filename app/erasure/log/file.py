"""The file with the log of erasures: append-only, synced, and outside the database.

    {"playhead_erasure_log": 1, "log_id": …}        the head, written once
    {"erasure_id": 7, "at": …, "replays": […]}      a line for each part of an erasure

The file must not be part of a backup of the database: it says what a restored database must forget.
"""

import asyncio
import fcntl
import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock, log
from app.core.errors import ServiceUnavailable
from app.db.engine import Database
from app.erasure.log import lines
from app.erasure.log.lines import LogLine
from app.erasure.log.tables import erasure_logs

_VERSION: Final = 1
_LINES_AT_ONCE: Final = 200

_logger: Final = log.get_logger("erasure.log")


@dataclass(frozen=True, slots=True)
class LogHead:
    """The identity of a log file, and how long the file is."""

    log_id: str
    size_bytes: int


class ErasureLog:
    """The log file of one data folder."""

    def __init__(self, path: Path) -> None:
        """Set the path; the file itself is made with the first line."""
        self.path = path

    async def append_waiting_lines(self, database: Database) -> None:
        """Write the lines that wait in the database to the file, and sync it.

        After a crash in between they are written a second time. Applying a line twice changes
        nothing.

        If the file is longer than the database knows, the database may be older than the file, and
        the lines in between are still to be applied (`reapply`). Then its new size is not noted,
        which would make the database pass for one that knows them.

        Raises:
            ServiceUnavailable: Postgres does not answer, or the file cannot be written.
        """
        while True:
            # First without a transaction: mostly none waits.
            async with database.reading() as connection:
                if not await lines.is_any_waiting(connection):
                    return
            async with database.transaction() as connection:
                waiting = await lines.take_lines(connection, limit=_LINES_AT_ONCE)
                if not waiting:
                    return
                known = await self._lock_known_size(connection)
                bodies = [body for _, body in waiting]
                head, was_bytes = await asyncio.to_thread(self._append_lines, bodies)
                if was_bytes <= known:
                    await note_size(connection, head)
                await lines.delete_lines(connection, [line_id for line_id, _ in waiting])

    async def _lock_known_size(self, connection: AsyncConnection) -> int:
        """Return the known size in bytes; processes that append wait for one another here."""
        head = await asyncio.to_thread(self.read_head)
        if head is None:
            return 0
        return await read_known_size(connection, head.log_id, for_update=True)

    def read_head(self) -> LogHead | None:
        """Return the head of the file; None if there is no file.

        Raises:
            ServiceUnavailable: The file cannot be read, or is not a log of erasures.
        """
        try:
            with self.path.open("rb") as file:
                first = file.readline()
                return LogHead(_read_log_id(first, self.path), os.fstat(file.fileno()).st_size)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ServiceUnavailable(f"{self.path}: {error.strerror}") from error

    def read_lines(self, *, after_bytes: int) -> Iterator[LogLine]:
        """Yield the lines that begin at or after a place in the file; a torn line is left out."""
        with self.path.open("rb") as file:
            file.readline()
            file.seek(max(file.tell(), after_bytes))
            for text in file:
                try:
                    yield msgspec.json.decode(text, type=LogLine)
                except msgspec.DecodeError as error:
                    # A line that a crash cut short was written again after it.
                    if text.strip():
                        _logger.warning("a_line_cannot_be_read", error=str(error))

    def _append_lines(self, bodies: Sequence[Any]) -> tuple[LogHead, int]:
        try:
            return self._append_to_file(bodies)
        except OSError as error:
            raise ServiceUnavailable(f"{self.path}: {error.strerror}") from error

    def _append_to_file(self, bodies: Sequence[Any]) -> tuple[LogHead, int]:
        """Return the head after appending, and the size in bytes before."""
        is_new = not self.path.exists()
        with open(self.path, "a+b", opener=_open_private) as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX)
            was_bytes = os.fstat(file.fileno()).st_size
            file.seek(0)
            first = file.readline()
            log_id = _read_log_id(first, self.path) if first else secrets.token_hex(16)
            written = b"".join(msgspec.json.encode(body) + b"\n" for body in bodies)
            if not first:
                written = _write_head(log_id) + written
            elif not _ends_with_newline(file.fileno()):
                written = b"\n" + written
            file.write(written)
            file.flush()
            os.fdatasync(file.fileno())
            size_bytes = os.fstat(file.fileno()).st_size
        if is_new:
            _sync_folder(self.path.parent)
        return LogHead(log_id, size_bytes), was_bytes


async def note_size(connection: AsyncConnection, head: LogHead) -> None:
    """Note in the database up to which size it knows a log file."""
    await connection.execute(
        insert(erasure_logs)
        .values(log_id=head.log_id, size_bytes=head.size_bytes)
        .on_conflict_do_update(
            index_elements=[erasure_logs.c.log_id],
            set_={"size_bytes": func.greatest(erasure_logs.c.size_bytes, head.size_bytes)},
        )
    )


async def read_known_size(
    connection: AsyncConnection, log_id: str, *, for_update: bool = False
) -> int:
    """Return the size in bytes up to which the database knows a log file; 0 for an unknown file.

    Args:
        connection: The connection to read by.
        log_id: The id in the head of the file.
        for_update: True to lock the size until the transaction ends.
    """
    query = select(erasure_logs.c.size_bytes).where(erasure_logs.c.log_id == log_id)
    size_bytes = await connection.scalar(query.with_for_update() if for_update else query)
    return int(size_bytes or 0)


async def read_known_sizes(connection: AsyncConnection) -> dict[str, int]:
    """Return the size in bytes up to which the database knows each log file, by the log's id."""
    rows = await connection.execute(select(erasure_logs))
    return {row.log_id: row.size_bytes for row in rows}


def _write_head(log_id: str) -> bytes:
    head = {
        "playhead_erasure_log": _VERSION,
        "log_id": log_id,
        "made_at": clock.now().isoformat(),
        "note": "Keep this file out of backups of the database: it is applied after a restore.",
    }
    return msgspec.json.encode(head) + b"\n"


def _read_log_id(first: bytes, path: Path) -> str:
    try:
        head = msgspec.json.decode(first)
        if head["playhead_erasure_log"] == _VERSION and isinstance(head["log_id"], str):
            return str(head["log_id"])
    except (msgspec.DecodeError, KeyError, TypeError):
        pass
    raise ServiceUnavailable(f"{path} is not a log of erasures that this release can read")


def _ends_with_newline(descriptor: int) -> bool:
    size_bytes = os.fstat(descriptor).st_size
    return os.pread(descriptor, 1, size_bytes - 1) == b"\n"


def _open_private(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NOFOLLOW, 0o600)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
