"""Builders for journals: valid entries and files, of which a test changes one detail."""

import asyncio
import os
import threading
from collections.abc import Generator, Sequence
from typing import Any

import pytest

from app.core.errors import ServiceUnavailable
from app.journal import entry, files, reader
from app.journal.entry import JournalEntry
from app.journal.writer import Journal
from tests.support.waiting import PATIENCE_S, until

FILE_BYTES = 64 * 1024
KEY = "0123456789abcdef0123456789abcdef"


def entry_of(seq: int, body: bytes = b"body") -> JournalEntry:
    """Make a valid entry."""
    return JournalEntry(seq, 7, KEY, 1_800_000_000_000 + seq, "192.0.2.1", "gzip", "envelope", body)


def bytes_of(each: JournalEntry) -> bytes:
    """Return an entry as it stands in a file."""
    return entry.encode_entry(each) + each.body


def file_of(
    entries: Sequence[JournalEntry], *, first_seq: int = 1, previous_bytes: int = 0
) -> bytes:
    """Return the bytes of a journal file."""
    header = files.encode_file_header(files.FileHeader(first_seq, previous_bytes))
    return header + b"".join(map(bytes_of, entries))


async def append(journal: Journal, body: bytes = b"body", *, received_ms: int = 5) -> int:
    """Append an entry of which only the body matters; return its seq when it is on disk."""
    done = JournalCallback()
    seq = journal.append(
        project_id=7,
        key=KEY,
        received_ms=received_ms,
        client_ip=None,
        content_encoding=None,
        kind="envelope",
        body=body,
        on_settled=done,
    )
    await done
    return seq


class JournalCallback:
    """A callback of a journal that can be awaited."""

    def __init__(self) -> None:
        self._told: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def __call__(self, error: ServiceUnavailable | None) -> None:
        """Take the word of the journal."""
        if self._told.done():  # cancelled
            return
        if error is None:
            self._told.set_result(None)
        else:
            self._told.set_exception(error)

    def __await__(self) -> Generator[Any, None, None]:
        """Wait for it."""
        return self._told.__await__()


class HeldFsync:
    """Holds the writer thread inside fdatasync until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.entered = threading.Event()
        self._open = threading.Event()
        self.syncs = 0
        real = os.fdatasync

        def held(fd: int) -> None:
            self.syncs += 1
            self.entered.set()
            assert self._open.wait(PATIENCE_S)
            real(fd)

        monkeypatch.setattr(os, "fdatasync", held)

    async def reached(self) -> None:
        """Wait until the writer thread stands at the gate."""
        await until(self.entered.is_set)

    def open(self) -> None:
        """Let it pass, now and from now on."""
        self._open.set()


def bodies(journal: Journal) -> list[bytes]:
    """Read back what is on disk."""
    return [each.body for each in reader.read_entries(journal.path)]


def names(journal: Journal) -> list[int]:
    """List the numbers of the journal's files."""
    return [each.first_seq for each in files.list_journal_files(journal.path)]
