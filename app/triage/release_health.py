"""Reads how the sessions of a project's releases ended, and what build servers said about them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from app.core.ids import ProjectId
from app.db.engine import Database
from app.releases import build_queries, sessions
from app.releases.model import ReleaseBuild, SessionCohort

_NEWEST_BUILDS: Final = 50
"""The releases without sessions that are read, those that were named last."""


@dataclass(frozen=True, slots=True)
class ReleaseHealth:
    """The releases of a project, as SDKs and build servers tell of them."""

    sessions: Mapping[SessionCohort, int]
    """The numbers of sessions since a day, by the way in which they ended."""
    builds: Mapping[str, ReleaseBuild]
    """The facts that build servers sent, by version: about releases with such sessions, and about
    those that were named last."""


async def read_release_health(db: Database, project_id: ProjectId, *, since: date) -> ReleaseHealth:
    """Read the releases of a project that had sessions since a day, or were named last."""
    async with db.reading() as connection:
        counts = await sessions.read_session_counts(connection, [project_id], since=since)
        versions = {cohort.release for cohort in counts}
        versions.update(
            await build_queries.list_newest_builds(connection, project_id, limit=_NEWEST_BUILDS)
        )
        builds = await build_queries.read_release_builds(connection, project_id, versions)
    return ReleaseHealth(counts, builds)
