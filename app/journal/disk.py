"""Measures the disk space that the journals of all processes take."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from app.journal import folder

FILLING: Final = 0.8
"""The used part of the room for journals from which a person must act."""


def measure_journals(root: Path) -> dict[str, int]:
    """Return the size of each journal below `root`, by its id; empty if the folder is missing.

    This blocks while it reads the size of every file. They are some dozens, since one has 64 MiB.

    Raises:
        OSError: The folder cannot be read.
    """
    if not root.is_dir():
        return {}
    sizes_bytes: dict[str, int] = {}
    for path in root.iterdir():
        try:
            sizes_bytes[path.name] = sum(file.stat().st_size for file in path.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            continue  # The journal was digested and removed meanwhile.
    return sizes_bytes


def is_any_abandoned(root: Path, journal_ids: Iterable[str]) -> bool:
    """Tell whether one of these journals belongs to no living process. This blocks, as above."""
    return any(folder.is_abandoned(root / journal_id) for journal_id in journal_ids)


def used_share(journal_bytes: int, room_bytes: int) -> float:
    """Return the part of the room for journals that is used, from 0 to 1.

    Args:
        journal_bytes: The disk space that journals take.
        room_bytes: The disk space that they may still take before the reserve begins.
    """
    return journal_bytes / (journal_bytes + room_bytes) if room_bytes > 0 else 1.0
