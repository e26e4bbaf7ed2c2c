"""Reads how the sessions of a project's releases ended."""

from collections.abc import Mapping
from datetime import date

from app.core.ids import ProjectId
from app.db.engine import Database
from app.releases import sessions
from app.releases.model import SessionCohort


async def read_release_health(
    db: Database, project_id: ProjectId, *, since: date
) -> Mapping[SessionCohort, int]:
    """Read how many sessions of a project began from a day on, and how they ended."""
    async with db.reading() as connection:
        return await sessions.read_session_counts(connection, [project_id], since=since)
