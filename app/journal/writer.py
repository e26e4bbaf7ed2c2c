"""The journal of this process: it settles an entry when that would survive a power cut.

    append ─► hand_over, once a turn of the event loop ─► writer thread: one write, one fdatasync
                                                      ◄─ settle, once a batch

One thread writes. Under load one fdatasync serves many entries, and without load no entry waits for
a timer. The entries of one turn of the loop are handed over together, so that thread and loop wake
each other once for all of them.
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
from app.journal import entry, files, folder as folders
from app.journal.appender import JournalAppender
from app.journal.backlog import Backlog, BacklogCounter
from app.journal.entry import JournalEntry, RequestKind

FILE_S: Final = 10.0
"""The age at which a journal file is closed, so that digested entries leave the disk."""
WAITING_BYTES: Final = 128 * 1024 * 1024
"""The most memory that entries waiting for the disk may take; more are turned away."""
_BATCH_ENTRIES: Final = 500
_BATCH_BYTES: Final = 4 * 1024 * 1024
"""A write ends with the entry that exceeds this; a longer one would hold up its first entry."""

OnSettled = Callable[[ServiceUnavailable | None], None]
"""Called on the event loop when an entry is on disk, or with the reason why it is not kept."""

_logger: Final = log.get_logger("journal.writer")


class _WaitingEntry(msgspec.Struct):
    """One entry on its way to the disk."""

    seq: int
    received_ms: int
    head: bytes
    body: bytes
    size_bytes: int
    on_settled: OnSettled


@dataclass(frozen=True, slots=True)
class _Release:
    """Tells the writer thread that everything up to `seq` is digested."""

    seq: int


@dataclass(frozen=True, slots=True)
class _Reopening:
    """Tells the writer thread that nothing after `seq` is digested after all."""

    seq: int
    done: threading.Event


class _Stop:
    """Tells the writer thread to end."""


_Work = list[_WaitingEntry] | _Release | _Reopening | _Stop


class Journal:
    """Accepted envelopes on disk. Use it from one event loop."""

    def __init__(self, path: Path, lock: int, appender: JournalAppender) -> None:
        self.path = path
        self._lock = lock
        self._appender = appender
        self._backlog = BacklogCounter()
        self._next_seq = 1
        self._last_seq = 0
        self._released_seq = 0
        self._reopenings = 0
        self._waiting_bytes = 0
        self._is_closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._appended: list[_WaitingEntry] = []
        """Entries that are not handed over yet."""
        self._work: queue.SimpleQueue[_Work] = queue.SimpleQueue()
        self._written = asyncio.Event()
        """Set whenever the entries of a batch are settled."""
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @classmethod
    def open(
        cls,
        root: Path,
        *,
        file_bytes: int,
        reserve_bytes: int,
        file_s: float = FILE_S,
        keep_s: float = 0,
    ) -> "Journal":
        """Begin a journal in a new folder below `root`, which this process alone writes.

        Args:
            root: Folder of all journals of this machine; made if it is missing.
            file_bytes: The size at which a file is closed and the next one begun.
            reserve_bytes: The free disk space below which nothing is accepted.
            file_s: The age at which a file is closed and the next one begun.
            keep_s: The seconds for which a digested file stays, in case Postgres loses commits.

        Raises:
            ServiceUnavailable: No folder can be made there.
        """
        path, lock = folders.make_journal_folder(root)
        try:
            appender = JournalAppender(
                path,
                file_bytes=file_bytes,
                file_s=file_s,
                reserve_bytes=reserve_bytes,
                keep_s=keep_s,
            )
        except OSError as error:
            os.close(lock)
            raise ServiceUnavailable(
                f"the journal {path} cannot be opened: {error.strerror}"
            ) from error
        return cls(path, lock, appender)

    @property
    def id(self) -> str:
        """The name of this journal; together with it, a seq is never used twice."""
        return self.path.name

    @property
    def last_seq(self) -> int:
        """The newest entry that is on disk; 0 while there is none."""
        return self._last_seq

    @property
    def released_seq(self) -> int:
        """The entry up to which everything is digested; it falls when Postgres loses commits."""
        return self._released_seq

    @property
    def reopenings(self) -> int:
        """The number of times that it fell."""
        return self._reopenings

    @property
    def kept_bytes(self) -> int:
        """The size of the files that are digested and still kept."""
        return self._appender.kept.size_bytes

    @property
    def cut_short_bytes(self) -> int:
        """The size of all files so far that went before their time, for want of disk space."""
        return self._appender.kept.cut_short_bytes

    def backlog(self) -> Backlog:
        """Return the entries that are acknowledged and not yet released."""
        return self._backlog.backlog()

    def append(
        self,
        *,
        project_id: int,
        key: str,
        received_ms: int,
        client_ip: str | None,
        content_encoding: str | None,
        kind: RequestKind,
        body: bytes,
        on_settled: OnSettled,
    ) -> int:
        """Keep one envelope.

        `on_settled` is called later, on the event loop and in the order of the seqs: with None when
        the entry is on disk, or with the reason why it is not kept. In that case it will not be
        found there later either, as far as the disk allows.

        Returns:
            The seq of the entry, which is larger than that of every earlier one.

        Raises:
            ServiceUnavailable: The entry is not kept.
            MalformedInput: The facts of the request cannot be encoded.
            OversizedInput: The facts or the body are larger than an entry may be.
        """
        if self._is_closed:
            raise ServiceUnavailable("the journal is closed")
        if self._waiting_bytes and self._waiting_bytes + len(body) > WAITING_BYTES:
            raise ServiceUnavailable("the disk is too slow: too much waits to be written")
        seq = self._next_seq
        head = entry.encode_entry(
            JournalEntry(seq, project_id, key, received_ms, client_ip, content_encoding, kind, body)
        )
        self._next_seq = seq + 1
        waiting = _WaitingEntry(seq, received_ms, head, body, len(head) + len(body), on_settled)
        self._waiting_bytes += waiting.size_bytes
        if not self._appended:
            self._loop = asyncio.get_running_loop()
            self._loop.call_soon(self.hand_over)
        self._appended.append(waiting)
        return seq

    def hand_over(self) -> None:
        """Let the writer begin with the appended entries now instead of in the next turn."""
        if self._appended:
            appended, self._appended = self._appended, []
            self._work.put(appended)

    async def wait_for_batch(self, timeout_s: float) -> None:
        """Wait until the current batch, if there is one, has been acknowledged."""
        if self._waiting_bytes:
            self._written.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._written.wait()

    def release(self, seq: int) -> None:
        """Take note that Postgres has everything up to `seq`, as a commit or a look has just shown.

        Files that hold nothing else are removed in the writer thread: soon, or at a later call when
        they have been kept for their time.
        """
        self._released_seq = max(self._released_seq, seq)
        self._backlog.release(seq)
        self._work.put(_Release(seq))

    async def reopen(self, seq: int, *, until_seq: int, received_ms: int) -> int:
        """Take back the release of everything after `seq`, because Postgres has lost it.

        Args:
            seq: The last entry that is stored.
            until_seq: The last entry that had been released.
            received_ms: About when the first of them was received.

        Returns:
            The number of entries after `seq` whose files are gone: they are lost.
        """
        self._released_seq = seq
        self._reopenings += 1
        self._backlog.reopen(
            seq, until_seq=until_seq, size_bytes=self.kept_bytes, received_ms=received_ms
        )
        reopening = _Reopening(seq, threading.Event())
        self._work.put(reopening)
        await asyncio.to_thread(reopening.done.wait)
        return await asyncio.to_thread(self._count_missing, seq, until_seq)

    async def close(self) -> None:
        """Write the waiting entries and stop; the folder is removed if all entries are released."""
        if self._is_closed:
            return
        self._is_closed = True
        self.hand_over()
        self._work.put(_Stop())
        await asyncio.to_thread(self._thread.join)
        if self._appender.close():
            with contextlib.suppress(
                OSError
            ):  # It is empty, and the process that adopts it removes it.
                folders.remove_folder(self.path)
        os.close(self._lock)

    def _count_missing(self, seq: int, until_seq: int) -> int:
        journal_files = files.list_journal_files(self.path)
        first_seq = journal_files[0].first_seq if journal_files else until_seq + 1
        return max(0, min(first_seq, until_seq + 1) - seq - 1)

    def _run(self) -> None:
        """Write batch after batch, as long as the writer thread lives."""
        waiting: deque[_WaitingEntry] = deque()
        is_open = True
        while is_open or waiting:
            if is_open:
                is_open = self._gather(waiting)
            if waiting:
                self._write(_next_batch(waiting))

    def _gather(self, waiting: deque[_WaitingEntry]) -> bool:
        """Take all work that is there, and wait for some if nothing is to be written.

        Returns:
            False if the thread is to stop.
        """
        try:
            work = self._work.get(not waiting, self._appender.seconds_until_close())
            while not isinstance(work, _Stop):
                if isinstance(work, list):
                    waiting.extend(work)
                elif isinstance(work, _Release):
                    self._appender.release(work.seq)
                else:
                    self._appender.reopen(work.seq)
                    work.done.set()
                work = self._work.get_nowait()
        except queue.Empty:
            self._appender.close_old_file()
            return True
        return False

    def _write(self, batch: list[_WaitingEntry]) -> None:
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
        with contextlib.suppress(RuntimeError):  # The loop is gone, and its senders with it.
            assert self._loop is not None  # noqa: S101 - set before anything is handed over
            self._loop.call_soon_threadsafe(self._settle, batch, reason)

    def _settle(self, batch: list[_WaitingEntry], reason: str | None) -> None:
        """Settle the entries of a batch, on the event loop."""
        size_bytes = sum(waiting.size_bytes for waiting in batch)
        self._waiting_bytes -= size_bytes
        if reason is None:
            self._last_seq = batch[-1].seq
            self._backlog.add(
                batch[-1].seq,
                entries=len(batch),
                size_bytes=size_bytes,
                oldest_received_ms=min(waiting.received_ms for waiting in batch),
            )
        error = None if reason is None else ServiceUnavailable(reason)
        for waiting in batch:
            try:
                waiting.on_settled(error)
            except Exception:
                _logger.exception("settling an entry failed", seq=waiting.seq)
        self._written.set()


def _next_batch(waiting: deque[_WaitingEntry]) -> list[_WaitingEntry]:
    """Take as much from the front as one write may hold."""
    batch: list[_WaitingEntry] = []
    size_bytes = 0
    while waiting and len(batch) < _BATCH_ENTRIES and size_bytes < _BATCH_BYTES:
        batch.append(waiting.popleft())
        size_bytes += batch[-1].size_bytes
    return batch
