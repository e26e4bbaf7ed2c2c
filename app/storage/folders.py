"""Folders of the local store, walked by descriptor so that no link can lead out of the root.

Each step opens one name inside the folder before it with O_NOFOLLOW; a path is never resolved as
a whole, so there is no moment between a check and a use.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Final

FOLDER_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FOLDER_MODE: Final = 0o700
_REMEMBERED: Final = 10_000
"""Folders known to be durable; forgotten all at once beyond that, at the cost of some fsyncs."""


class Folders:
    """Opens folders below one root, and knows which of them are on disk for certain."""

    def __init__(self, root_fd: int) -> None:
        self._root_fd = root_fd
        self._durable: set[str] = set()

    @contextlib.contextmanager
    def opened(self, parts: Sequence[str]) -> Iterator[int]:
        """Open a folder for the length of a `with`.

        Raises:
            FileNotFoundError: It is not there.
            OSError: A part is a link or no folder.
        """
        fd = self._walk(parts)
        try:
            yield fd
        finally:
            os.close(fd)

    @contextlib.contextmanager
    def made(self, parts: Sequence[str], gained: "Gained") -> Iterator[int]:
        """Open a folder, making what is missing; `gained` collects what to fsync for it.

        The parent of a folder that this process has not yet seen durable is collected too, even
        when the folder is there: whoever made it may not have come to its fsync.
        """
        fd = os.dup(self._root_fd)
        try:
            for depth, name in enumerate(parts):
                path = "/".join(parts[: depth + 1])
                child, is_new = _open_or_make(name, fd)
                if is_new or path not in self._durable:
                    gained.add(fd, path)
                os.close(fd)
                fd = child
            yield fd
        finally:
            os.close(fd)

    def remember(self, paths: Sequence[str]) -> None:
        """Note folders whose entry in their parent has been fsynced."""
        if len(self._durable) > _REMEMBERED:
            self._durable.clear()
        self._durable.update(paths)

    def remove_empty(self, parts: Sequence[str]) -> None:
        """Remove a folder and those above it, up to the first that still holds something."""
        for depth in range(len(parts), 0, -1):
            try:
                with self.opened(parts[: depth - 1]) as parent:
                    os.rmdir(parts[depth - 1], dir_fd=parent)
                    self._durable.discard("/".join(parts[:depth]))
                    os.fsync(parent)
            except OSError:
                return

    def _walk(self, parts: Sequence[str]) -> int:
        fd = os.dup(self._root_fd)
        for name in parts:
            try:
                child = os.open(name, FOLDER_FLAGS, dir_fd=fd)
            finally:
                os.close(fd)
            fd = child
        return fd


class Gained:
    """Folders that gained an entry in one batch: each is fsynced once, at the end."""

    def __init__(self) -> None:
        self._fds: dict[int, int] = {}
        self._made: list[str] = []

    def add(self, fd: int, made: str | None = None) -> None:
        """Collect an open folder; `made` is the path inside it that becomes durable with it.

        Folders are told apart by inode, not by path: one may be removed and made anew meanwhile.
        """
        inode = os.fstat(fd).st_ino
        if inode not in self._fds:
            self._fds[inode] = os.dup(fd)
        if made is not None:
            self._made.append(made)

    def sync(self, folders: Folders) -> None:
        """Make every collected entry survive a power cut."""
        for fd in self._fds.values():
            os.fsync(fd)
        folders.remember(self._made)

    def close(self) -> None:
        """Let go of the descriptors."""
        for fd in self._fds.values():
            os.close(fd)
        self._fds.clear()


def _open_or_make(name: str, parent: int) -> tuple[int, bool]:
    try:
        return os.open(name, FOLDER_FLAGS, dir_fd=parent), False
    except FileNotFoundError:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, FOLDER_MODE, dir_fd=parent)
        return os.open(name, FOLDER_FLAGS, dir_fd=parent), True
