"""The pgbouncer of the distribution, with the recipe of `deploy/`, before a Postgres.

Only what a test machine cannot have is changed in the recipe: addresses and passwords.
"""

import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

from app.db.roles import APP, OWNER
from app.db.server import system_user
from tests.support.servers.cluster import Cluster
from tests.support.servers.ports import find_free_port
from tests.support.waiting import until

_RECIPE: Final = Path(__file__).parents[3] / "deploy" / "pgbouncer.ini"
_PATHS: Final = f"{os.environ.get('PATH', '')}:/usr/sbin"


@asynccontextmanager
async def in_front_of(server: Cluster, folder: Path, **changes: str) -> AsyncIterator[str]:
    """Run pgbouncer before a server and give its `host:port`.

    Args:
        server: The Postgres.
        folder: A folder that the system user of the embedded Postgres may write to.
        changes: Settings of the recipe to change.
    """
    port = find_free_port()
    users = folder / f"users-{port}.txt"
    users.write_text(f'"{APP}" ""\n"{OWNER}" ""\n"postgres" ""\n')
    configuration = folder / f"pgbouncer-{port}.ini"
    configuration.write_text(_adapt(server, port, users, changes))
    with _running(configuration) as process:
        await until(lambda: _listens(port) or process.poll() is not None)
        assert process.poll() is None, f"pgbouncer has ended; see {configuration}.log"
        yield f"127.0.0.1:{port}"


@contextmanager
def _running(configuration: Path) -> Iterator["subprocess.Popen[bytes]"]:
    program = shutil.which("pgbouncer", path=_PATHS)
    assert program, "pgbouncer is not installed: .ci/system does it"
    user = system_user.find_system_user()
    with (
        Path(f"{configuration}.log").open("ab") as output,
        subprocess.Popen(
            [program, str(configuration)],
            cwd="/",
            stdout=output,
            stderr=output,
            user=user.uid,
            group=user.gid,
            extra_groups=user.groups,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def _adapt(server: Cluster, port: int, users: Path, changes: dict[str, str]) -> str:
    recipe = _RECIPE.read_text("utf-8")
    for old, new in (
        ("host=127.0.0.1 port=5432", f"host=127.0.0.1 port={server.port}"),
        ("listen_addr = *", "listen_addr = 127.0.0.1"),
        ("listen_port = 6432", f"listen_port = {port}"),
        ("auth_type = scram-sha-256", "auth_type = trust"),
        ("auth_file = /etc/pgbouncer/userlist.txt", f"auth_file = {users}"),
    ):
        assert recipe.count(f"\n{old}") == 1 or recipe.count(f"playhead = {old}") == 1, old
        recipe = recipe.replace(old, new)
    for name, value in changes.items():
        lines = recipe.splitlines()
        (at,) = [n for n, line in enumerate(lines) if line.startswith(f"{name} = ")]
        lines[at] = f"{name} = {value}"
        recipe = "\n".join(lines)
    return recipe


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
