"""Keeps the trackers of a project: where its tickets are, and how they are worded."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.errors import NotFound
from app.core.ids import PersonId, ProjectId
from app.projects.tables import project_trackers, projects

MOST_TRACKERS: Final = 10
"""The most trackers of a project."""


class TrackerKind(StrEnum):
    """A kind of tracker."""

    GITHUB = "github"
    GITLAB = "gitlab"
    JIRA = "jira"
    LINEAR = "linear"


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """A tracker as a project's admin describes it."""

    kind: TrackerKind
    name: str
    """Its name on the button, after "New ticket in": `GitHub`."""
    address: str
    """The repository, the project, the site or the team, without a slash at the end."""
    title_template: str
    body_template: str
    jira_project: str = ""
    """The number of the project in Jira (`pid`); empty for other trackers."""
    jira_type: str = ""
    """The number of the issue type in Jira; empty for other trackers."""


@dataclass(frozen=True, slots=True)
class Tracker:
    """A tracker of a project."""

    id: int
    settings: TrackerSettings


async def list_trackers(connection: AsyncConnection, project_id: ProjectId) -> list[Tracker]:
    """List the trackers of a project in the order in which they were added."""
    rows = await connection.execute(
        select(project_trackers)
        .where(project_trackers.c.project_id == project_id)
        .order_by(project_trackers.c.id)
        .limit(MOST_TRACKERS)
    )
    return [_read_row(row) for row in rows]


async def add_tracker(
    connection: AsyncConnection,
    project_id: ProjectId,
    settings: TrackerSettings,
    *,
    person_id: PersonId,
) -> bool:
    """Add a tracker to a project; False if it has as many as it may.

    Raises:
        NotFound: There is no such project.
    """
    # The row is locked, so that two admins do not add more than fit.
    locked = (
        select(projects.c.id).where(projects.c.id == project_id).with_for_update(key_share=True)
    )
    if await connection.scalar(locked) is None:
        raise NotFound("there is no such project")
    kept = await connection.scalar(
        select(func.count()).where(project_trackers.c.project_id == project_id)
    )
    if (kept or 0) >= MOST_TRACKERS:
        return False
    await connection.execute(
        insert(project_trackers).values(
            project_id=project_id, made_by=person_id, **_write_columns(settings)
        )
    )
    return True


async def change_tracker(
    connection: AsyncConnection, project_id: ProjectId, tracker_id: int, settings: TrackerSettings
) -> None:
    """Replace the settings of a tracker.

    Raises:
        NotFound: The project has no such tracker.
    """
    changed = await connection.execute(
        update(project_trackers)
        .where(project_trackers.c.id == tracker_id, project_trackers.c.project_id == project_id)
        .values(**_write_columns(settings))
        .returning(project_trackers.c.id)
    )
    if changed.first() is None:
        raise NotFound("this project has no such tracker")


async def delete_tracker(
    connection: AsyncConnection, project_id: ProjectId, tracker_id: int
) -> None:
    """Delete a tracker from a project; tickets that are kept stay.

    Raises:
        NotFound: The project has no such tracker.
    """
    deleted = await connection.execute(
        delete(project_trackers)
        .where(project_trackers.c.id == tracker_id, project_trackers.c.project_id == project_id)
        .returning(project_trackers.c.id)
    )
    if deleted.first() is None:
        raise NotFound("this project has no such tracker")


def _write_columns(settings: TrackerSettings) -> dict[str, Any]:
    return asdict(settings) | {"kind": settings.kind.value}


def _read_row(row: Row[Any]) -> Tracker:
    settings = TrackerSettings(
        kind=TrackerKind(row.kind),
        name=row.name,
        address=row.address,
        title_template=row.title_template,
        body_template=row.body_template,
        jira_project=row.jira_project,
        jira_type=row.jira_type,
    )
    return Tracker(row.id, settings)
