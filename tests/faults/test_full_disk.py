"""F5: the disk of the journal, or that of the videos, fills up while phones send."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import pytest

from app.db.engine import Database
from tests.support import programme_size
from tests.support.builders import traffic
from tests.support.builders.traffic import Ledger
from tests.support.faults import invariant, mounts
from tests.support.servers import process
from tests.support.servers.server import Keyed, keyed, running

ROUNDS = programme_size.rounds(ci=1, nightly=5)
ENVELOPES = 40
HELD = process.LaunchOptions(hold_digest=True)
"""Accepted entries stay in the journal, so that it fills up although it reuses its space."""
Shortage = Callable[[Path], AbstractContextManager[None]]
DICE = programme_size.seeded_dice("disk")

SPACE: Final[Shortage] = lambda disk: mounts.filled(disk, but_bytes=DICE.randrange(400_000))  # noqa: E731
INODES: Final[Shortage] = mounts.without_inodes

pytestmark = mounts.needs_root


async def create_project(database_url: str) -> Keyed:
    """Create the project."""
    database = Database.open(database_url, pool_size=1)
    to = await keyed(database, "App")
    await database.close()
    return to


@pytest.mark.parametrize("number", range(ROUNDS))
@pytest.mark.parametrize("shortage", [SPACE, INODES], ids=["space", "inodes"])
async def test_a_full_journal_hangs_up(database_url, tmp_path, report, shortage, number):
    """Envelopes that do not fit get no answer and tear nothing, and are kept once space returns."""
    to = await create_project(database_url)
    ledger = Ledger(programme_size.seeded_dice("full journal", number))
    with (
        mounts.tmpfs(tmp_path / "journal", size_mib=8, inodes=64) as disk,
        process.launch_and_wait(
            database_url, tmp_path, HELD, journal_file_bytes=64 * 1024
        ) as server,
    ):
        await traffic.send_some(server.base_url, to, ledger, ENVELOPES)
        with shortage(disk):
            await traffic.send_as_phones(
                server.base_url, to, ledger, is_over=lambda: len(ledger.unanswered()) >= ENVELOPES
            )
        await traffic.send_again(server.base_url, to, ledger)
        server.kill()
        assert invariant.torn_entries(disk) == []
        async with running(database_url, tmp_path) as started:
            findings = await invariant.check_invariant(started, ledger)
    report.round(**findings.facts())
    assert findings.acks == len(ledger.sent)


@pytest.mark.parametrize("number", range(ROUNDS))
@pytest.mark.parametrize("shortage", [SPACE, INODES], ids=["space", "inodes"])
async def test_full_storage_does_not_keep_phones_waiting(
    database_url, tmp_path, report, shortage, number
):
    """While storage is full, envelopes are answered 200, and stored once there is space."""
    to = await create_project(database_url)
    ledger = Ledger(programme_size.seeded_dice("full storage", number))
    with (
        mounts.ext4(tmp_path / "objects", tmp_path / "image", inodes=256) as disk,
        process.launch_and_wait(database_url, tmp_path, journal_file_bytes=64 * 1024) as server,
    ):
        await traffic.send_some(server.base_url, to, ledger, ENVELOPES)
        with shortage(disk):
            await traffic.send_some(server.base_url, to, ledger, ENVELOPES)
        await traffic.send_some(server.base_url, to, ledger, ENVELOPES)
        assert ledger.answers == {200}
        await process.wait_until_digested(server)
        server.stop()
        async with running(database_url, tmp_path) as started:
            findings = await invariant.check_invariant(started, ledger)
    report.round(**findings.facts())
    assert findings.acks == len(ledger.sent)
