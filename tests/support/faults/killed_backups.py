"""Makes backups and restores them in processes that are killed before their n-th change of a disk.

python -m tests.support.faults.killed_backups PLAN   with a plan in JSON, see `KillPlan`

The program imports Playhead once and forks for each try. An audit hook counts what changes names on
a disk, and what starts a program; the kernel kills the process before the n-th of these.
"""

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Coroutine
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from app.backup.folder import BackupFolder
from app.backup.make import make_backup
from app.backup.model import SilentProgress
from app.backup.restore import RestoreWish, restore_backup
from app.backup.verify import BackupVerifier
from app.core.settings import Settings
from app.db.roles import DatabaseUrls

CHANGES: Final = frozenset(
    ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree", "subprocess.Popen")
)


@dataclass(frozen=True, slots=True)
class KillPlan:
    """The work of a process, and the step at which it is killed."""

    act: str
    """`backup` or `restore`."""
    database_url: str
    app_url: str
    data_dir: str
    folder: str
    kill_at: tuple[int, ...]
    """The changes before which to die, a process for each until one is not killed; 0 for never.
    Less than 0: so many tenths of a second after the start of a program that restores."""


def run_plan(plan: KillPlan) -> list[bool]:
    """Run a plan in a process of its own; returns of each try whether it was killed.

    After each, all finished backups are verified.
    """
    text = json.dumps(asdict(plan))
    command = [sys.executable, "-m", "tests.support.faults.killed_backups", text]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    killed: list[bool] = json.loads(done.stdout)
    return killed


def verify_all(folder: Path) -> list[str]:
    """Verify all finished backups, and return their names; there must be one."""
    backups = BackupFolder(folder)
    with BackupVerifier(backups, SilentProgress()) as verifier:
        names = [verifier.verify(name).name for name in backups.list_names()]
    assert names, "no backup is left"
    return names


def _try_once(plan: KillPlan, kill_at: int) -> bool:
    """Fork, and return whether the child was killed; it must not fail otherwise."""
    pid = os.fork()
    if pid == 0:
        _kill_before_change(kill_at)
        try:
            asyncio.run(_act(plan))
        except BaseException as error:  # noqa: BLE001 - the parent is told
            sys.stderr.write(f"try {kill_at}: {error!r}\n")
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    verify_all(Path(plan.folder))
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0, f"try {kill_at} failed"
    return False


def _act(plan: KillPlan) -> Coroutine[Any, Any, object]:
    settings = Settings(
        data_dir=Path(plan.data_dir), database_url=SecretStr(plan.app_url), storage="local"
    )
    folder = BackupFolder(Path(plan.folder))
    if plan.act == "backup":
        return make_backup(settings, plan.database_url, folder, keep=2, progress=SilentProgress())
    urls = DatabaseUrls(plan.app_url, plan.database_url)
    return restore_backup(settings, urls, folder, RestoreWish(), SilentProgress())


def _kill_before_change(kill_at: int) -> None:
    left = kill_at

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event == "subprocess.Popen" and kill_at < 0 and "--exit-on-error" in arguments[1]:
            threading.Timer(-kill_at / 10, os.kill, (os.getpid(), signal.SIGKILL)).start()
        elif event in CHANGES:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


if __name__ == "__main__":
    gc.freeze()
    arguments = json.loads(sys.argv[1])
    wanted = KillPlan(**{**arguments, "kill_at": tuple(arguments["kill_at"])})
    results: list[bool] = []
    for number in wanted.kill_at:
        results.append(_try_once(wanted, number))
        if not results[-1]:
            break
    sys.stdout.write(json.dumps(results))
