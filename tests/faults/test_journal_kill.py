"""A process that appends under load is killed at any moment: what it acknowledged is there.

Run as a program this file is that process: it appends numbered bodies from 16 tasks and prints
each seq after `append` returned.
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

HOUSE = Path(__file__).parents[2]
APPENDERS = 16
KILLS = programme_size.rounds(ci=20, nightly=500)


def body_of(appender: int, number: int) -> bytes:
    """Make a body that tells where it comes from and whether it is whole."""
    label = b"%d/%d " % (appender, number)
    size = int.from_bytes(hashlib.sha256(label).digest()[:2]) % 40_000
    return label + hashlib.shake_128(label).digest(size)


async def append_for_ever(root: Path) -> None:
    """Append from many tasks, saying what is acknowledged."""
    journal = Journal.open(root, file_bytes=1024 * 1024, reserve_bytes=0)

    async def appender(mine: int) -> None:
        for number in range(10**9):
            seq = await append(journal, body_of(mine, number))
            os.write(1, b"%d %d/%d\n" % (seq, mine, number))

    await asyncio.gather(*(appender(mine) for mine in range(APPENDERS)))


def killed_after(root: Path, acknowledgements: int) -> dict[int, str]:
    """Kill a process after it printed so many lines; return what it acknowledged."""
    environment = {**os.environ, "PYTHONPATH": str(HOUSE)}
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
    """Each is there with its bytes, in order, once; anything else found is whole, too."""
    moment = programme_size.seeded_dice("journal", kill).randrange(1, 1_500)
    acknowledged = killed_after(tmp_path, moment)
    assert len(acknowledged) >= moment
    (folder,) = adopt.lock_abandoned_journals(tmp_path, None)
    damages: list[JournalDamage] = []
    found = list(folder.read(on_damage=damages.append))
    assert damages == []
    labels = {each.seq: each.body.split(b" ", 1)[0].decode() for each in found}
    assert [each.seq for each in found] == sorted(labels)
    assert {seq: labels.get(seq) for seq in acknowledged} == acknowledged
    assert len(set(labels.values())) == len(found)
    for each in found:
        assert each.body == body_of(*map(int, labels[each.seq].split("/")))
    folder.remove()
    assert list(tmp_path.iterdir()) == []


if __name__ == "__main__":
    asyncio.run(append_for_ever(Path(sys.argv[1])))
