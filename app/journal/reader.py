"""Reads journal files back: every whole entry, in order, whatever happened to the disk.

A tail that was never acknowledged ends its file silently. Any other damage is reported to a
callback and never raised: a bad body costs its entry, a bad head the rest of its file.
"""

import contextlib
import errno
import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Final

from app.core import log
from app.core.direct_io import round_up_to_blocks
from app.core.errors import MalformedInput, ServiceUnavailable
from app.journal import entry, files
from app.journal.entry import EntryHead, JournalEntry

_logger: Final = log.get_logger("journal.reader")
_BUFFER_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class JournalDamage:
    """Bytes that were on disk once and cannot be read any more.

    In a folder's last file, the tail of a write that a power cut interrupted can look the same.
    """

    file: Path
    offset: int
    """The place in the file at which they begin."""
    reason: str


class _BadBytes(Exception):
    """The bytes at an offset are not as expected; `is_cut` if the file merely ends too early."""

    def __init__(self, offset: int, reason: str, *, is_cut: bool) -> None:
        super().__init__(reason)
        self.offset = offset
        self.reason = reason
        self.is_cut = is_cut


def log_damage(damage: JournalDamage) -> None:
    """Write damage to the log."""
    _logger.error(
        "journal damaged", file=str(damage.file), offset=damage.offset, reason=damage.reason
    )


def read_entries(
    folder: Path,
    after_seq: int = 0,
    *,
    until_seq: int | None = None,
    on_damage: Callable[[JournalDamage], None] = log_damage,
) -> Iterator[JournalEntry]:
    """Read the entries of a journal folder in order. This blocks, so run it in a thread.

    Args:
        folder: The folder of a journal, which may be written at the same time.
        after_seq: Entries up to this one are skipped without reading their bodies.
        until_seq: The last entry to read; for a journal being written, its `last_seq`.
        on_damage: Called for each range of bytes that cannot be read.

    Raises:
        ServiceUnavailable: The folder or a file cannot be opened or read now.
    """
    try:
        journal_files = files.list_journal_files(folder)
        for this, following in itertools.zip_longest(journal_files, journal_files[1:]):
            if following is None or following.first_seq > after_seq + 1:
                for read_entry in _read_file(this.path, following, after_seq, on_damage):
                    if until_seq is not None and read_entry.seq > until_seq:
                        return
                    after_seq = read_entry.seq
                    yield read_entry
    except OSError as error:
        raise ServiceUnavailable(
            f"the journal {folder} cannot be read: {error.strerror}"
        ) from error


def _read_file(
    path: Path,
    following: files.JournalFile | None,
    after_seq: int,
    on_damage: Callable[[JournalDamage], None],
) -> Iterator[JournalEntry]:
    """Read the entries of one file, and report damage to acknowledged ones."""
    for result in _read_entries_and_damage(path, after_seq):
        if isinstance(result, JournalEntry):
            yield result
        elif _was_acknowledged(result, following):
            on_damage(JournalDamage(path, result.offset, result.reason))


def _was_acknowledged(bad: _BadBytes, following: files.JournalFile | None) -> bool:
    """Tell whether a sender may have got a 200 for these bytes: else they are a torn tail."""
    if following is not None:
        with contextlib.suppress(MalformedInput, OSError), following.path.open("rb") as file:
            header = files.decode_file_header(file.read(files.HEADER_BYTES))
            return bad.offset < header.previous_bytes
    return not bad.is_cut


def _read_entries_and_damage(path: Path, after_seq: int) -> Iterator[JournalEntry | _BadBytes]:
    """Read one file; damage is yielded in its place, and ends the file if its length is unknown."""
    try:
        file: BufferedReader = BufferedReader(path.open("rb", buffering=0), _BUFFER_BYTES)
    except FileNotFoundError:  # It was released since the folder was listed.
        return
    with file:
        size_bytes = os.fstat(file.fileno()).st_size
        offset = 0
        try:
            _read_header(file)
            offset = files.HEADER_BYTES
            while (offset := _skip_padding(file, offset)) < size_bytes:
                head = _read_head(file, offset, size_bytes)
                if head.seq > after_seq:
                    yield _read_entry(file, head, offset)
                else:
                    file.seek(head.rest_bytes, os.SEEK_CUR)
                offset += entry.HEAD_BYTES + head.rest_bytes
        except _BadBytes as bad:
            yield bad
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            yield _BadBytes(offset, "the disk cannot read it", is_cut=False)


def _read_header(file: BufferedReader) -> None:
    data = file.read(files.HEADER_BYTES)
    try:
        files.decode_file_header(data)
    except MalformedInput as error:
        is_cut = len(data) < files.HEADER_BYTES or _are_zeros_left(file, data)
        raise _BadBytes(0, str(error), is_cut=is_cut) from error


def _skip_padding(file: BufferedReader, offset: int) -> int:
    """Skip the zeros at the end of a write; returns where the next write begins."""
    if file.peek(1)[:1] != b"\0":
        return offset
    padding = file.read(round_up_to_blocks(offset) - offset)
    if padding.strip(b"\0"):
        file.seek(offset)
        return offset
    return offset + len(padding)


def _read_head(file: BufferedReader, offset: int, size_bytes: int) -> EntryHead:
    data = file.read(entry.HEAD_BYTES)
    try:
        head = entry.decode_entry_head(data)
    except MalformedInput as error:
        is_cut = len(data) < entry.HEAD_BYTES or _are_zeros_left(file, data)
        raise _BadBytes(offset, str(error), is_cut=is_cut) from error
    left_bytes = size_bytes - offset - entry.HEAD_BYTES
    if head.rest_bytes > left_bytes:
        reason = f"entry {head.seq} claims {head.rest_bytes} bytes, {left_bytes} are left"
        raise _BadBytes(offset, reason, is_cut=True)
    return head


def _read_entry(file: BufferedReader, head: EntryHead, offset: int) -> JournalEntry | _BadBytes:
    meta, body = file.read(head.meta_bytes), file.read(head.body_bytes)
    try:
        return entry.decode_entry(head, meta, body)
    except MalformedInput as error:
        return _BadBytes(offset, str(error), is_cut=False)


def _are_zeros_left(file: BufferedReader, data: bytes) -> bool:
    """Tell whether only zeros follow, as in a file whose data never reached the disk."""
    while data and not data.strip(b"\0"):
        data = file.read(_BUFFER_BYTES)
    return not data
