"""Takes the port of a server, and decides whether connections may wait for it while it starts.

    claim ─► bind ─► alone? ─► listen at once: connections wait in the kernel
                       └─ no ─► listen when the service is open: a proxy asks the next process

A process without another one to answer holds connections, so that a restart hangs up on nobody. A
proxy that knows several processes would wait for the whole start of this one, though.
"""

import asyncio
import errno
import os
import socket
import sys
from types import TracebackType
from typing import Final, Self

from app.core.errors import DatabaseUnavailable, ReplayError
from app.core.process_roles import ProcessRole
from app.core.settings import Settings
from app.db import roles
from app.db.engine import Database
from app.processes import records

BACKLOG: Final = 1024
"""Connections the kernel holds while the process is busy."""
_ASK_S: Final = 1.0
"""The longest time for which a start waits to learn of other processes."""
_SERVING: Final = (ProcessRole.DOOR, ProcessRole.PAGES)
"""The roles that a proxy sends requests to."""


class PortInUse(ReplayError):
    """Another program listens on the address, or is about to."""


class TakenPort:
    """The address of a server: its socket, and a claim that counts until the socket listens."""

    def __init__(self, settings: Settings) -> None:
        """Take the address; nobody accepts yet.

        With the embedded Postgres no other process could answer, so the socket listens at once.

        Raises:
            PortInUse: Another program has it.
        """
        self._settings = settings
        self._claim: socket.socket | None = None
        self._is_listening = False
        self.listener: Final = socket.socket(
            socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        )
        try:
            self._claim = _claim_address(settings)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if self.listener.family == socket.AF_INET6:
                self.listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self.listener.bind((settings.host, settings.port))
        except OSError as error:
            self.close()
            raise explain_refusal(settings, error) from error
        if settings.database_url is None:
            self._listen()

    async def listen_if_alone(self) -> None:
        """Hold connections from now on, unless other processes can answer them.

        Raises:
            PortInUse: Another program has begun to listen.
        """
        if not self._is_listening and not await _is_served_by_others(self._settings):
            self._listen()

    def note_listening(self) -> None:
        """Give up the claim, since a socket that listens keeps others away by itself."""
        self._is_listening = True
        if self._claim is not None:
            self._claim.close()
            self._claim = None

    def close(self) -> None:
        """Give the address up."""
        if self._claim is not None:
            self._claim.close()
        self.listener.close()

    def _listen(self) -> None:
        try:
            self.listener.listen(BACKLOG)
        except OSError as error:
            self.close()
            raise explain_refusal(self._settings, error) from error
        self.note_listening()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()


def explain_refusal(settings: Settings, error: OSError) -> PortInUse:
    """Return the error that names the address which cannot be used."""
    return PortInUse(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}")


def _claim_address(settings: Settings) -> socket.socket | None:
    """Keep other processes of Playhead away from an address until somebody listens on it.

    Two sockets with SO_REUSEADDR may be bound to one address as long as neither listens, and
    without it an address cannot be bound for a minute after a stop. A name of Linux that belongs
    to no file goes with its process and, as ports do, is one for a network namespace.

    Raises:
        OSError: Another process has claimed it.
    """
    if sys.platform != "linux" or settings.port == 0:
        return None
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0playhead-{settings.host}-{settings.port}")
    except OSError as error:
        claim.close()
        if error.errno == errno.EADDRINUSE:
            raise
        return None  # where such names are forbidden, the second process fails when it listens
    return claim


async def _is_served_by_others(settings: Settings) -> bool:
    """Tell whether other processes have all roles of this one that a proxy sends requests to.

    If Postgres does not tell, nobody else is known, and connections wait.
    """
    urls = roles.read_external_urls(settings)
    wanted = {str(role) for role in _SERVING if role in settings.roles}
    if urls is None or not wanted:
        return False
    database = Database.open(urls.app, pool_size=1)
    try:
        async with asyncio.timeout(_ASK_S), database.reading() as connection:
            others = await records.list_live_processes(connection, heartbeat_s=settings.heartbeat_s)
    except (DatabaseUnavailable, TimeoutError):
        return False
    finally:
        await database.close()
    served = {
        role
        for other in others
        if not _has_died_here(other.host, other.pid)
        for role in other.roles
    }
    return wanted <= served


def _has_died_here(host: str, pid: int) -> bool:
    """Tell whether a process with a fresh heartbeat was killed on this host, perhaps to restart.

    In a container that was started again, its number may be that of this process.
    """
    if host != socket.gethostname():
        return False
    if pid == os.getpid():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False  # it runs as somebody else
    return False
