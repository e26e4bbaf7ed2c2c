"""The journal of this process: it says `done` of an entry when that would survive a power cut.

    append ─► handed over, once a turn of the event loop ─► writer thread: one write, one fdatasync
                                                        ◄─ done, once a batch

One thread writes, so a busy door costs one fdatasync for many entries, and a quiet one none of
the waiting that a timer would add. What one turn of the loop brought goes over together: thread and
loop wake one another once for all of it.
"""

import asyncio
import contextlib
import os
import queue
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from app.core import log
from app.core.direct_io import BytesLike
from app.core.errors import ServiceUnavailable
from app.journal import entry, folder as folders
from app.journal.appender import Appender
from app.journal.backlog import Backlog, Tally
from app.journal.entry import Entry, Kind

FILE_S: Final = 10.0
"""A journal file is closed at this age: what is digested stays on disk no longer."""
WAITING_BYTES: Final = 128 * 1024 * 1024
"""Entries waiting for the disk may take this much memory; more are turned away."""
_BATCH_ENTRIES: Final = 500
_BATCH_BYTES: Final = 4 * 1024 * 1024
"""A write ends with the entry that crosses this; more would make the first in it wait long."""

Done = Callable[[ServiceUnavailable | None], None]
"""Told on the event loop that an entry is on disk, or why it is not kept."""

_logger: Final = log.get_logger("journal.writer")


class _Waiting(msgspec.Struct):
    """One entry on its way to the disk."""

    seq: int
    received_ms: int
    head: bytes
    body: bytes
    size_bytes: int
    done: Done


@dataclass(frozen=True, slots=True)
class _Release:
    """Everything up to `seq` is digested."""

    seq: int


class _Stop:
    """The writer thread is to end."""


_Work = list[_Waiting] | _Release | _Stop


class Journal:
    """Accepted envelopes on disk. Use it from one event loop."""

    def __init__(self, path: Path, lock: int, appender: Appender) -> None:
        self.path = path
        self._lock = lock
        self._appender = appender
        self._tally = Tally()
        self._next_seq = 1
        self._last_seq = 0
        self._waiting_bytes = 0
        self._is_closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._fresh: list[_Waiting] = []
        """Not handed over yet."""
        self._work: queue.SimpleQueue[_Work] = queue.SimpleQueue()
        self._written = asyncio.Event()
        """Set whenever a batch has been told."""
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @classmethod
    def open(
        cls, root: Path, *, file_bytes: int, reserve_bytes: int, file_s: float = FILE_S
    ) -> "Journal":
        """Begin a journal in a new folder below `root`, which this process alone writes.

        Args:
            root: Folder of all journals of this machine; made if it is missing.
            file_bytes: A file is closed and the next begun at this size.
            reserve_bytes: Free disk space under which nothing is accepted.
            file_s: A file is closed and the next begun at this age.

        Raises:
            ServiceUnavailable: No folder can be made there.
        """
        path, lock = folders.new(root)
        try:
            appender = Appender(
                path, file_bytes=file_bytes, file_s=file_s, reserve_bytes=reserve_bytes
            )
        except OSError as error:
            os.close(lock)
            raise ServiceUnavailable(
                f"the journal {path} cannot be opened: {error.strerror}"
            ) from error
        return cls(path, lock, appender)

    @property
    def id(self) -> str:
        """The name of this journal; with it a seq is unique for ever."""
        return self.path.name

    @property
    def last_seq(self) -> int:
        """The newest entry that is on disk; 0 while there is none."""
        return self._last_seq

    def backlog(self) -> Backlog:
        """Return what is acknowledged and not yet released."""
        return self._tally.backlog()

    def append(
        self,
        *,
        project_id: int,
        key: str,
        received_ms: int,
        client_ip: str | None,
        content_encoding: str | None,
        kind: Kind,
        body: bytes,
        done: Done,
    ) -> int:
        """Keep one envelope.

        `done` is called later, on the event loop and in the order of the seqs: with None when the
        entry is on disk, or with the reason why it is not kept and will not be found there as far
        as the disk allows. Who does not want to know any more ignores it.

        Returns:
            Its seq: entries appended later have a larger one.

        Raises:
            ServiceUnavailable: It is not kept.
            MalformedInput: The facts cannot be written down.
            OversizedInput: Facts or body are beyond what an entry may hold.
        """
        if self._is_closed:
            raise ServiceUnavailable("the journal is closed")
        if self._waiting_bytes and self._waiting_bytes + len(body) > WAITING_BYTES:
            raise ServiceUnavailable("the disk is too slow: too much waits to be written")
        seq = self._next_seq
        head = entry.encode(
            Entry(seq, project_id, key, received_ms, client_ip, content_encoding, kind, body)
        )
        self._next_seq = seq + 1
        waiting = _Waiting(seq, received_ms, head, body, len(head) + len(body), done)
        self._waiting_bytes += waiting.size_bytes
        if not self._fresh:
            self._loop = asyncio.get_running_loop()
            self._loop.call_soon(self.hand_over)
        self._fresh.append(waiting)
        return seq

    def hand_over(self) -> None:
        """Let the writer begin with what was appended; by itself it does with the next turn."""
        if self._fresh:
            fresh, self._fresh = self._fresh, []
            self._work.put(fresh)

    async def written(self, timeout_s: float) -> None:
        """Wait until those who wait for the batch under way are told, if there is one."""
        if self._waiting_bytes:
            self._written.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._written.wait()

    def release(self, seq: int) -> None:
        """Say that everything up to `seq` is digested; files that hold nothing else are removed.

        The removal happens soon, in the writer thread.
        """
        self._tally.release(seq)
        self._work.put(_Release(seq))

    async def close(self) -> None:
        """Write what waits and stop; the folder is removed when all of it is released."""
        if self._is_closed:
            return
        self._is_closed = True
        self.hand_over()
        self._work.put(_Stop())
        await asyncio.to_thread(self._thread.join)
        if self._appender.close():
            with contextlib.suppress(OSError):  # empty: whoever adopts it removes it
                folders.remove(self.path)
        os.close(self._lock)

    def _run(self) -> None:
        """Write batch after batch; the whole life of the writer thread."""
        waiting: deque[_Waiting] = deque()
        is_open = True
        while is_open or waiting:
            if is_open:
                is_open = self._gather(waiting)
            if waiting:
                self._write(_next_batch(waiting))

    def _gather(self, waiting: deque[_Waiting]) -> bool:
        """Take all that has come, and wait for it if nothing is to be written; False: stop."""
        try:
            work = self._work.get(not waiting, self._appender.due_s())
            while not isinstance(work, _Stop):
                if isinstance(work, _Release):
                    self._appender.release(work.seq)
                else:
                    waiting.extend(work)
                work = self._work.get_nowait()
        except queue.Empty:
            self._appender.tidy()
            return True
        return False

    def _write(self, batch: list[_Waiting]) -> None:
        buffers: list[BytesLike] = []
        for waiting in batch:
            buffers += (waiting.head, waiting.body)
        reason: str | None = None
        try:
            self._appender.write(buffers, first_seq=batch[0].seq, last_seq=batch[-1].seq)
        except ServiceUnavailable as error:
            reason = str(error)
        except OSError as error:
            reason = f"the journal cannot write: {error.strerror}"
        except Exception:
            reason = "the journal failed"
            _logger.exception("journal write failed", entries=len(batch))
        with contextlib.suppress(RuntimeError):  # the loop is gone, and with it who waited
            assert self._loop is not None  # noqa: S101 - set before anything is handed over
            self._loop.call_soon_threadsafe(self._settle, batch, reason)

    def _settle(self, batch: list[_Waiting], reason: str | None) -> None:
        """Tell those who wait, on the event loop."""
        size_bytes = sum(waiting.size_bytes for waiting in batch)
        self._waiting_bytes -= size_bytes
        if reason is None:
            self._last_seq = batch[-1].seq
            self._tally.add(
                batch[-1].seq,
                entries=len(batch),
                size_bytes=size_bytes,
                oldest_received_ms=min(waiting.received_ms for waiting in batch),
            )
        error = None if reason is None else ServiceUnavailable(reason)
        for waiting in batch:
            try:
                waiting.done(error)
            except Exception:
                _logger.exception("an entry's sender could not be told", seq=waiting.seq)
        self._written.set()


def _next_batch(waiting: deque[_Waiting]) -> list[_Waiting]:
    """Take as much from the front as one write may hold."""
    batch: list[_Waiting] = []
    size_bytes = 0
    while waiting and len(batch) < _BATCH_ENTRIES and size_bytes < _BATCH_BYTES:
        batch.append(waiting.popleft())
        size_bytes += batch[-1].size_bytes
    return batch
