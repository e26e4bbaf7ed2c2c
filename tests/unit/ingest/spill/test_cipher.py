"""Spilled files come back as they were written, or not at all."""

import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput
from app.ingest.spill.cipher import SpillKey, decrypt_entries, encrypt_entries
from app.journal.entry import JournalEntry
from tests.support.builders.journals import entry_of

KEY = SpillKey(1, b"k" * 32)
NAME = "j/name"


def encrypt(*entries: JournalEntry) -> bytes:
    """Return the whole content of a file with some entries."""
    return b"".join(encrypt_entries(KEY, NAME, list(entries)))


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_entries_come_back(bodies: list[bytes]) -> None:
    """Entries of any size come back in order, and the file shows nothing of them."""
    entries = [entry_of(seq, body) for seq, body in enumerate(bodies, start=1)]
    content = encrypt(*entries)
    assert decrypt_entries(KEY, NAME, content) == entries
    assert not any(entry.key.encode() in content for entry in entries)
    assert all(len(body) < 8 or body not in content for body in bodies)


def test_no_file_is_written_twice_alike() -> None:
    """The nonce is another one each time."""
    first, second = (encrypt(entry_of(1)) for _ in range(2))
    assert first != second


@pytest.mark.parametrize("key", [SpillKey(1, b"x" * 32), KEY])
@pytest.mark.parametrize("name", ["j/other", NAME])
def test_another_key_or_name_reads_nothing(key: SpillKey, name: str) -> None:
    """A file that was renamed, or encrypted with another key, is refused."""
    content = encrypt(entry_of(1))
    if (key, name) == (KEY, NAME):
        assert decrypt_entries(key, name, content) == [entry_of(1)]
    else:
        with pytest.raises(MalformedInput, match="cannot be decrypted"):
            decrypt_entries(key, name, content)


@given(st.data())
def test_a_changed_file_is_refused(data: st.DataObject) -> None:
    """One changed or missing byte anywhere makes a file unreadable."""
    content = bytearray(encrypt(entry_of(1), entry_of(2)))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(MalformedInput):
        decrypt_entries(KEY, NAME, bytes(content))
    with pytest.raises(MalformedInput):
        decrypt_entries(KEY, NAME, bytes(content[:place]))


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(content: bytes) -> None:
    """Whatever somebody puts into the bucket ends as `MalformedInput`."""
    with pytest.raises(MalformedInput):
        decrypt_entries(KEY, NAME, content)
    with pytest.raises(MalformedInput):
        decrypt_entries(KEY, NAME, b"PHSP1\n" + content)


def test_the_secret_is_not_printed() -> None:
    """The log of a process never shows a key."""
    assert "kkkk" not in repr(KEY)
