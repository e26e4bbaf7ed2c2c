"""Lists, counts and revokes the open shares of a project."""

from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    and_,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import PersonId, ProjectId
from app.db.lists import ListCursor, ListOrder, RowRun, cut_run
from app.replays.sharing.model import Share, ShareKind
from app.replays.sharing.queries import SHARE_COLUMNS, read_share_row
from app.replays.sharing.tables import replay_shares, share_visits

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
) -> list[Share]:
    """Revoke all open shares of a project, and return them, the oldest first."""
    # In one order, so that two people who do this at once do not wait for one another in a circle.
    locked = await connection.scalars(
        select(replay_shares.c.id)
        .where(_is_open(project_id, kind))
        .order_by(replay_shares.c.id)
        .with_for_update(key_share=True)
    )
    ids = list(locked)
    if not ids:
        return []
    is_locked = replay_shares.c.id == func.any(bindparam("ids", ids, ARRAY(BigInteger)))
    revoked = await connection.execute(
        update(replay_shares)
        .where(is_locked)
        .values(revoked_at=func.now(), revoked_by=person_id)
        .returning(*SHARE_COLUMNS)
    )
    shares = sorted(map(read_share_row, revoked), key=lambda share: share.id)
    await connection.execute(
        delete(share_visits).where(
            share_visits.c.share_id == func.any(bindparam("ids", ids, ARRAY(BigInteger)))
        )
    )
    return shares


def _is_open(project_id: ProjectId, kind: ShareKind) -> ColumnElement[bool]:
    return and_(
        replay_shares.c.project_id == project_id,
        replay_shares.c.kind == kind.value,
        replay_shares.c.revoked_at.is_(None),
        replay_shares.c.expires_at > func.now(),
    )
