"""F2: system calls of a server fail one by one, or all at once, while phones send."""

import itertools
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.db.engine import Database
from tests.support import programme_size
from tests.support.builders import traffic
from tests.support.builders.traffic import Ledger
from tests.support.faults import invariant, mounts, syscalls
from tests.support.faults.syscalls import CALLS
from tests.support.report import Report
from tests.support.servers import process
from tests.support.servers.process import LaunchOptions, ServerProcess
from tests.support.servers.server import Keyed, keyed, running

pytestmark = mounts.needs_root

ROUNDS = programme_size.rounds(ci=70, nightly=700)
LIVES = 10
"""Rounds on one folder before all is checked; each server adopts what the last one left."""
LETTERS = 16
FAULTS = ("signal=SIGKILL", "error=ENOSPC", "error=EIO", "error=EMFILE")
ALWAYS = "1+"
LAST = 20
"""The last of a thread's calls that fails."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What fails in one round."""

    calls: str
    fault: str
    when: str

    @contextmanager
    def over(self, server: ServerProcess) -> Iterator[None]:
        """Let it fail until the block ends."""
        if self.fault == "short":
            with short_writes(server.pid, int(self.when) * 4_000):
                yield
        else:
            with syscalls.failing_calls(server.pid, CALLS[self.calls], self.fault, self.when):
                yield


def troubles() -> list[Trouble]:
    """Draw the rounds: every call with every fault, at calls that the dice choose."""
    dice = programme_size.seeded_dice("system calls")
    found: list[Trouble] = []
    pairs = list(itertools.product(CALLS, FAULTS))
    while len(found) < ROUNDS:
        found += [Trouble(calls, fault, str(dice.randint(1, LAST))) for calls, fault in pairs]
        found += [Trouble(calls, "error=EIO", ALWAYS) for calls in CALLS]
        found += [Trouble("write", "short", str(dice.randint(1, LAST))) for _ in range(7)]
    chosen = found[:ROUNDS]
    dice.shuffle(chosen)
    return chosen


@contextmanager
def short_writes(pid: int, most_bytes: int) -> Iterator[None]:
    """Let no file grow beyond a size: the write that crosses it is short, the next one fails.

    A limit of the kernel rather than a made-up return value: what a call says it wrote is there.
    """
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (most_bytes, before[1]))
    try:
        yield
    finally:
        with suppress(ProcessLookupError):  # it is dead
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


async def survive(
    database_url: str, folder: Path, to: Keyed, ledger: Ledger, trouble: Trouble
) -> bool:
    """Send while calls fail, then what got no answer again; returns whether the server lived."""
    # asyncio's loop wakes itself through a socket: with uvloop a failing `write` hits the loop.
    with process.launch_and_wait(database_url, folder, LaunchOptions(kill_at=0)) as server:
        most = len(ledger.letters) + LETTERS
        with trouble.over(server):
            await traffic.send_as_phones(
                server.base_url,
                to,
                ledger,
                senders=4,
                is_over=lambda: len(ledger.letters) >= most or not server.is_alive(),
            )
        lives = server.is_alive()
        if lives:
            await traffic.send_again(server.base_url, to, ledger)
        server.kill()
        return lives


async def test_failing_system_calls(database_url: str, tmp_path: Path, report: Report) -> None:
    """Whatever call fails, nothing answered 200 is lost; without a restart all is well again."""
    database = Database.open(database_url, pool_size=1)
    to = await keyed(database, "App")
    await database.close()
    drawn = troubles()
    ledger = Ledger(programme_size.seeded_dice("letters"), padding_bytes=8_000)
    for first in range(0, len(drawn), LIVES):
        chain = drawn[first : first + LIVES]
        survived = [await survive(database_url, tmp_path, to, ledger, trouble) for trouble in chain]
        async with running(database_url, tmp_path) as server:
            found = await invariant.check_invariant(server, ledger)
        report.round(faults=len(chain), survived=sum(survived), **found.facts())
        ledger = Ledger(ledger.dice, padding_bytes=8_000)


@pytest.mark.parametrize("code", ["EIO", "ENOSPC"])
async def test_a_failed_sync_is_never_acknowledged(database_url, tmp_path, report, code):
    """While every sync fails nothing is answered 200; once they work, everything is."""
    database = Database.open(database_url, pool_size=1)
    to = await keyed(database, "App")
    await database.close()
    ledger = Ledger(programme_size.seeded_dice("syncs"))
    with process.launch_and_wait(database_url, tmp_path, LaunchOptions(kill_at=0)) as server:
        syncs = ("fsync", "fdatasync", "sync_file_range")
        with syscalls.failing_calls(server.pid, syncs, f"error={code}", ALWAYS):
            await traffic.send_as_phones(
                server.base_url, to, ledger, is_over=lambda: len(ledger.letters) >= 24
            )
        assert ledger.answers == {None}
        await traffic.send_again(server.base_url, to, ledger)
        server.kill()
    async with running(database_url, tmp_path) as started:
        found = await invariant.check_invariant(started, ledger)
    report.round(**found.facts())
    assert found.acks == found.kept == len(ledger.letters)
