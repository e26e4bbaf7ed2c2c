"""How much journals take on disk, whoever's they are."""

from pathlib import Path
from typing import Final

FILLING: Final = 0.8
"""The part of the room for journals that may be used before somebody must act."""


def sizes(root: Path) -> dict[str, int]:
    """Return the bytes in each journal below `root`, by its id; empty when there is no such folder.

    Looks at every file: some dozens, a journal file has 64 MiB. Blocks.

    Raises:
        OSError: The folder cannot be looked at.
    """
    if not root.is_dir():
        return {}
    found: dict[str, int] = {}
    for folder in root.iterdir():
        try:
            found[folder.name] = sum(path.stat().st_size for path in folder.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            continue  # digested and removed in the meantime
    return found


def used(journal_bytes: int, room_bytes: int) -> float:
    """Return the part of the room for journals that is used, from 0 to 1.

    Args:
        journal_bytes: What they take.
        room_bytes: What they may still take before the reserve begins.
    """
    return journal_bytes / (journal_bytes + room_bytes) if room_bytes > 0 else 1.0
