"""The file in a data folder that says how far a restore is, and keeps servers from starting."""

from pathlib import Path
from typing import Final

import msgspec

from app.backup import files
from app.core.errors import ServiceUnavailable

_NAME: Final = "restoring.json"


class RestoreState(msgspec.Struct, frozen=True):
    """The progress of a restore, stored in a file."""

    folder: str
    """The folder with the backup."""
    name: str
    """The backup."""
    checksum: str
    """The checksum of its manifest."""
    replaces: bool
    """True if what was stored before is to be deleted."""
    is_database_done: bool = False


def refuse_unfinished_restore(data_dir: Path) -> None:
    """Keep a server from starting on what a restore has not finished.

    Raises:
        ServiceUnavailable: There is such a restore.
    """
    state = read_state(data_dir)
    if state is not None:
        raise ServiceUnavailable(
            f"a restore of {state.name} was not finished; go on with it first: "
            f"{format_command(state)}"
        )


def read_state(data_dir: Path) -> RestoreState | None:
    """Return how far the restore of a data folder is; None if there is none.

    Raises:
        ServiceUnavailable: The file cannot be read.
    """
    path = data_dir / _NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=RestoreState)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise ServiceUnavailable(f"{path} cannot be read: {error}") from error


def write_state(data_dir: Path, state: RestoreState) -> None:
    """Write down how far the restore of a data folder is."""
    files.write_file(data_dir / _NAME, msgspec.json.encode(state))
    files.sync_folder(data_dir)


def remove_state(data_dir: Path) -> None:
    """Note that the restore is finished."""
    (data_dir / _NAME).unlink()
    files.sync_folder(data_dir)


def format_command(state: RestoreState) -> str:
    """Return the command that goes on with a restore."""
    return f"playhead restore {state.folder} --backup {state.name}"
