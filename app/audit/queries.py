"""Reads of the audit log, and of who has opened or seen replays."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import BigInteger, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.audit.model import VIEWERS_PER_PART, AuditLine, ReplayView, ReplayViewer
from app.audit.tables import audit_lines, view_log
from app.core.ids import PersonId, ProjectId, ReplayId
from app.db.types import Hex32

# Written as text: building the statement for each page took longer than running it.
_SEEN: Final = text(
    """
    select wanted.n
    from unnest(:project_ids, :replay_ids) with ordinality as wanted (project_id, replay_id, n)
    where exists (
        select from view_log v where v.person_id = :person_id
          and v.project_id = wanted.project_id and v.replay_id = wanted.replay_id
    ) or exists (
        select from seen_marks m where m.person_id = :person_id
          and m.project_id = wanted.project_id and m.replay_id = wanted.replay_id
    )
    """
).bindparams(
    bindparam("project_ids", type_=ARRAY(BigInteger)), bindparam("replay_ids", type_=ARRAY(Hex32))
)


async def list_audit_lines(
    connection: AsyncConnection,
    *,
    project_id: ProjectId | None = None,
    before_id: int | None = None,
    limit: int = 100,
) -> list[AuditLine]:
    """Return a page of the audit log, the newest line first.

    Args:
        connection: The connection to read with.
        project_id: Return only lines of this project; None for all lines, which only admins of
            the server may see.
        before_id: The id of the last line of the page before; None for the first page.
        limit: The most lines that are returned.
    """
    query = select(
        audit_lines.c.id,
        audit_lines.c.at,
        audit_lines.c.person_id,
        audit_lines.c.action,
        audit_lines.c.project_id,
        audit_lines.c.subject,
        audit_lines.c.detail,
    )
    if project_id is not None:
        query = query.where(audit_lines.c.project_id == project_id)
    if before_id is not None:
        query = query.where(audit_lines.c.id < before_id)
    rows = await connection.execute(query.order_by(audit_lines.c.id.desc()).limit(limit))
    return [AuditLine(**row) for row in rows.mappings()]


async def list_replay_views(
    connection: AsyncConnection,
    project_id: ProjectId,
    *,
    before_id: int | None = None,
    limit: int = 100,
) -> list[ReplayView]:
    """Return a page of a project's view log, the newest view first."""
    query = select(
        view_log.c.id,
        view_log.c.at,
        view_log.c.person_id,
        view_log.c.project_id,
        view_log.c.replay_id,
    ).where(view_log.c.project_id == project_id)
    if before_id is not None:
        query = query.where(view_log.c.id < before_id)
    rows = await connection.execute(query.order_by(view_log.c.id.desc()).limit(limit))
    return [ReplayView(**row) for row in rows.mappings()]


async def list_viewers(
    connection: AsyncConnection,
    project_id: ProjectId,
    replay_id: ReplayId,
    *,
    first: int = 0,
    limit: int = VIEWERS_PER_PART,
) -> list[ReplayViewer]:
    """Return who has opened a replay, the person who did so last first.

    Args:
        connection: The connection to read with.
        project_id: The project of the replay.
        replay_id: The replay.
        first: Number of people to skip.
        limit: The most people that are returned.
    """
    last_at = func.max(view_log.c.at).label("last_at")
    rows = await connection.execute(
        select(view_log.c.person_id, last_at)
        .where(view_log.c.project_id == project_id, view_log.c.replay_id == replay_id)
        .group_by(view_log.c.person_id)
        .order_by(last_at.desc(), view_log.c.person_id)
        .offset(first)
        .limit(limit)
    )
    return [ReplayViewer(PersonId(row.person_id), row.last_at) for row in rows]


async def count_viewers(
    connection: AsyncConnection, project_id: ProjectId, replay_id: ReplayId
) -> int:
    """Count the people who have opened a replay."""
    quantity = await connection.scalar(
        select(func.count(view_log.c.person_id.distinct())).where(
            view_log.c.project_id == project_id, view_log.c.replay_id == replay_id
        )
    )
    return quantity or 0


async def find_seen_replays(
    connection: AsyncConnection,
    person_id: PersonId,
    replays: Sequence[tuple[ProjectId, ReplayId]],
) -> set[tuple[ProjectId, ReplayId]]:
    """Return those of some replays that a person has opened, or marked as seen."""
    if not replays:
        return set()
    parameters = {
        "person_id": person_id,
        "project_ids": [project_id for project_id, _ in replays],
        "replay_ids": [replay_id for _, replay_id in replays],
    }
    return {replays[row.n - 1] for row in await connection.execute(_SEEN, parameters)}
