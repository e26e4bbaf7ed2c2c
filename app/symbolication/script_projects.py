"""Keeps a list of the projects whose scripts are found by release, so digest need not query it.

An event of JavaScript without debug ids is looked up by its release only in these projects. Those
of all others cost digest nothing.
"""

from typing import override

from app.core.ids import ProjectId
from app.core.running.repeated_worker import RepeatedWorker
from app.db.engine import Database
from app.debug_files import queries


class ScriptProjects(RepeatedWorker):
    """The projects that have scripts of releases, some seconds old."""

    package = "symbolication.script_projects"
    pause_s = 20.0
    """Below `redo.arrivals.SETTLED`, after which the events between are looked for."""
    waiting_message = "reading the projects with scripts waits"
    failure_message = "reading the projects with scripts failed"

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        self._project_ids: set[ProjectId] = set()

    def has_scripts(self, project_id: ProjectId) -> bool:
        """Tell whether scripts of a project may be found by their release."""
        return project_id in self._project_ids

    @override
    async def work(self) -> None:
        """Read the projects now."""
        async with self._database.reading() as connection:
            self._project_ids = await queries.list_projects_with_scripts(connection)
