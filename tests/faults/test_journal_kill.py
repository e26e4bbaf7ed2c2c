"""A process that appends under load is killed at any moment; what it acknowledged is kept.

Run as a program, this file is that process: it appends numbered bodies from 16 tasks and prints
each sequence number after `append` returned.
"""

import asyncio
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.journal import adopt
from app.journal.reader import JournalDamage
from app.journal.writer import Journal
from tests.support import programme_size
from tests.support.builders.journals import append

REPOSITORY = Path(__file__).parents[2]
APPENDERS = 16
KILLS = programme_size.rounds(ci=20, nightly=500)


def make_body(appender: int, number: int) -> bytes:
    """Make a body that shows where it comes from and whether it is whole."""
    label = b"%d/%d " % (appender, number)
    size = int.from_bytes(hashlib.sha256(label).digest()[:2]) % 40_000
    return label + hashlib.shake_128(label).digest(size)


async def append_forever(root: Path) -> None:
    """Append from many tasks, and print what is acknowledged."""
    journal = Journal.open(root, file_bytes=1024 * 1024, reserve_bytes=0)

    async def appender(number_of_task: int) -> None:
        for number in range(10**9):
            seq = await append(journal, make_body(number_of_task, number))
            os.write(1, b"%d %d/%d\n" % (seq, number_of_task, number))

    await asyncio.gather(*(appender(number_of_task) for number_of_task in range(APPENDERS)))


def kill_after(root: Path, acknowledgements: int) -> dict[int, str]:
    """Kill a process after it acknowledged this many entries; return all that it acknowledged."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, __file__, str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(acknowledgements)]
        process.kill()
        lines += process.stdout.read().splitlines(keepends=True)
    pairs = (line.decode().split() for line in lines if line.endswith(b"\n"))
    return {int(seq): label for seq, label in pairs}


@pytest.mark.parametrize("kill", range(KILLS))
def test_acknowledged_entries_survive_a_kill(tmp_path, kill):
    """Each acknowledged entry is kept whole, in order and once, and any other is whole too."""
    kill_after_entries = programme_size.seeded_dice("journal", kill).randrange(1, 1_500)
    acknowledged = kill_after(tmp_path, kill_after_entries)
    assert len(acknowledged) >= kill_after_entries
    (folder,) = adopt.lock_abandoned_journals(tmp_path, None)
    damages: list[JournalDamage] = []
    entries = list(folder.read(on_damage=damages.append))
    assert damages == []
    labels = {entry.seq: entry.body.split(b" ", 1)[0].decode() for entry in entries}
    assert [entry.seq for entry in entries] == sorted(labels)
    assert {seq: labels.get(seq) for seq in acknowledged} == acknowledged
    assert len(set(labels.values())) == len(entries)
    for entry in entries:
        assert entry.body == make_body(*map(int, labels[entry.seq].split("/")))
    folder.remove()
    assert list(tmp_path.iterdir()) == []


if __name__ == "__main__":
    asyncio.run(append_forever(Path(sys.argv[1])))
