"""Builders for journals: valid entries and files, of which a test changes one detail."""

from collections.abc import Sequence

from app.journal import entry, files
from app.journal.entry import Entry
from app.journal.writer import Journal

KEY = "0123456789abcdef0123456789abcdef"


def entry_of(seq: int, body: bytes = b"body") -> Entry:
    """Make a valid entry."""
    return Entry(seq, 7, KEY, 1_800_000_000_000 + seq, "192.0.2.1", "gzip", "envelope", body)


def bytes_of(each: Entry) -> bytes:
    """Return an entry as it stands in a file."""
    return entry.encode(each) + each.body


def file_of(entries: Sequence[Entry], *, first_seq: int = 1, previous_bytes: int = 0) -> bytes:
    """Return the bytes of a journal file."""
    header = files.encode_header(files.Header(first_seq, previous_bytes))
    return header + b"".join(map(bytes_of, entries))


async def append(journal: Journal, body: bytes = b"body", *, received_ms: int = 5) -> int:
    """Append an entry of which only the body matters."""
    return await journal.append(
        project_id=7,
        key=KEY,
        received_ms=received_ms,
        client_ip=None,
        content_encoding=None,
        kind="envelope",
        body=body,
    )
