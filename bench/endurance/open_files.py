"""Counts the open files of a process by what they are, so that a leak can be told from traffic."""

from collections import Counter
from pathlib import Path
from typing import Any, Final

import psutil

_UNIX: Final = "local sockets"
"""Connections to an embedded Postgres, and sockets shared with children."""
_LISTENING: Final = "listening sockets"
_CONNECTIONS: Final = "connections"
"""Those of phones and of people who watch."""
_PIPES: Final = "pipes"
_EVENTS: Final = "event queues"
_JOURNAL: Final = "journal"
_OBJECTS: Final = "objects"
_OTHERS: Final = "others"


def count_open_files(pid: int) -> Counter[str]:
    """Count the open files of a process by kind; the counts add up to all of them.

    A file that is closed meanwhile is left out.

    Raises:
        psutil.NoSuchProcess: There is no such process.
    """
    sockets = {
        socket.fd: _name_socket(socket) for socket in psutil.Process(pid).net_connections("all")
    }
    counts: Counter[str] = Counter()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(link.readlink())
        except FileNotFoundError:
            continue
        counts[sockets.get(int(link.name)) or _name_file(target)] += 1
    return counts


def _name_socket(socket: Any) -> str:
    if socket.status == psutil.CONN_LISTEN:
        return _LISTENING
    return _CONNECTIONS if socket.raddr and not isinstance(socket.raddr, str) else _UNIX


def _name_file(target: str) -> str:
    if target.startswith("pipe:"):
        return _PIPES
    if target.startswith("anon_inode:"):
        return _EVENTS
    folders = target.split("/")
    return next((name for name in (_JOURNAL, _OBJECTS) if name in folders), _OTHERS)
