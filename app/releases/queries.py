"""Reads of releases: of those that build servers have named, and those that have sessions."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, date, datetime, time
from typing import Any, Final

from sqlalchemy import DateTime, cast, func, select, true, union_all
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.releases.model import Commit, Deploy, Release
from app.releases.tables import deploys, release_sessions, releases

_COMMIT_FACTS: Final = tuple(field.name for field in fields(Commit))
DEPLOY_COLUMNS: Final = (
    deploys.c.id,
    deploys.c.project_id,
    deploys.c.version,
    deploys.c.environment,
    deploys.c.name,
    deploys.c.url,
    deploys.c.started_at,
    deploys.c.finished_at,
)


async def list_releases(
    connection: AsyncConnection,
    project_ids: Sequence[ProjectId],
    *,
    since: date,
    search: str = "",
    first: int = 0,
    limit: int = 100,
) -> list[Release]:
    """Return releases of some projects, those first that were heard of last.

    Args:
        connection: The connection to read with.
        project_ids: The projects. A version that several of them have is one release.
        since: The day from which releases count that have sessions only.
        search: A part of the version, whatever its case; empty for all.
        first: Number of releases to skip.
        limit: The most releases that are returned.
    """
    is_named_so = releases.c.version.icontains(search, autoescape=True) if search else true()
    has_such = release_sessions.c.release.icontains(search, autoescape=True) if search else true()
    # A day is the beginning of that day in UTC, whatever the time zone of the connection.
    first_day = func.timezone("UTC", cast(func.min(release_sessions.c.day), DateTime()))
    known = union_all(
        select(releases.c.version, releases.c.made_at).where(
            releases.c.project_id.in_(project_ids), is_named_so
        ),
        select(release_sessions.c.release, first_day)
        .where(
            release_sessions.c.project_id.in_(project_ids),
            release_sessions.c.day >= since,
            has_such,
        )
        .group_by(release_sessions.c.release),
    ).subquery()
    heard_at = func.min(known.c.made_at)
    rows = await connection.execute(
        select(known.c.version)
        .group_by(known.c.version)
        .order_by(heard_at.desc(), known.c.version)
        .offset(first)
        .limit(limit)
    )
    versions = [row.version for row in rows]
    found = await _read_releases(connection, project_ids, versions)
    return [found[version] for version in versions if version in found]


async def find_release(
    connection: AsyncConnection, project_ids: Sequence[ProjectId], version: str
) -> Release | None:
    """Return a release, with those of some projects that have it; None if none has."""
    found = await _read_releases(connection, project_ids, [version])
    return found.get(version)


def read_commit(stored: Mapping[str, str]) -> Commit:
    """Read a stored commit.

    While two releases of Playhead run side by side, each reads what the other has written: a fact
    that this one does not know is left out, and one that the other did not know is empty.
    """
    return Commit(**{name: stored.get(name, "") for name in _COMMIT_FACTS})


async def list_commits(
    connection: AsyncConnection, project_ids: Sequence[ProjectId], version: str
) -> list[Commit]:
    """Return the commits of a release, the newest first, of the first project that has any."""
    rows = await connection.scalars(
        select(releases.c.commits)
        .where(
            releases.c.project_id.in_(project_ids),
            releases.c.version == version,
            func.jsonb_array_length(releases.c.commits) > 0,
        )
        .order_by(releases.c.project_id)
        .limit(1)
    )
    return [read_commit(commit) for commit in rows.first() or ()]


async def list_deploys(
    connection: AsyncConnection,
    project_ids: Sequence[ProjectId],
    version: str,
    *,
    limit: int = 100,
) -> list[Deploy]:
    """Return the deploys of a release, the latest first."""
    rows = await connection.execute(
        select(*DEPLOY_COLUMNS)
        .where(deploys.c.project_id.in_(project_ids), deploys.c.version == version)
        .order_by(deploys.c.finished_at.desc(), deploys.c.id.desc())
        .limit(limit)
    )
    return [read_deploy_row(row) for row in rows]


def read_deploy_row(row: Any) -> Deploy:
    """Turn a row that has `DEPLOY_COLUMNS` into a deploy."""
    return Deploy(
        id=row.id,
        project_id=ProjectId(row.project_id),
        version=row.version,
        environment=row.environment,
        name=row.name,
        url=row.url,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


async def _read_releases(
    connection: AsyncConnection, project_ids: Sequence[ProjectId], versions: Sequence[str]
) -> dict[str, Release]:
    """Return some releases by version; versions that no project has are left out."""
    named: dict[str, list[Any]] = defaultdict(list)
    for row in await _read_rows(connection, project_ids, versions):
        named[row.version].append(row)
    first_days = await _read_first_days(connection, project_ids, versions)
    deployed = await _read_deploys(connection, project_ids, versions)
    return {
        version: _merge_release(
            version, named[version], first_days.get(version, {}), deployed.get(version)
        )
        for version in versions
        if version in named or version in first_days
    }


async def _read_rows(
    connection: AsyncConnection, project_ids: Sequence[ProjectId], versions: Sequence[str]
) -> list[Any]:
    """Read what build servers said of some releases, by project."""
    rows = await connection.execute(
        select(
            releases.c.project_id,
            releases.c.version,
            releases.c.made_at,
            releases.c.started_at,
            releases.c.released_at,
            releases.c.url,
            releases.c.ref,
            releases.c.is_archived,
            func.jsonb_array_length(releases.c.commits).label("commit_count"),
            releases.c.commits[0].label("last_commit"),
        )
        .where(releases.c.project_id.in_(project_ids), releases.c.version.in_(versions))
        .order_by(releases.c.project_id)
    )
    return list(rows)


async def _read_first_days(
    connection: AsyncConnection, project_ids: Sequence[ProjectId], versions: Sequence[str]
) -> dict[str, dict[ProjectId, date]]:
    """Read since when releases have sessions, by version and project."""
    columns = release_sessions.c
    rows = await connection.execute(
        select(columns.release, columns.project_id, func.min(columns.day).label("day"))
        .where(columns.project_id.in_(project_ids), columns.release.in_(versions))
        .group_by(columns.release, columns.project_id)
    )
    days: dict[str, dict[ProjectId, date]] = defaultdict(dict)
    for row in rows:
        days[row.release][ProjectId(row.project_id)] = row.day
    return days


async def _read_deploys(
    connection: AsyncConnection, project_ids: Sequence[ProjectId], versions: Sequence[str]
) -> dict[str, tuple[int, Deploy]]:
    """Read how many deploys some releases had, and the latest of each."""
    is_asked_for = deploys.c.project_id.in_(project_ids) & deploys.c.version.in_(versions)
    counts = await connection.execute(
        select(deploys.c.version, func.count().label("quantity"))
        .where(is_asked_for)
        .group_by(deploys.c.version)
    )
    quantities = {row.version: row.quantity for row in counts}
    if not quantities:
        return {}
    latest = await connection.execute(
        select(*DEPLOY_COLUMNS)
        .ext(distinct_on(deploys.c.version))
        .where(is_asked_for)
        .order_by(deploys.c.version, deploys.c.finished_at.desc(), deploys.c.id.desc())
    )
    return {row.version: (quantities.get(row.version, 1), read_deploy_row(row)) for row in latest}


def _merge_release(
    version: str,
    rows: Sequence[Any],
    first_days: dict[ProjectId, date],
    deployed: tuple[int, Deploy] | None,
) -> Release:
    """Merge what is known of a release in several projects; the earliest beginning counts."""
    heard_at = [row.made_at for row in rows]
    heard_at += [datetime.combine(day, time.min, UTC) for day in first_days.values()]
    project_ids = {ProjectId(row.project_id) for row in rows} | set(first_days)
    with_commits = next((row for row in rows if row.commit_count), None)
    return Release(
        version=version,
        project_ids=tuple(sorted(project_ids)),
        made_at=min(heard_at),
        started_at=_find_first(rows, "started_at"),
        released_at=_find_first(rows, "released_at"),
        url=_find_first(rows, "url"),
        ref=_find_first(rows, "ref"),
        is_archived=bool(rows) and all(row.is_archived for row in rows),
        commit_count=with_commits.commit_count if with_commits else 0,
        last_commit=read_commit(with_commits.last_commit) if with_commits else None,
        deploy_count=deployed[0] if deployed else 0,
        last_deploy=deployed[1] if deployed else None,
    )


def _find_first(rows: Sequence[Any], name: str) -> Any:
    """Return the first value of a column that is there."""
    return next((value for row in rows if (value := getattr(row, name)) is not None), None)
