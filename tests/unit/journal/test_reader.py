"""Reading back: every whole entry, in order, and a report of all damage."""

import errno
import logging
import os
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from app.core.errors import ServiceUnavailable
from app.journal import entry, files, reader
from app.journal.entry import JournalEntry
from app.journal.reader import JournalDamage
from tests.support.builders.journals import bytes_of, entry_of, file_of

ONE, TWO, THREE = entry_of(1, b"one" * 9), entry_of(2, b""), entry_of(3, b"three" * 99)
FOUR = entry_of(4, b"four")
AT_TWO = files.HEADER_BYTES + len(bytes_of(ONE))
AT_THREE = AT_TWO + len(bytes_of(TWO))


def lay(folder: Path, *contents: bytes, names: tuple[int, ...] = (1, 4, 7)) -> Path:
    """Put journal files with these bytes into a folder."""
    for name, content in zip(names, contents, strict=False):
        (folder / files.name_journal_file(name)).write_bytes(content)
    return folder


def everything(folder: Path, after_seq: int = 0) -> tuple[list[JournalEntry], list[JournalDamage]]:
    """Read a folder to its end."""
    damages: list[JournalDamage] = []
    return list(reader.read_entries(folder, after_seq, on_damage=damages.append)), damages


def test_entries_come_in_order_over_files(tmp_path):
    """Two files are read as one sequence."""
    first = file_of([ONE, TWO, THREE])
    lay(tmp_path, first, file_of([FOUR], first_seq=4, previous_bytes=len(first)))
    assert everything(tmp_path) == ([ONE, TWO, THREE, FOUR], [])


@pytest.mark.parametrize("after_seq", range(6))
def test_reading_goes_on_after_a_seq(tmp_path, after_seq):
    """Entries up to `after_seq` are skipped, and files that hold only such are not opened."""
    first = file_of([ONE, TWO, THREE])
    lay(tmp_path, first, file_of([FOUR], first_seq=4, previous_bytes=len(first)))
    assert everything(tmp_path, after_seq) == ([ONE, TWO, THREE, FOUR][after_seq:], [])


def test_file_that_is_skipped_is_not_opened(tmp_path):
    """Damage in a file that is digested already is not reported."""
    lay(tmp_path, b"garbage", file_of([FOUR], first_seq=4))
    assert everything(tmp_path, 3) == ([FOUR], [])


def test_reading_stops_at_until_seq(tmp_path):
    """`until_seq` keeps a reader from entries that are not synced yet."""
    lay(tmp_path, file_of([ONE, TWO, THREE]))
    assert list(reader.read_entries(tmp_path, until_seq=2)) == [ONE, TWO]
    assert list(reader.read_entries(tmp_path, until_seq=3)) == [ONE, TWO, THREE]


def test_same_entry_in_two_files_comes_once(tmp_path):
    """A seq that does not grow is skipped."""
    lay(tmp_path, file_of([ONE, TWO]), file_of([TWO, FOUR], first_seq=4), names=(1, 3))
    assert everything(tmp_path)[0] == [ONE, TWO, FOUR]


@pytest.mark.parametrize("cut", range(1, len(bytes_of(THREE))))
def test_torn_tail_of_the_last_file_ends_silently(tmp_path, cut):
    """Wherever the last write was cut, the entries before it are read and no damage is reported."""
    lay(tmp_path, file_of([ONE, TWO, THREE])[:-cut])
    assert everything(tmp_path) == ([ONE, TWO], [])


@pytest.mark.parametrize("size", range(files.HEADER_BYTES + 1))
def test_file_cut_in_its_header_is_empty(tmp_path, size):
    """A process may die before its first entry is written."""
    lay(tmp_path, file_of([])[:size])
    assert everything(tmp_path) == ([], [])


@pytest.mark.parametrize("zeros", [1, 27, 28, 9_999, 600_000])
def test_blank_tail_ends_silently(tmp_path, zeros):
    """A file that was extended, but whose data never reached the disk, has a torn tail."""
    lay(tmp_path, file_of([ONE]) + bytes(zeros))
    assert everything(tmp_path) == ([ONE], [])
    lay(tmp_path, bytes(zeros))
    assert everything(tmp_path) == ([], [])


def test_torn_tail_of_an_earlier_file_ends_silently(tmp_path):
    """Bytes that were not synced when their file was closed were never acknowledged."""
    torn = file_of([ONE, TWO]) + b"\xff" * 50
    following = file_of([FOUR], first_seq=4, previous_bytes=len(file_of([ONE, TWO])))
    lay(tmp_path, torn, following)
    assert everything(tmp_path) == ([ONE, TWO, FOUR], [])


def test_cut_in_synced_bytes_is_damage(tmp_path):
    """A file shorter than it was when the next one was begun has lost something."""
    whole = file_of([ONE, TWO, THREE])
    lay(tmp_path, whole[:-5], file_of([FOUR], first_seq=4, previous_bytes=len(whole)))
    entries, damages = everything(tmp_path)
    assert entries == [ONE, TWO, FOUR]
    assert [(each.file.name, each.offset) for each in damages] == [
        (files.name_journal_file(1), AT_THREE)
    ]
    assert "entry 3 claims" in damages[0].reason


def test_bad_body_costs_one_entry(tmp_path):
    """The length in a head that passes its checksum leads to the next entry."""
    raw = bytearray(file_of([ONE, TWO, THREE]))
    raw[AT_TWO - 1] ^= 1
    lay(tmp_path, bytes(raw))
    entries, damages = everything(tmp_path)
    assert entries == [TWO, THREE]
    assert [(each.offset, each.reason) for each in damages] == [
        (files.HEADER_BYTES, "entry 1 fails its checksum")
    ]


def test_bad_head_costs_the_rest_of_its_file(tmp_path):
    """The reader cannot trust the length in the head, so it reports damage and skips the file."""
    first = bytearray(file_of([ONE, TWO, THREE]))
    first[AT_TWO + 5] ^= 1
    lay(tmp_path, bytes(first), file_of([FOUR], first_seq=4, previous_bytes=len(first)))
    entries, damages = everything(tmp_path)
    assert entries == [ONE, FOUR]
    assert [(each.offset, each.reason) for each in damages] == [
        (AT_TWO, "the bytes are not the head of an entry")
    ]


@pytest.mark.parametrize("following", [b"", b"garbage" * 9])
def test_bad_bytes_before_an_unreadable_file_are_reported(tmp_path, following):
    """If it is unknown what was synced, a wrong checksum is damage, and a short file is not."""
    first = bytearray(file_of([ONE, TWO]))
    first[AT_TWO - 1] ^= 1
    lay(tmp_path, bytes(first[:-1]), following)
    entries, damages = everything(tmp_path)
    assert entries == []
    assert damages[0] == JournalDamage(
        tmp_path / files.name_journal_file(1), files.HEADER_BYTES, "entry 1 fails its checksum"
    )
    assert all(each.file.name == files.name_journal_file(4) for each in damages[1:])


def test_body_that_holds_a_whole_file_is_only_a_body(tmp_path):
    """Bytes of a sender are never taken for an entry, not even beside damage."""
    forged = entry_of(1, file_of([entry_of(9, b"forged")]) + bytes_of(entry_of(10)))
    raw = bytearray(file_of([forged, TWO]))
    raw[files.HEADER_BYTES + 5] ^= 1
    lay(tmp_path, bytes(raw))
    entries, damages = everything(tmp_path)
    assert entries == []
    assert len(damages) == 1


@settings(max_examples=200)
@given(raw=st.binary(max_size=400), valid=st.integers(0, 3), tail=st.booleans())
def test_any_bytes_are_entries_or_damage(tmp_path_factory, raw, valid, tail):
    """No content of a file makes reading fail, and entries before it are read."""
    folder = tmp_path_factory.mktemp("any")
    written = [ONE, TWO, THREE][:valid]
    first = (file_of(written) if valid else b"") + raw
    second = file_of([FOUR], first_seq=4)
    lay(folder, *([first, second] if tail else [first]))
    entries, damages = everything(folder)
    assert entries == written + ([FOUR] if tail else [])
    assert all(isinstance(each, JournalDamage) for each in damages)


@settings(max_examples=300)
@given(st.data())
def test_any_change_hides_entries_but_never_alters_them(tmp_path_factory, data):
    """Overwritten, cut or inserted bytes may hide entries, but never change one."""
    raw = bytearray(file_of([ONE, TWO, THREE]))
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, min(len(raw), start + 40)))
    raw[start:end] = data.draw(st.binary(max_size=40))
    folder = lay(tmp_path_factory.mktemp("changed"), bytes(raw))
    entries, _ = everything(folder)
    assert [entry for entry in [ONE, TWO, THREE] if entry in entries] == entries


def test_empty_or_missing_folder(tmp_path):
    """An empty folder has no entries; a missing one cannot be read."""
    assert everything(tmp_path) == ([], [])
    with pytest.raises(ServiceUnavailable, match="cannot be read"):
        everything(tmp_path / "missing")


def test_file_released_meanwhile_is_skipped(tmp_path, monkeypatch):
    """A journal is read while its digested files are removed."""
    lay(tmp_path, file_of([ONE]), file_of([FOUR], first_seq=4))
    entries = reader.read_entries(tmp_path)
    listing = files.list_journal_files

    def then_released(folder):
        listed_files = listing(folder)
        listed_files[0].path.unlink()
        return listed_files

    monkeypatch.setattr(files, "list_journal_files", then_released)
    assert list(entries) == [FOUR]


@pytest.mark.parametrize(("code", "is_damage"), [(errno.EIO, True), (errno.EMFILE, False)])
def test_bad_sector_is_damage_and_other_errors_are_not(tmp_path, monkeypatch, code, is_damage):
    """A lost sector must not hold up the journal; after other errors reading is tried again."""
    lay(tmp_path, file_of([ONE, TWO]))
    real = entry.decode_entry_head

    def failing(data):
        if real(data).seq == 2:
            raise OSError(code, os.strerror(code))
        return real(data)

    monkeypatch.setattr(entry, "decode_entry_head", failing)
    if is_damage:
        entries, damages = everything(tmp_path)
        assert entries == [ONE]
        assert damages == [
            JournalDamage(tmp_path / files.name_journal_file(1), AT_TWO, "the disk cannot read it")
        ]
    else:
        with pytest.raises(ServiceUnavailable):
            everything(tmp_path)


def test_damage_is_logged_unless_asked_otherwise(tmp_path, caplog, capsys):
    """Damage is in the log, with file and offset."""
    lay(tmp_path, b"garbage" * 9)
    with caplog.at_level(logging.ERROR):
        assert list(reader.read_entries(tmp_path)) == []
    output = caplog.text + capsys.readouterr().out
    assert "journal damaged" in output
    assert files.name_journal_file(1) in output
