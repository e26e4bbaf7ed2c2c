"""Backups and restores are killed at any change of a disk; the next run ends what they began."""

from pathlib import Path

import pytest

from app.backup.folder import BackupFolder
from app.backup.state import read_state
from tests.support import programme_size, sealing
from tests.support.backups import back_up
from tests.support.builders import envelopes
from tests.support.builders.wire import REPLAY_ID
from tests.support.faults.killed_backups import KillPlan, run_plan, verify_all
from tests.support.servers.postgres import as_app
from tests.support.servers.server import running

BACKUP_STEPS, RESTORE_STEPS = 30, 13
"""About as many changes as a backup and a restore of these tests make."""
WHILE_RESTORING = (-2,) if programme_size.IS_CI else (-1, -2, -3, -4, -5, -6, -7, -8)
"""Tenths of a second after which a restore is killed while `pg_restore` works, which goes on."""
BACKUP_ROUNDS = programme_size.rounds(ci=3, nightly=BACKUP_STEPS)
RESTORE_ROUNDS = programme_size.rounds(ci=2, nightly=RESTORE_STEPS)


def choose_steps(name: str, rounds: int, steps: int) -> tuple[int, ...]:
    """Choose the changes before which to kill; all of them if there are as many rounds."""
    dice = programme_size.seeded_dice(name)
    return tuple(sorted(dice.sample(range(1, steps + 1), min(rounds, steps))))


async def test_a_killed_backup_harms_no_earlier_one_and_is_ended_by_the_next(
    database_url: str, tmp_path: Path
):
    """After each kill all finished backups verify, and so does the one that is made then."""
    data, backups = tmp_path / "data", tmp_path / "backups"
    async with running(database_url, data) as server:
        await server.take(envelopes.replay_video_envelope(0))
        await back_up(server, database_url, backups)
        await server.take(*(envelopes.replay_video_envelope(number) for number in range(1, 4)))
        packs = await sealing.list_objects(server.service.page_services.store)
    steps = choose_steps("killed backup", BACKUP_ROUNDS, BACKUP_STEPS)
    plan = KillPlan(
        "backup", database_url, as_app(database_url), str(data), str(backups), (*steps, 0)
    )
    killed = run_plan(plan)
    assert killed[0] is True
    assert killed[-1] is False
    names = verify_all(backups)
    assert len(names) == 2
    folder = BackupFolder(backups)
    assert folder.read_manifest(names[-1]).objects == len(packs)
    assert not list(backups.glob("objects/.unfinished-*"))
    contents = {path.name for path in backups.glob("objects/*/*")}
    assert contents == {copied.sha256 for name in names for copied in folder.read_objects(name)}


@pytest.mark.parametrize(
    "steps",
    [choose_steps("killed restore", RESTORE_ROUNDS, RESTORE_STEPS), WHILE_RESTORING],
    ids=["between", "within"],
)
async def test_a_killed_restore_is_ended_by_the_next(
    database_url: str, empty_database_url: str, tmp_path: Path, steps: tuple[int, ...]
):
    """However often a restore is killed, the one that ends has restored everything."""
    backups, target = tmp_path / "backups", tmp_path / "restored"
    async with running(database_url, tmp_path / "data") as server:
        await server.take(*(envelopes.replay_video_envelope(number) for number in range(3)))
        expected = await server.dump(REPLAY_ID)
        await back_up(server, database_url, backups)
    target.mkdir()
    plan = KillPlan(
        "restore", empty_database_url, as_app(empty_database_url), str(target), str(backups),
        (*steps, 0),
    )  # fmt: skip
    killed = run_plan(plan)
    assert killed[0] is True
    assert killed[-1] is False
    assert read_state(target) is None
    async with running(empty_database_url, target) as copy:
        assert await copy.dump(REPLAY_ID) == expected
