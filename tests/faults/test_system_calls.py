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

ROUNDS = programme_size.rounds(ci=35, nightly=700)
LIVES = 10
"""Rounds on one folder before everything is checked; each server adopts the last one's journal."""
ENVELOPES = 16
FAULTS = ("signal=SIGKILL", "error=ENOSPC", "error=EIO", "error=EMFILE")
ALWAYS = "1+"
LAST = 20
"""Highest number of a thread's call that is made to fail."""


@dataclass(frozen=True, slots=True)
class CallFault:
    """The system calls that fail in one round, and how."""

    calls: str
    fault: str
    when: str

    @contextmanager
    def apply_to(self, server: ServerProcess) -> Iterator[None]:
        """Make the calls of a server fail until the block ends."""
        if self.fault == "short":
            with short_writes(server.pid, int(self.when) * 4_000):
                yield
        else:
            with syscalls.failing_calls(server.pid, CALLS[self.calls], self.fault, self.when):
                yield


def draw_faults() -> list[CallFault]:
    """Draw the rounds: every call with every fault, at random calls."""
    dice = programme_size.seeded_dice("system calls")
    faults: list[CallFault] = []
    pairs = list(itertools.product(CALLS, FAULTS))
    while len(faults) < ROUNDS:
        faults += [CallFault(calls, fault, str(dice.randint(1, LAST))) for calls, fault in pairs]
        faults += [CallFault(calls, "error=EIO", ALWAYS) for calls in CALLS]
        faults += [CallFault("write", "short", str(dice.randint(1, LAST))) for _ in range(7)]
    chosen = faults[:ROUNDS]
    dice.shuffle(chosen)
    return chosen


@contextmanager
def short_writes(pid: int, most_bytes: int) -> Iterator[None]:
    """Limit the size of files, so that a write is short and the next one fails.

    The kernel enforces the limit, so the number of bytes that a call returns was written.
    """
    limits_before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (most_bytes, limits_before[1]))
    try:
        yield
    finally:
        with suppress(ProcessLookupError):  # the process is dead
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits_before)


async def send_during_fault(
    database_url: str, folder: Path, to: Keyed, ledger: Ledger, fault: CallFault
) -> bool:
    """Send while calls fail, then resend what got no answer; return whether the server lived."""
    # asyncio's loop wakes itself through a socket; uvloop's would be hit by a failing `write`.
    with process.launch_and_wait(database_url, folder, LaunchOptions(kill_at=0)) as server:
        most = len(ledger.sent) + ENVELOPES
        with fault.apply_to(server):
            await traffic.send_as_phones(
                server.base_url,
                to,
                ledger,
                senders=4,
                is_over=lambda: len(ledger.sent) >= most or not server.is_alive(),
            )
        lives = server.is_alive()
        if lives:
            await traffic.send_again(server.base_url, to, ledger)
        server.kill()
        return lives


async def test_failing_system_calls_lose_nothing(
    database_url: str, tmp_path: Path, report: Report
) -> None:
    """Whatever call fails, nothing answered 200 is lost, and the server recovers by itself."""
    database = Database.open(database_url, pool_size=1)
    to = await keyed(database, "App")
    await database.close()
    faults = draw_faults()
    ledger = Ledger(programme_size.seeded_dice("envelopes"), padding_bytes=8_000)
    for first in range(0, len(faults), LIVES):
        chain = faults[first : first + LIVES]
        survived = [
            await send_during_fault(database_url, tmp_path, to, ledger, fault) for fault in chain
        ]
        async with running(
            database_url, tmp_path, **invariant.SETTINGS_OF_CHECKED_SERVER
        ) as server:
            findings = await invariant.check_invariant(server, ledger)
        report.round(faults=len(chain), survived=sum(survived), **findings.facts())
        ledger = Ledger(ledger.dice, padding_bytes=8_000)


@pytest.mark.parametrize("code", ["EIO", "ENOSPC"])
async def test_a_failed_sync_is_never_acknowledged(database_url, tmp_path, report, code):
    """While every sync fails nothing is answered 200; once syncs work, everything is kept."""
    database = Database.open(database_url, pool_size=1)
    to = await keyed(database, "App")
    await database.close()
    ledger = Ledger(programme_size.seeded_dice("syncs"))
    with process.launch_and_wait(database_url, tmp_path, LaunchOptions(kill_at=0)) as server:
        syncs = ("fsync", "fdatasync", "sync_file_range")
        with syscalls.failing_calls(server.pid, syncs, f"error={code}", ALWAYS):
            await traffic.send_as_phones(
                server.base_url, to, ledger, is_over=lambda: len(ledger.sent) >= 24
            )
        assert ledger.answers == {None}
        await traffic.send_again(server.base_url, to, ledger)
        server.kill()
    async with running(database_url, tmp_path) as started:
        findings = await invariant.check_invariant(started, ledger)
    report.round(**findings.facts())
    assert findings.acks == findings.kept == len(ledger.sent)
