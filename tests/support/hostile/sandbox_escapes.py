"""A media child that has been taken over: it closes the sandbox, then tries one way to escape.

Run as a program with the name of a deed. It answers its first request only when the deed has
succeeded, so an answer is an escape. With `limits-only` as a second argument the kernel filters
nothing, as on a system without seccomp.
"""

import ctypes
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from app.children import messages, sandbox
from app.media import decode, wire

_HUGE: Final = 2 * 1024**3
_MACHINE_CODE: Final = 7  # PROT_READ | PROT_WRITE | PROT_EXEC
_PRIVATE: Final = 0x22  # MAP_PRIVATE | MAP_ANONYMOUS

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p


def _worked(result: int | None) -> None:
    if result in (-1, None, 2**64 - 1):
        raise OSError(ctypes.get_errno(), "refused")


def _write_for_ever() -> None:
    head = messages.HEAD.pack(wire.NEXT, 2**30)
    os.write(1, head)
    while True:
        os.write(1, bytes(65_536))


def _loop() -> None:
    while True:
        pass


def _flood_with_answers() -> None:
    while True:
        os.write(1, messages.HEAD.pack(wire.DRAWN, wire.MOST_BYTES))
        os.write(1, bytes(65_536))


DEEDS: Final[dict[str, Callable[[], object]]] = {
    "open": lambda: os.open("/etc/passwd", os.O_RDONLY),
    "read a file": lambda: Path("/proc/self/environ").read_bytes(),
    "socket": socket.socket,
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "fork": os.fork,
    "thread": lambda: __import__("_thread").start_new_thread(int, ()),
    "ptrace": lambda: _worked(_libc.ptrace(16, os.getppid(), 0, 0)),
    "kill": lambda: os.kill(os.getppid(), 9),
    "run memory": lambda: _worked(_libc.mmap(0, 4096, _MACHINE_CODE, _PRIVATE, -1, 0)),
    "more limits": lambda: __import__("resource").setrlimit(6, (100, 100)),
    "write 1 GB": _write_for_ever,
    "flood": _flood_with_answers,
    "loop": _loop,
    "take 2 GiB": lambda: bytearray(_HUGE),
    "sleep": lambda: time.sleep(3600),
    "end": lambda: os._exit(0),
}


def main(deed: str, *, limits_only: bool) -> None:
    """Close the sandbox and try."""
    decode.warm_up()
    if limits_only:
        sandbox._filter_calls = lambda *_, **__: False
    is_filtered = sandbox.close_sandbox(sandbox.SandboxLimits())
    act = DEEDS[deed]
    messages.send_message(messages.READY, bytes((is_filtered,)))
    messages.receive_message()
    try:
        act()
    except BaseException:  # noqa: BLE001 - a traceback would open files
        os._exit(1)
    messages.send_message(wire.NEXT, b"")
    os.read(0, 1)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], limits_only=sys.argv[2:] == ["limits-only"])
