"""F12: the power fails at any moment; what was acknowledged is kept in any order of writes.

Run as a program, this file is the process that loses its power: it keeps entries in a journal, or
objects in local storage, and prints the name of each once it is acknowledged.
"""

import asyncio
import os
import sys
from pathlib import Path

from app.journal import adopt
from app.journal.reader import JournalDamage
from app.journal.writer import Journal
from app.storage.disk.local import LocalStore
from tests.faults.test_journal_kill import make_body
from tests.support import programme_size
from tests.support.builders.journals import append
from tests.support.faults import power_cut
from tests.support.faults.power_cut import Trace
from tests.support.report import Report

REPOSITORY = Path(__file__).parents[2]
CUTS = programme_size.rounds(ci=20, nightly=500)
TASKS = 6
ENTRIES = 10
"""Entries of each task."""


def make_object(number: int) -> tuple[str, bytes]:
    """Make an object that shows whether it is whole."""
    data = make_body(9, number)
    return f"p/1/r/{number % 5:032x}/{number:06}-0123456789abcdef.mp4", data


async def keep_entries(root: Path) -> None:
    """Append from several tasks to many short files, and print what is acknowledged."""
    journal = Journal.open(root, file_bytes=64 * 1024, reserve_bytes=0)

    async def appender(task: int) -> None:
        for number in range(ENTRIES):
            seq = await append(journal, make_body(task, number))
            os.write(1, b"%d %d/%d\n" % (seq, task, number))

    await asyncio.gather(*(appender(task) for task in range(TASKS)))
    await journal.close()


async def keep_objects(root: Path) -> None:
    """Store batches of objects, and print what is stored."""
    store = LocalStore(root, 2)

    async def putter(task: int) -> None:
        for first in range(0, ENTRIES, 4):
            numbers = range(task * ENTRIES + first, task * ENTRIES + min(first + 4, ENTRIES))
            await store.put_many([make_object(number) for number in numbers])
            os.write(1, b"".join(b"%d\n" % number for number in numbers))

    await asyncio.gather(*(putter(task) for task in range(TASKS)))
    await store.close()


def record_program(program: str, tmp_path: Path) -> Trace:
    """Run this file as a program and record its system calls."""
    root = tmp_path / "root"
    root.mkdir()
    command = [sys.executable, __file__, program, str(root)]
    return power_cut.record_calls(
        command, root, tmp_path / "trace", PYTHONPATH=str(REPOSITORY), PATH=os.environ["PATH"]
    )


def read_journals(disk: Path) -> tuple[dict[str, bytes], list[JournalDamage]]:
    """Read back the entries in the journals of dead processes, by their numbers."""
    bodies: dict[str, bytes] = {}
    damages: list[JournalDamage] = []
    for folder in adopt.lock_abandoned_journals(disk, None):
        bodies |= {str(entry.seq): entry.body for entry in folder.read(on_damage=damages.append)}
        folder.unlock()
    return bodies, damages


def find_lost_entries(trace: Trace, cut: int, disk: Path, report: Report) -> list[str]:
    """Cut the power once, and return the acknowledged entries that are not read back."""
    dice = programme_size.seeded_dice("journal cut", cut)
    at = dice.randrange(trace.printed[0][0], trace.calls[-1].ended)
    power_cut.disk_after(trace, at, dice, disk)
    acknowledged = dict(line.split() for line in trace.printed_before(at))
    bodies, damages = read_journals(disk)
    lost = [
        label
        for seq, label in acknowledged.items()
        if bodies.get(seq) != make_body(*map(int, label.split("/")))
    ]
    report.round(acks=len(acknowledged), kept=len(bodies), lost=len(lost), torn=len(damages))
    return lost


async def find_lost_objects(trace: Trace, cut: int, disk: Path, report: Report) -> list[str]:
    """Cut the power once, and return the stored objects that are gone or not whole."""
    dice = programme_size.seeded_dice("object cut", cut)
    at = dice.randrange(trace.printed[0][0], trace.calls[-1].ended)
    power_cut.disk_after(trace, at, dice, disk)
    store = LocalStore(disk, 1)
    stored = {make_object(int(line))[0] for line in trace.printed_before(at)}
    expected = dict(map(make_object, range(TASKS * ENTRIES)))
    listed = {stored_object.key for stored_object in await store.list("p/")}
    lost = sorted(stored - listed)
    lost += [key for key in sorted(listed) if await store.read(key) != expected[key]]
    await store.close()
    report.round(acks=len(stored), kept=len(listed), lost=len(lost))
    return lost


async def test_the_journal_survives_a_power_cut(tmp_path, report):
    """Every acknowledged entry is read back, whatever else of the disk is torn or missing."""
    trace = await asyncio.to_thread(record_program, "entries", tmp_path)
    assert len(trace.printed) == TASKS * ENTRIES
    for cut in range(CUTS):
        assert find_lost_entries(trace, cut, tmp_path / f"cut{cut}", report) == []


async def test_objects_survive_a_power_cut(tmp_path, report):
    """Every stored object is read back, and any other is whole or missing."""
    trace = await asyncio.to_thread(record_program, "objects", tmp_path)
    for cut in range(CUTS):
        assert await find_lost_objects(trace, cut, tmp_path / f"cut{cut}", report) == []


async def test_without_syncs_a_power_cut_loses_data(tmp_path, report):
    """As a control, the test finds losses of a program whose syncs do nothing."""
    for program in ("entries", "objects"):
        folder = tmp_path / program
        folder.mkdir()
        trace = await asyncio.to_thread(record_program, program, folder)
        power_cut.forget_syncs(trace)
        lost = [
            find_lost_entries(trace, cut, folder / f"cut{cut}", report)
            if program == "entries"
            else await find_lost_objects(trace, cut, folder / f"cut{cut}", report)
            for cut in range(12)
        ]
        assert any(lost)


if __name__ == "__main__":
    asyncio.run({"entries": keep_entries, "objects": keep_objects}[sys.argv[1]](Path(sys.argv[2])))
