"""Ports for servers that tests start."""

import secrets
import socket
from contextlib import suppress
from typing import Final

_LOWEST: Final = 20_000
_PAST_HIGHEST: Final = 32_768
"""Linux gives connections ports from here on."""


def find_free_port() -> int:
    """Find a port on which nobody listens, and that no connection gets meanwhile.

    So it is still free when the server listens on it, and stays free while the server restarts. It
    is not drawn by `random`, which begins anew with each test: runs beside this one would draw the
    same ports.
    """
    while True:
        port = _LOWEST + secrets.randbelow(_PAST_HIGHEST - _LOWEST)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
