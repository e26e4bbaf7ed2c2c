"""The port is taken before anything else; connections wait unless other processes answer."""

import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.core.settings import Settings
from app.db.engine import Database
from app.processes import records
from app.processes.heartbeat import make_identity
from app.processes.model import ProcessCondition
from app.wiring.port import PortInUse, TakenPort
from tests.support.servers.ports import find_free_port

UNREACHABLE = SecretStr("postgresql://playhead@127.0.0.1:1/playhead")


@pytest.fixture
def dead_pid() -> int:
    """Return the number of a process that has ended."""
    with subprocess.Popen(["true"]) as process:
        process.wait()
    return process.pid


def is_refused(port: TakenPort) -> bool:
    """Tell whether a connection is refused."""
    try:
        socket.create_connection(port.listener.getsockname()[:2]).close()
    except ConnectionRefusedError:
        return True
    return False


async def write_process(database: Database, *, host: str, pid: int, roles: tuple[str, ...]) -> None:
    """Write the heartbeat of another process."""
    identity = replace(
        make_identity(version="9.9", journal_id=None, roles=roles), host=host, pid=pid
    )
    async with database.transaction() as connection:
        await records.write_heartbeat(
            connection, identity, ProcessCondition(), clock_ahead_ms=0, is_stopping=False
        )


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_connections_wait_for_the_embedded_postgres(host: str):
    """Nobody else could answer."""
    with TakenPort(Settings(host=host, port=0)) as port:
        assert not is_refused(port)


async def test_connections_wait_for_a_process_that_is_alone(
    database: Database, database_url: str, tmp_path: Path, dead_pid: int
):
    """Neither one that was killed here counts as another, nor one without a role of this one."""
    await write_process(
        database, host=socket.gethostname(), pid=dead_pid, roles=("door", "pages", "worker")
    )
    await write_process(database, host="elsewhere", pid=1, roles=("pages", "worker"))
    settings = Settings(port=0, database_url=SecretStr(database_url), data_dir=tmp_path)
    with TakenPort(settings) as port:
        assert is_refused(port)
        await port.listen_if_alone()
        assert not is_refused(port)


async def test_connections_are_refused_while_others_answer(
    database: Database, database_url: str, tmp_path: Path
):
    """A proxy asks the next process at once; together the others have the roles of this one."""
    await write_process(database, host="elsewhere", pid=1, roles=("door",))
    await write_process(database, host="elsewhere", pid=2, roles=("pages",))
    settings = Settings(port=0, database_url=SecretStr(database_url), data_dir=tmp_path)
    with TakenPort(settings) as port:
        await port.listen_if_alone()
        assert is_refused(port)


async def test_connections_wait_while_postgres_is_away(tmp_path: Path):
    """Nobody knows of another process then."""
    with TakenPort(Settings(port=0, database_url=UNREACHABLE, data_dir=tmp_path)) as port:
        await port.listen_if_alone()
        assert not is_refused(port)


@pytest.mark.parametrize("database_url", [None, UNREACHABLE])
def test_a_port_of_another_program_is_refused(database_url: SecretStr | None):
    """The start fails at once, and names the address."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortInUse, match=f"cannot listen on 127.0.0.1:{port}: Address already"):
            TakenPort(Settings(host="127.0.0.1", port=port, database_url=database_url))


def test_a_port_that_another_start_has_taken_is_refused():
    """The first one does not listen yet; when it does, the port itself keeps others away."""
    settings = Settings(host="127.0.0.1", port=find_free_port(), database_url=UNREACHABLE)
    with TakenPort(settings) as port:
        with pytest.raises(PortInUse, match="Address already in use"):
            TakenPort(settings)
        port.listener.listen()
        port.note_listening()
        with pytest.raises(PortInUse, match="Address already in use"):
            TakenPort(settings)
    TakenPort(settings).close()
