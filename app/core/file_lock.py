"""Locks a file between the processes of a machine; the kernel drops the lock if its holder dies."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

_PAUSE_S: Final = 0.05


@asynccontextmanager
async def hold_file_lock(path: Path) -> AsyncIterator[None]:
    """Hold the lock of a file, and wait for it as long as it takes.

    Args:
        path: The file. It and its folder are made when they are missing.
    """
    descriptor = _open_lock_file(path)
    try:
        while not _try_to_lock(descriptor):  # noqa: ASYNC110 - no event tells of other processes
            await asyncio.sleep(_PAUSE_S)
        yield
    finally:
        os.close(descriptor)


@asynccontextmanager
async def try_file_lock(path: Path) -> AsyncIterator[bool]:
    """Hold the lock of a file if nobody else does; yields whether it is held.

    Args:
        path: The file. It and its folder are made when they are missing.
    """
    descriptor = _open_lock_file(path)
    try:
        yield _try_to_lock(descriptor)
    finally:
        os.close(descriptor)


def _open_lock_file(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _try_to_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
