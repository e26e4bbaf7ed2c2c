"""Reads what build servers said about the releases of one project: commits and deploys."""

from collections import Counter, defaultdict
from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import cast, func, select
from sqlalchemy.dialects.postgresql import JSONPATH
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.releases.model import Deploy, ReleaseBuild
from app.releases.queries import DEPLOY_COLUMNS, read_commit, read_deploy_row
from app.releases.tables import deploys, releases

SHOWN_COMMITS: Final = 20
SHOWN_DEPLOYS: Final = 5
_NEWEST_COMMITS: Final = cast(f"$[0 to {SHOWN_COMMITS - 1}]", JSONPATH)


async def list_newest_builds(
    connection: AsyncConnection, project_id: ProjectId, *, limit: int
) -> list[str]:
    """Return the versions that build servers named last, the newest first.

    Archived ones are left out.
    """
    rows = await connection.scalars(
        select(releases.c.version)
        .where(releases.c.project_id == project_id, ~releases.c.is_archived)
        .order_by(releases.c.made_at.desc(), releases.c.version)
        .limit(limit)
    )
    return list(rows)


async def read_release_builds(
    connection: AsyncConnection, project_id: ProjectId, versions: Collection[str]
) -> dict[str, ReleaseBuild]:
    """Read what build servers said about some releases, by version.

    Versions that none has named are left out. Each release has its newest commits and its latest
    deploys, and the number of all.
    """
    if not versions:
        return {}
    columns = releases.c
    rows = await connection.execute(
        select(
            columns.version,
            columns.made_at,
            columns.released_at,
            columns.url,
            columns.ref,
            columns.is_archived,
            func.jsonb_array_length(columns.commits).label("commit_count"),
            func.jsonb_path_query_array(columns.commits, _NEWEST_COMMITS).label("commits"),
        ).where(columns.project_id == project_id, columns.version.in_(versions))
    )
    latest, counts = await _read_deploys(connection, project_id, versions)
    return {
        row.version: ReleaseBuild(
            version=row.version,
            made_at=row.made_at,
            released_at=row.released_at,
            url=row.url,
            ref=row.ref,
            is_archived=row.is_archived,
            commit_count=row.commit_count,
            commits=tuple(read_commit(commit) for commit in row.commits),
            deploy_count=counts[row.version],
            deploys=tuple(latest[row.version]),
        )
        for row in rows
    }


async def _read_deploys(
    connection: AsyncConnection, project_id: ProjectId, versions: Collection[str]
) -> tuple[defaultdict[str, list[Deploy]], Counter[str]]:
    """Read the latest deploys of some releases, and how many each had."""
    of_release: Any = {"partition_by": deploys.c.version}
    numbered = (
        select(
            *DEPLOY_COLUMNS,
            func.row_number()
            .over(**of_release, order_by=(deploys.c.finished_at.desc(), deploys.c.id.desc()))
            .label("number"),
            func.count().over(**of_release).label("quantity"),
        )
        .where(deploys.c.project_id == project_id, deploys.c.version.in_(versions))
        .subquery()
    )
    rows = await connection.execute(
        select(numbered)
        .where(numbered.c.number <= SHOWN_DEPLOYS)
        .order_by(numbered.c.version, numbered.c.number)
    )
    latest: defaultdict[str, list[Deploy]] = defaultdict(list)
    counts: Counter[str] = Counter()
    for row in rows:
        latest[row.version].append(read_deploy_row(row))
        counts[row.version] = row.quantity
    return latest, counts
