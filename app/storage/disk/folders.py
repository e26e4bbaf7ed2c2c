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
"""The most folders that are remembered as durable; beyond that all are forgotten, which only costs
some fsyncs."""


class Folders:
    """Opens folders below one root, and remembers which of them are certain to be on disk."""

    def __init__(self, root_fd: int) -> None:
        self._root_fd = root_fd
        self._durable: set[str] = set()

    @contextlib.contextmanager
    def open_folder(self, parts: Sequence[str]) -> Iterator[int]:
        """Open a folder for the length of a `with`.

        Raises:
            FileNotFoundError: The folder does not exist.
            OSError: A part of the path is a link, or is not a folder.
        """
        fd = self._walk(parts)
        try:
            yield fd
        finally:
            os.close(fd)

    @contextlib.contextmanager
    def make_folder(self, parts: Sequence[str], to_sync: "FoldersToSync") -> Iterator[int]:
        """Open a folder, and make those that are missing on the way to it.

        Args:
            parts: The names of the folders from the root on.
            to_sync: Collects the parents of all folders that may not be durable yet. A folder that
                exists may be one of them: whoever made it may not have reached its fsync.
        """
        fd = os.dup(self._root_fd)
        try:
            for depth, name in enumerate(parts):
                path = "/".join(parts[: depth + 1])
                child, is_new = _open_or_make(name, fd)
                if is_new or path not in self._durable:
                    to_sync.add(fd, path)
                os.close(fd)
                fd = child
            yield fd
        finally:
            os.close(fd)

    def remember(self, paths: Sequence[str]) -> None:
        """Remember folders whose entry in their parent has been fsynced."""
        if len(self._durable) > _REMEMBERED:
            self._durable.clear()
        self._durable.update(paths)

    def remove_empty(self, parts: Sequence[str]) -> None:
        """Remove a folder and those above it, up to the first that is not empty."""
        for depth in range(len(parts), 0, -1):
            try:
                with self.open_folder(parts[: depth - 1]) as parent:
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


class FoldersToSync:
    """Folders that gained an entry in one batch: each is fsynced once, at the end."""

    def __init__(self) -> None:
        self._fds: dict[int, int] = {}
        self._new_paths: list[str] = []

    def add(self, fd: int, new_path: str | None = None) -> None:
        """Collect an open folder.

        Folders are told apart by inode, not by path: one may be removed and made again meanwhile.

        Args:
            fd: The folder.
            new_path: The path of a folder inside it, which becomes durable with it.
        """
        inode = os.fstat(fd).st_ino
        if inode not in self._fds:
            self._fds[inode] = os.dup(fd)
        if new_path is not None:
            self._new_paths.append(new_path)

    def sync(self, folders: Folders) -> None:
        """Make every collected entry survive a power cut."""
        for fd in self._fds.values():
            os.fsync(fd)
        folders.remember(self._new_paths)

    def close(self) -> None:
        """Close the descriptors."""
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
