"""Journal files: names that sort, headers that are checked."""

import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput
from app.journal import files

numbers = st.integers(0, 2**64 - 1)


@given(numbers, numbers)
def test_header_comes_back_as_it_was(first_seq, previous_bytes):
    """Any header survives the round trip."""
    header = files.FileHeader(first_seq, previous_bytes)
    raw = files.encode_file_header(header)
    assert len(raw) == files.HEADER_BYTES
    assert files.decode_file_header(raw) == header


@given(st.binary(max_size=40))
def test_random_bytes_are_malformed(data):
    """Any bytes other than a header are malformed."""
    with pytest.raises(MalformedInput):
        files.decode_file_header(data)


@given(st.integers(0, files.HEADER_BYTES * 8 - 1))
def test_changed_bit_of_a_header_is_noticed(bit):
    """One flipped bit makes a header malformed."""
    raw = bytearray(files.encode_file_header(files.FileHeader(5, 6)))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(MalformedInput):
        files.decode_file_header(bytes(raw))


def test_files_are_listed_as_written_and_others_are_not(tmp_path):
    """Files are listed in the order of their numbers, without the lock and stray files."""
    for number in (10**19, 2, 1, 30):
        (tmp_path / files.name_journal_file(number)).touch()
    for stray in (
        "lock",
        "1.journal",
        f"{files.name_journal_file(4)}.bak",
        f"x{files.name_journal_file(5)}",
    ):
        (tmp_path / stray).touch()
    assert [each.first_seq for each in files.list_journal_files(tmp_path)] == [1, 2, 30, 10**19]
    assert files.list_journal_files(tmp_path)[0].path == tmp_path / "00000000000000000001.journal"
