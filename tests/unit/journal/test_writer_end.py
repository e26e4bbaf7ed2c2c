"""How a journal ends: closed, left behind, or with a disk that fails."""

import asyncio
import errno
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from app.core.direct_io import BLOCK_BYTES
from app.core.errors import ServiceUnavailable
from app.journal import adopt, files, folder as folders, reader, writer
from app.journal.writer import Journal
from tests.support.builders.journals import FILE_BYTES, HeldFsync, append, bodies
from tests.support.waiting import until


async def test_closed_journal_takes_nothing(journal):
    """After closing, once or twice, append raises ServiceUnavailable."""
    await journal.close()
    await journal.close()
    with pytest.raises(ServiceUnavailable, match="closed"):
        await append(journal)


async def test_closing_writes_the_waiting_entries(root, monkeypatch):
    """A stop in the middle of a burst loses no entry that was appended."""
    journal = Journal.open(root, file_bytes=FILE_BYTES, reserve_bytes=0)
    gate = HeldFsync(monkeypatch)
    waiting = [asyncio.ensure_future(append(journal)) for _ in range(9)]
    await gate.reached()
    closing = asyncio.ensure_future(journal.close())
    await until(lambda: journal._is_closed)
    gate.open()
    await closing
    assert await asyncio.gather(*waiting) == list(range(1, 10))
    assert len(bodies(journal)) == 9


async def test_closed_journal_is_adopted_if_anything_is_left(root):
    """Entries that were not released go to the next process, under the same id and seqs."""
    journal = Journal.open(root, file_bytes=FILE_BYTES, reserve_bytes=0)
    assert (
        adopt.lock_abandoned_journals(root, journal.id)
        == adopt.lock_abandoned_journals(root, None)
        == []
    )
    await append(journal, b"left")
    await journal.close()
    (abandoned,) = adopt.lock_abandoned_journals(root, None)
    assert abandoned.id == journal.id
    assert [(each.seq, each.body) for each in abandoned.read()] == [(1, b"left")]
    abandoned.unlock()


async def test_closed_journal_leaves_no_folder_when_all_is_released(root):
    """A clean stop leaves nothing to adopt."""
    journal = Journal.open(root, file_bytes=FILE_BYTES, reserve_bytes=0)
    journal.release(await append(journal))
    await journal.close()
    assert list(root.iterdir()) == []


async def test_folder_that_cannot_be_opened_is_unavailable_and_not_locked(root, monkeypatch):
    """A failed start leaves its folder for adoption."""

    def failing(*_args: object, **_named: object) -> None:
        raise OSError(errno.EMFILE, "no more")

    with monkeypatch.context() as patched:
        patched.setattr(writer, "JournalAppender", failing)
        with pytest.raises(ServiceUnavailable, match="cannot be opened"):
            Journal.open(root, file_bytes=FILE_BYTES, reserve_bytes=0)
    (abandoned,) = adopt.lock_abandoned_journals(root, None)
    abandoned.remove()


async def test_loop_that_is_gone_does_not_stop_the_writer(root):
    """The thread still ends cleanly after a loop that ended without waiting."""
    journal = Journal.open(root, file_bytes=FILE_BYTES, reserve_bytes=0)

    def abandoned() -> None:
        async def start() -> None:
            waiting = asyncio.ensure_future(append(journal, b"abandoned"))
            await asyncio.sleep(0)
            waiting.cancel()

        with pytest.MonkeyPatch.context() as patched:
            gate = HeldFsync(patched)
            asyncio.run(start())
            gate.open()

    await asyncio.to_thread(abandoned)
    await journal.close()
    assert bodies(journal) == [b"abandoned"]


async def test_unknown_failure_is_unavailable_and_logged(journal, monkeypatch, caplog):
    """A bug in the writer does not leave senders waiting for ever."""

    def failing(*_args: object, **_named: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(journal._appender, "write", failing)
        with pytest.raises(ServiceUnavailable, match="the journal failed"):
            await append(journal)
    assert await append(journal) == 2


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.binary(max_size=200), max_size=8), max_size=8), st.integers(40, 900))
def test_any_load_reads_back(tmp_path_factory, bursts, file_bytes):
    """Entries that are appended in bursts, over files of any size, come back in order."""

    async def run() -> None:
        root = tmp_path_factory.mktemp("load")
        journal = Journal.open(root, file_bytes=file_bytes, reserve_bytes=0)
        for burst in bursts:
            await asyncio.gather(*(append(journal, body) for body in burst))
        assert bodies(journal) == [body for burst in bursts for body in burst]
        journal.release(journal.last_seq)
        await journal.close()
        assert not journal.path.exists()

    asyncio.run(run())


async def test_close_tolerates_a_folder_it_cannot_remove(root, monkeypatch):
    """An empty folder that is left is removed by the process that adopts it."""

    def failing(_path: Path) -> None:
        raise PermissionError

    journal = Journal.open(root, file_bytes=FILE_BYTES, reserve_bytes=0)
    monkeypatch.setattr(folders, "remove_folder", failing)
    await journal.close()
    assert journal.path.exists()


async def test_file_records_how_much_of_the_previous_one_was_synced(journal):
    """Damage to acknowledged entries is reported, even if it looks like a torn tail."""
    for _ in range(3):
        await append(journal, bytes(FILE_BYTES // 2))
    first, second = files.list_journal_files(journal.path)
    os.truncate(first.path, first.path.stat().st_size - BLOCK_BYTES)
    damages: list[reader.JournalDamage] = []
    numbers = [each.seq for each in reader.read_entries(journal.path, on_damage=damages.append)]
    assert numbers == [1, second.first_seq]
    assert [each.file for each in damages] == [first.path]
