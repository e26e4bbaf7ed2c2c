"""Lists, counts and revokes the open shares of a project."""

from typing import Final

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import PersonId, ProjectId
from app.db.lists import ListCursor, ListOrder, RowRun, cut_run
from app.replays.sharing.model import Share, ShareKind
from app.replays.sharing.queries import SHARE_COLUMNS, read_share_row
from app.replays.sharing.tables import replay_shares

NEWEST_SHARES: Final = ListOrder[Share](
    "newest", lambda columns: (columns.id,), lambda share: (share.id,), (int,), is_indexed=True
)


async def list_open_shares(
    connection: AsyncConnection,
    project_id: ProjectId,
    kind: ShareKind,
    cursor: ListCursor | None,
    *,
    is_backward: bool,
    limit: int,
) -> RowRun[Share]:
    """Read the open shares of a project, the newest first, from a cursor on.

    Args:
        connection: The connection to read with.
        project_id: The project.
        kind: The kind of the shares.
        cursor: The place to read from; None for the beginning.
        is_backward: True to read towards the beginning.
        limit: The most shares that are returned.
    """
    query = select(*SHARE_COLUMNS).where(_is_open(project_id, kind))
    if cursor is not None:
        query = query.where(NEWEST_SHARES.is_past(replay_shares.c, cursor, is_backward=is_backward))
    query = NEWEST_SHARES.sort(query, replay_shares.c, is_backward=is_backward)
    rows = await connection.execute(query.limit(limit + 1))
    return cut_run([read_share_row(row) for row in rows], limit)


async def count_project_shares(
    connection: AsyncConnection, project_id: ProjectId, kind: ShareKind
) -> int:
    """Count the open shares of a project."""
    query = select(func.count()).select_from(replay_shares).where(_is_open(project_id, kind))
    return await connection.scalar(query) or 0


async def revoke_project_shares(
    connection: AsyncConnection, project_id: ProjectId, kind: ShareKind, *, person_id: PersonId
) -> int:
    """Revoke all open shares of a project, and return their number."""
    revoked = await connection.execute(
        update(replay_shares)
        .where(_is_open(project_id, kind))
        .values(revoked_at=func.now(), revoked_by=person_id)
    )
    return revoked.rowcount


def _is_open(project_id: ProjectId, kind: ShareKind) -> ColumnElement[bool]:
    return and_(
        replay_shares.c.project_id == project_id,
        replay_shares.c.kind == kind.value,
        replay_shares.c.revoked_at.is_(None),
        replay_shares.c.expires_at > func.now(),
    )
