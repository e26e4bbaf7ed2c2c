"""F12: the power goes at any moment: what was acknowledged is there, whatever order writes had.

Run as a program this file is what is cut off: it keeps entries in a journal, or objects in local
storage, and prints the name of each when it was told that it is safe.
"""

import asyncio
import os
import sys
from pathlib import Path

from app.journal import adopt
from app.journal.reader import JournalDamage
from app.journal.writer import Journal
from app.storage.local import LocalStore
from tests.faults.test_journal_kill import body_of
from tests.support import programme_size
from tests.support.builders.journals import append
from tests.support.faults import power_cut
from tests.support.faults.power_cut import Trace
from tests.support.report import Report

HOUSE = Path(__file__).parents[2]
CUTS = programme_size.rounds(ci=20, nightly=500)
TASKS = 6
ENTRIES = 10
"""Of each task."""


def object_of(number: int) -> tuple[str, bytes]:
    """Make an object that tells whether it is whole."""
    data = body_of(9, number)
    return f"p/1/r/{number % 5:032x}/{number:06}-0123456789abcdef.mp4", data


async def keep_entries(root: Path) -> None:
    """Append from several tasks, saying what is acknowledged; files are short and many."""
    journal = Journal.open(root, file_bytes=64 * 1024, reserve_bytes=0)

    async def appender(mine: int) -> None:
        for number in range(ENTRIES):
            seq = await append(journal, body_of(mine, number))
            os.write(1, b"%d %d/%d\n" % (seq, mine, number))

    await asyncio.gather(*(appender(mine) for mine in range(TASKS)))
    await journal.close()


async def keep_objects(root: Path) -> None:
    """Put batches of objects, saying what is stored."""
    store = LocalStore(root, 2)

    async def putter(mine: int) -> None:
        for first in range(0, ENTRIES, 4):
            numbers = range(mine * ENTRIES + first, mine * ENTRIES + min(first + 4, ENTRIES))
            await store.put_many([object_of(number) for number in numbers])
            os.write(1, b"".join(b"%d\n" % number for number in numbers))

    await asyncio.gather(*(putter(mine) for mine in range(TASKS)))
    await store.close()


def recorded(what: str, tmp_path: Path) -> Trace:
    """Run this file as a program and record it."""
    root = tmp_path / "root"
    root.mkdir()
    command = [sys.executable, __file__, what, str(root)]
    return power_cut.record_calls(
        command, root, tmp_path / "trace", PYTHONPATH=str(HOUSE), PATH=os.environ["PATH"]
    )


def read_journals(disk: Path) -> tuple[dict[str, bytes], list[JournalDamage]]:
    """Read back what the journals of dead processes hold, by seq."""
    found: dict[str, bytes] = {}
    damages: list[JournalDamage] = []
    for folder in adopt.lock_abandoned_journals(disk, None):
        found |= {str(one.seq): one.body for one in folder.read(on_damage=damages.append)}
        folder.unlock()
    return found, damages


def lost_entries(trace: Trace, cut: int, disk: Path, report: Report) -> list[str]:
    """Cut the power once; return the acknowledged entries that are not read back."""
    dice = programme_size.seeded_dice("journal cut", cut)
    at = dice.randrange(trace.said[0][0], trace.calls[-1].ended)
    power_cut.disk_after(trace, at, dice, disk)
    acknowledged = dict(line.split() for line in trace.said_before(at))
    found, damages = read_journals(disk)
    lost = [
        label
        for seq, label in acknowledged.items()
        if found.get(seq) != body_of(*map(int, label.split("/")))
    ]
    report.round(acks=len(acknowledged), kept=len(found), lost=len(lost), torn=len(damages))
    return lost


async def lost_objects(trace: Trace, cut: int, disk: Path, report: Report) -> list[str]:
    """Cut the power once; return what was stored and is gone, or is there and not whole."""
    dice = programme_size.seeded_dice("object cut", cut)
    at = dice.randrange(trace.said[0][0], trace.calls[-1].ended)
    power_cut.disk_after(trace, at, dice, disk)
    store = LocalStore(disk, 1)
    stored = {object_of(int(line))[0] for line in trace.said_before(at)}
    wanted = dict(map(object_of, range(TASKS * ENTRIES)))
    listed = {one.key for one in await store.list("p/")}
    lost = sorted(stored - listed)
    lost += [key for key in sorted(listed) if await store.read(key) != wanted[key]]
    await store.close()
    report.round(acks=len(stored), kept=len(listed), lost=len(lost))
    return lost


async def test_journal_survives_a_power_cut(tmp_path, report):
    """Every acknowledged entry is read back, whatever else of the disk is torn or missing."""
    trace = await asyncio.to_thread(recorded, "entries", tmp_path)
    assert len(trace.said) == TASKS * ENTRIES
    for cut in range(CUTS):
        assert lost_entries(trace, cut, tmp_path / f"cut{cut}", report) == []


async def test_objects_survive_a_power_cut(tmp_path, report):
    """Every object that was stored is read back; any other is whole or not there."""
    trace = await asyncio.to_thread(recorded, "objects", tmp_path)
    for cut in range(CUTS):
        assert await lost_objects(trace, cut, tmp_path / f"cut{cut}", report) == []


async def test_without_syncs_a_power_cut_loses_data(tmp_path, report):
    """The control: of a program whose syncs do nothing, this finds the losses."""
    for what in ("entries", "objects"):
        folder = tmp_path / what
        folder.mkdir()
        trace = await asyncio.to_thread(recorded, what, folder)
        power_cut.forget_syncs(trace)
        lost = [
            lost_entries(trace, cut, folder / f"cut{cut}", report)
            if what == "entries"
            else await lost_objects(trace, cut, folder / f"cut{cut}", report)
            for cut in range(12)
        ]
        assert any(lost)


if __name__ == "__main__":
    asyncio.run({"entries": keep_entries, "objects": keep_objects}[sys.argv[1]](Path(sys.argv[2])))
