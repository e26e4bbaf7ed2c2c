"""Writes of releases and deploys; the caller commits."""

from dataclasses import asdict
from datetime import datetime
from typing import Final

from sqlalchemy import delete, func, insert, literal_column, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.errors import InvalidInput
from app.core.ids import ProjectId
from app.db import text
from app.releases.model import Commit, Deploy, ReleaseChange
from app.releases.queries import DEPLOY_COLUMNS, read_deploy_row
from app.releases.tables import deploys, releases

MOST_RELEASES: Final = 20_000
"""Releases of a project that are kept; beyond that, the oldest go."""
MOST_COMMITS: Final = 1_000
"""Commits of a release that are kept, the newest."""
MOST_DEPLOYS: Final = 1_000
"""Deploys of a release."""

_NAME_BYTES: Final = 400
_URL_BYTES: Final = 2_000
_MESSAGE_BYTES: Final = 1_000


async def change_release(
    connection: AsyncConnection, project_id: ProjectId, version: str, change: ReleaseChange
) -> bool:
    """Add a release, or change one that is there already; the latest word counts.

    Returns:
        True if it is new.
    """
    values: dict[str, object] = {
        "started_at": change.started_at,
        "released_at": change.released_at,
        "url": text.clean_or_none(change.url, limit_bytes=_URL_BYTES),
        "ref": text.clean_or_none(change.ref, limit_bytes=_NAME_BYTES),
        "is_archived": change.is_archived,
        "commits": [_clean_commit(commit) for commit in change.commits[:MOST_COMMITS]] or None,
    }
    named = {name: value for name, value in values.items() if value is not None}
    statement = upsert(releases).values(project_id=project_id, version=version, **named)
    keys = [releases.c.project_id, releases.c.version]
    # An update of nothing still locks and returns the row. `xmax` is 0 for a row that is new.
    is_new = await connection.scalar(
        statement.on_conflict_do_update(
            index_elements=keys, set_={"version": releases.c.version, **named}
        ).returning(literal_column("xmax = 0"))
    )
    if is_new:
        await _delete_oldest(connection, project_id)
    return bool(is_new)


async def delete_release(connection: AsyncConnection, project_id: ProjectId, version: str) -> bool:
    """Delete what build servers said about a release; returns whether they said anything."""
    deleted = await connection.execute(
        delete(releases).where(releases.c.project_id == project_id, releases.c.version == version)
    )
    return bool(deleted.rowcount)


async def add_deploy(
    connection: AsyncConnection,
    project_id: ProjectId,
    version: str,
    *,
    environment: str,
    name: str | None,
    url: str | None,
    started_at: datetime | None,
    finished_at: datetime,
) -> Deploy:
    """Add a deploy of a release that a build server has named.

    Raises:
        InvalidInput: The release has `MOST_DEPLOYS` deploys.
    """
    is_of_release = (deploys.c.project_id == project_id) & (deploys.c.version == version)
    quantity = await connection.scalar(select(func.count()).where(is_of_release))
    if (quantity or 0) >= MOST_DEPLOYS:
        raise InvalidInput(f"a release has at most {MOST_DEPLOYS} deploys")
    rows = await connection.execute(
        insert(deploys)
        .values(
            project_id=project_id,
            version=version,
            environment=text.clean(environment, limit_bytes=_NAME_BYTES),
            name=text.clean_or_none(name, limit_bytes=_NAME_BYTES),
            url=text.clean_or_none(url, limit_bytes=_URL_BYTES),
            started_at=started_at,
            finished_at=finished_at,
        )
        .returning(*DEPLOY_COLUMNS)
    )
    return read_deploy_row(rows.one())


async def _delete_oldest(connection: AsyncConnection, project_id: ProjectId) -> None:
    """Delete the oldest releases of a project that has too many."""
    is_of_project = releases.c.project_id == project_id
    last_kept = (
        select(releases.c.made_at)
        .where(is_of_project)
        .order_by(releases.c.made_at.desc())
        .offset(MOST_RELEASES - 1)
        .limit(1)
        .scalar_subquery()
    )
    await connection.execute(delete(releases).where(is_of_project, releases.c.made_at < last_kept))


def _clean_commit(commit: Commit) -> dict[str, str]:
    limits = {"message": _MESSAGE_BYTES}
    return {
        name: text.clean(value, limit_bytes=limits.get(name, _NAME_BYTES))
        for name, value in asdict(commit).items()
    }
