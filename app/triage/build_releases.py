"""Releases as build servers name, finish, deploy and list them, with a line in the audit log each.

One version in several projects is several releases that build tools see as one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.audit import writes as audit
from app.audit.model import Action, ActionDetail
from app.core import clock
from app.core.errors import InvalidInput, NotFound
from app.core.ids import ProjectId
from app.db.engine import Database
from app.releases import queries, writes
from app.releases.model import Commit, Deploy, Release, ReleaseChange

_WITH_SESSIONS_FOR: Final = timedelta(days=90)
"""A release that no build server has named is listed if it had sessions in this time."""


@dataclass(frozen=True, slots=True)
class NewDeploy:
    """A deploy, as a build server reports it."""

    environment: str
    name: str | None
    url: str | None
    started_at: datetime | None
    finished_at: datetime | None
    """The time at which it ended; None for now."""


async def change_release(
    database: Database,
    project_ids: Sequence[ProjectId],
    version: str,
    change: ReleaseChange,
    *,
    token_name: str,
) -> Release:
    """Add a release to some projects, or change it in those that have it.

    Args:
        database: The database with the releases.
        project_ids: The projects, at least one.
        version: The name of the release.
        change: The facts that the build server sends.
        token_name: The name of the token, for the log.
    """
    async with database.transaction() as connection:
        for project_id in project_ids:
            is_new = await writes.change_release(connection, project_id, version, change)
            action = Action.RELEASE_ADDED if is_new else Action.RELEASE_CHANGED
            detail: ActionDetail = {"token": token_name, **_describe_change(change)}
            await _add_audit_line(connection, action, project_id, version, detail)
        release = await queries.find_release(connection, project_ids, version)
    if release is None:
        raise NotFound("the release was deleted meanwhile")
    return release


async def read_release(
    database: Database, project_ids: Sequence[ProjectId], version: str
) -> Release:
    """Return a release that some of these projects have.

    Raises:
        NotFound: None of them has it.
    """
    async with database.reading() as connection:
        release = await queries.find_release(connection, project_ids, version)
    if release is None:
        raise NotFound(f"there is no release `{version}`")
    return release


async def list_releases(
    database: Database,
    project_ids: Sequence[ProjectId],
    *,
    search: str,
    first: int,
    limit: int,
) -> list[Release]:
    """Return releases of some projects, those first that were heard of last.

    Args:
        database: The database with the releases.
        project_ids: The projects.
        search: A part of their versions; empty for all.
        first: Number of releases to skip.
        limit: The most releases that are returned.
    """
    since = (clock.now() - _WITH_SESSIONS_FOR).date()
    async with database.reading() as connection:
        return await queries.list_releases(
            connection, project_ids, since=since, search=search, first=first, limit=limit
        )


async def delete_release(
    database: Database, project_ids: Sequence[ProjectId], version: str, *, token_name: str
) -> None:
    """Delete what build servers said about a release.

    Raises:
        NotFound: None of the projects has it.
        InvalidInput: It is known from its sessions alone, which retention deletes.
    """
    async with database.transaction() as connection:
        if await queries.find_release(connection, project_ids, version) is None:
            raise NotFound(f"there is no release `{version}`")
        deleted = [
            project_id
            for project_id in project_ids
            if await writes.delete_release(connection, project_id, version)
        ]
        if not deleted:
            raise InvalidInput(
                "this release has sessions and nothing else; they go when the project's rules say"
            )
        for project_id in deleted:
            await _add_audit_line(
                connection, Action.RELEASE_DELETED, project_id, version, {"token": token_name}
            )


async def read_commits(
    database: Database, project_ids: Sequence[ProjectId], version: str
) -> list[Commit]:
    """Return the commits of a release, the newest first; empty if nobody has reported any."""
    async with database.reading() as connection:
        return await queries.list_commits(connection, project_ids, version)


async def read_deploys(
    database: Database, project_ids: Sequence[ProjectId], version: str
) -> list[Deploy]:
    """Return the 100 latest deploys of a release, the latest first."""
    async with database.reading() as connection:
        return await queries.list_deploys(connection, project_ids, version)


async def add_deploy(
    database: Database,
    project_ids: Sequence[ProjectId],
    version: str,
    new_deploy: NewDeploy,
    *,
    token_name: str,
) -> Deploy:
    """Add a deploy of a release to those of some projects that have it.

    Returns:
        The deploy in the first of the projects.

    Raises:
        NotFound: None of the projects has the release.
        InvalidInput: The release has too many deploys.
    """
    async with database.transaction() as connection:
        release = await queries.find_release(connection, project_ids, version)
        if release is None:
            raise NotFound(f"there is no release `{version}`; make it with `releases new` first")
        deploys = []
        for project_id in release.project_ids:
            # Of a release that is known from its sessions, this makes the row that deploys need.
            await writes.change_release(connection, project_id, version, ReleaseChange())
            deploys.append(
                await writes.add_deploy(
                    connection,
                    project_id,
                    version,
                    environment=new_deploy.environment,
                    name=new_deploy.name,
                    url=new_deploy.url,
                    started_at=new_deploy.started_at,
                    finished_at=new_deploy.finished_at or clock.now(),
                )
            )
            detail: ActionDetail = {
                "token": token_name,
                "environment": new_deploy.environment,
            }
            await _add_audit_line(connection, Action.DEPLOY_ADDED, project_id, version, detail)
    return deploys[0]


def _describe_change(change: ReleaseChange) -> dict[str, int | bool]:
    facts: dict[str, int | bool] = {}
    if change.released_at is not None:
        facts["released"] = True
    if change.commits:
        facts["commits"] = len(change.commits)
    if change.is_archived is not None:
        facts["archived"] = change.is_archived
    return facts


async def _add_audit_line(
    connection: AsyncConnection,
    action: Action,
    project_id: ProjectId,
    version: str,
    detail: ActionDetail,
) -> None:
    await audit.add_audit_line(
        connection,
        action,
        person_id=None,
        project_id=project_id,
        subject=version,
        detail=detail,
    )
