"""Remembers the newest timeline of each Postgres, in memory and in the data folder.

The processes of a data folder share one file: what one of them sees, all of them know.
"""

import fcntl
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from app.core import log
from app.core.clock import monotonic_s

_logger: Final = log.get_logger("db.timelines")


@dataclass(frozen=True, slots=True)
class Timeline:
    """The timeline of a primary; standbys of one primary share its system identifier."""

    system_id: int
    number: int
    """1 for a new Postgres, and one more after each promotion."""


class NewestTimelines:
    """The newest timeline of each Postgres that was used, and where it is kept."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._path: Path | None = None
        self._is_kept = True
        self._looked_at_s = -math.inf
        self._read_version: tuple[int, ...] = ()
        """What tells the file that was read last from the one that is there now."""

    def keep_in(self, path: Path) -> None:
        """Read what other processes have seen from a file, and keep it there from now on."""
        self._path = path
        self._is_kept = not self._numbers
        self._read_if_changed()

    def note(self, timeline: Timeline) -> None:
        """Remember a timeline, if it is newer than those before."""
        if timeline.number > self._numbers.get(timeline.system_id, 0):
            self._numbers[timeline.system_id] = timeline.number
            self._is_kept = False
        if self._path is None or self._is_kept:
            return
        try:
            with _lock(self._path.with_suffix(".lock")):
                self._merge(_read(self._path))
                _write(self._path, self._numbers)
            self._is_kept = True
        except OSError as error:  # a full disk, or a busy lock: the next note tries again
            _logger.warning("cannot keep the timeline of Postgres", error=str(error))

    def find_newer(self, timeline: Timeline, *, looked_within_s: float = 0.0) -> int | None:
        """Return the newest timeline that was seen if it is newer than this one, otherwise None.

        Args:
            timeline: The timeline to compare with.
            looked_within_s: The file is left alone if somebody looked at it so lately.
        """
        if monotonic_s() - self._looked_at_s >= looked_within_s:
            self._read_if_changed()
        newest = self._numbers.get(timeline.system_id, 0)
        return newest if newest > timeline.number else None

    def describe_file(self) -> str:
        """Name the file that people delete to go back to an old primary."""
        return str(self._path) if self._path else "postgres-timelines.json in the data folder"

    def _read_if_changed(self) -> None:
        """Learn what other processes have seen since."""
        if self._path is None:
            return
        self._looked_at_s = monotonic_s()
        try:
            found = self._path.stat()
        except OSError:  # nobody has seen anything yet, or somebody wants the old primary back
            return
        version = (found.st_ino, found.st_size, found.st_mtime_ns)
        if version != self._read_version:
            self._merge(_read(self._path))
            self._read_version = version

    def _merge(self, numbers: Mapping[int, int]) -> None:
        for system_id, number in numbers.items():
            self._numbers[system_id] = max(number, self._numbers.get(system_id, 0))


newest_timelines: Final = NewestTimelines()
"""Of this process, whatever it opens: pools, migrations and commands use the same servers."""


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold the lock of a file.

    Raises:
        BlockingIOError: Another process holds it. Waiting would hold up the whole event loop.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _read(path: Path) -> dict[int, int]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[int, int])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError) as error:
        # Until the newest primary is seen again, an old one is taken for it.
        _logger.warning("cannot read the timelines of Postgres", path=str(path), error=str(error))
        return {}


def _write(path: Path, numbers: Mapping[int, int]) -> None:
    """Replace the file; it must outlive a power cut, after which the hosts come back in turn."""
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("wb") as file:
        file.write(msgspec.json.encode(numbers))
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
