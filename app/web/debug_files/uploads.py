"""Says what became of the files of an upload by hand."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final

from app.core.log import shown
from app.debug_uploads.receive_file import TakenFile

_MOST_FAULTS: Final = 5


def describe_faults(taken: Sequence[TakenFile]) -> tuple[str, ...]:
    """Say which files of an upload cannot be used, and why; five at most, then a count."""
    faults = [_describe_fault(each) for each in taken if each.file is None]
    more = len(faults) - _MOST_FAULTS
    return (
        *faults[:_MOST_FAULTS],
        *([f"{more:,} further files cannot be used"] if more > 0 else []),
    )


def count_files(taken: Sequence[TakenFile]) -> int:
    """Count the debug files that an upload made, also those that were here already."""
    return len({each.file.file_id for each in taken if each.file is not None})


def _describe_fault(taken: TakenFile) -> str:
    name = shown(PurePosixPath(taken.name).name)
    if taken.fault is not None:
        return taken.fault if name in taken.fault else f"file {name}: {taken.fault}"
    return (
        f"file {name} alone is not used: upload source maps with `sentry-cli sourcemaps upload`,"
        " which packs them with their scripts"
    )
