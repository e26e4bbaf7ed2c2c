"""A replay as rows of the list name it, for forms and scripts: `318/0af7…`."""

from typing import Final

from app.core import ids
from app.core.ids import ProjectId, ReplayId
from app.replays.model import ReplayKey

_DIGITS: Final = 19


def write_row_value(key: ReplayKey) -> str:
    """Write the project and the id of a replay."""
    return f"{key.project_id}/{key.replay_id}"


def read_row_value(text: str) -> ReplayKey | None:
    """Read the project and the id of a replay; None if the text does not name one."""
    project_id, _, id_text = text.partition("/")
    replay_id = ids.read_hex32(id_text)
    is_number = project_id.isascii() and project_id.isdecimal() and len(project_id) <= _DIGITS
    if replay_id is None or not is_number:
        return None
    return ReplayKey(ProjectId(int(project_id)), ReplayId(replay_id))
