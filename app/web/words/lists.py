"""What every list of a page has: its state, and the projects to choose from."""

from dataclasses import dataclass
from typing import Literal

from app.core.ids import ProjectId

ListState = Literal["rows", "empty", "nothing_matches", "problem"]


@dataclass(frozen=True, slots=True)
class ProjectOption:
    """A project to filter by."""

    project_id: ProjectId
    name: str
    is_selected: bool = False
