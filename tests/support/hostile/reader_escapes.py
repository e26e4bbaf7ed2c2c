"""A child that reads debug files and has been taken over: it tries one way to escape.

Run as a program with the name of a deed, as `sandbox_escapes` is for media children. It has what
that child has, and besides a socket and the files that its parent hands over.
"""

import os
import socket
import sys
from collections.abc import Callable
from typing import Final

from app.children import messages, sandbox
from app.symbolicator import program, wire
from tests.support.hostile import sandbox_escapes


def _send_a_file(files: socket.socket) -> None:
    socket.send_fds(files, [b"x"], [0])


def _change_the_debug_file(files: socket.socket) -> None:
    _, (source, _target), _, _ = socket.recv_fds(files, 1, 2)
    os.write(source, b"changed")


def _open_the_debug_file_again(files: socket.socket) -> None:
    _, (source, _target), _, _ = socket.recv_fds(files, 1, 2)
    os.open(f"/proc/self/fd/{source}", os.O_RDWR)


def _fill_the_disk(files: socket.socket) -> None:
    _, (_source, target), _, _ = socket.recv_fds(files, 1, 2)
    while True:
        os.write(target, bytes(2**20))


def _without_files(deed: Callable[[], object]) -> Callable[[socket.socket], object]:
    return lambda _files: deed()


DEEDS: Final[dict[str, Callable[[socket.socket], object]]] = {
    name: _without_files(deed)
    for name, deed in sandbox_escapes.DEEDS.items()
    if name in {"open", "socket", "exec", "fork", "kill", "loop", "take 2 GiB"}
} | {
    "send a file": _send_a_file,
    "change the debug file": _change_the_debug_file,
    "open the debug file again": _open_the_debug_file_again,
    "fill the disk": _fill_the_disk,
}


def main(deed: str, *, limits_only: bool, inbox: int) -> None:
    """Close the sandbox and try."""
    program.warm_up()
    program._WRITTEN_BYTES = 4 * 2**20  # type: ignore[misc]  # a full disk would take too long
    if limits_only:
        sandbox._filter_calls = lambda *_, **__: False
    files, is_filtered = program.close_child(400, 1, inbox)
    act = DEEDS[deed]
    messages.send_message(messages.READY, bytes((is_filtered,)))
    messages.receive_message()
    try:
        act(files)
    except BaseException:  # noqa: BLE001 - a traceback would open files
        os._exit(1)
    messages.send_message(wire.DERIVED, b"")
    os.read(0, 1)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], limits_only="limits-only" in sys.argv, inbox=int(sys.argv[-1]))
