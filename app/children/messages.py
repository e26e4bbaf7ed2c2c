"""The messages between the server and a child: a head, then a body, over two pipes.

    message   u8 kind | u32 bytes of body, big-endian | body

The kinds are those of the child's own package, except for READY. The functions here are for the
child's side: they need nothing that a closed sandbox forbids.
"""

import os
from struct import Struct
from typing import Final

HEAD: Final = Struct(">BI")
READY: Final = 0
"""The child's first message, of one byte: 1 if the kernel filters its system calls."""

_IN: Final = 0
_OUT: Final = 1


def receive_message() -> tuple[int, bytes] | None:
    """Read one message from the server, or return None if the server has closed the pipe."""
    head = _read_bytes(HEAD.size)
    if not head:
        return None
    kind, size_bytes = HEAD.unpack(head)
    return kind, _read_bytes(size_bytes)


def send_message(kind: int, body: bytes) -> None:
    """Write one message to the server."""
    unsent = memoryview(HEAD.pack(kind, len(body)) + body)
    while unsent:
        unsent = unsent[os.write(_OUT, unsent) :]


def _read_bytes(size_bytes: int) -> bytes:
    """Read exactly `size_bytes`, or return no bytes if the server has closed the pipe."""
    parts = []
    while size_bytes:
        part = os.read(_IN, size_bytes)
        if not part:
            return b""
        parts.append(part)
        size_bytes -= len(part)
    return b"".join(parts)
