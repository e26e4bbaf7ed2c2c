"""Small file systems, so that a disk is full after a few envelopes. Mounting needs root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

needs_root: Final = pytest.mark.skipif(
    os.geteuid() != 0,
    reason="NOT TESTED: this needs root, to mount small disks and to trace processes",
)
"""Decorate what only root can do. As root nothing is skipped: what does not work fails."""


@contextmanager
def tmpfs(point: Path, *, size_mib: int = 8, inodes: int = 0) -> Iterator[Path]:
    """Mount memory of a size at a folder, made if it is missing; `inodes` 0 for no limit."""
    options = f"size={size_mib}m,nr_inodes={inodes},mode=0700"
    with _mounted(["mount", "-t", "tmpfs", "-o", options, "playhead-test"], point):
        yield point


@contextmanager
def ext4(point: Path, image: Path, *, size_mib: int = 55, inodes: int = 4_096) -> Iterator[Path]:
    """Mount a file as a disk at a folder."""
    with image.open("wb") as file:
        file.truncate(size_mib * 1024 * 1024)
    making = ["mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-m", "0", "-N", str(inodes)]
    subprocess.run([*making, str(image)], check=True)
    with _mounted(["mount", "-o", "loop", str(image)], point):
        # What mkfs makes there for broken files is not ours.
        (point / "lost+found").rmdir()
        yield point


@contextmanager
def _mounted(command: list[str], point: Path) -> Iterator[None]:
    point.mkdir(parents=True, exist_ok=True)
    subprocess.run([*command, str(point)], check=True)
    try:
        yield
    finally:
        # Lazily: a process that was killed a moment ago may still hold a file there.
        subprocess.run(["umount", "--lazy", str(point)], check=True)


@contextmanager
def filled(disk: Path, *, but_bytes: int = 0) -> Iterator[None]:
    """Take the free space of a disk, all but some, until the block ends."""
    ballast = disk / "ballast"
    facts = os.statvfs(disk)
    size_bytes = max(0, facts.f_bavail * facts.f_frsize - but_bytes)
    with ballast.open("wb") as file, suppress(OSError):
        os.posix_fallocate(file.fileno(), 0, max(1, size_bytes))
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def without_inodes(disk: Path) -> Iterator[None]:
    """Take every file that a disk can still hold, until the block ends."""
    strays: list[Path] = []
    with suppress(OSError):
        while True:
            stray = disk / f"stray{len(strays)}"
            stray.touch()
            strays.append(stray)
    try:
        yield
    finally:
        for stray in strays:
            stray.unlink()
