"""The pictures of a project that messages show: how many of them open, and an end to all."""

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import PersonId, ProjectId
from app.replays.sharing.model import ShareKind
from app.replays.sharing.tables import replay_shares


async def count_open_pictures(connection: AsyncConnection, project_id: ProjectId) -> int:
    """Count the pictures of a project that still open."""
    query = select(func.count()).select_from(replay_shares).where(_is_open(project_id))
    return await connection.scalar(query) or 0


async def revoke_pictures(
    connection: AsyncConnection, project_id: ProjectId, *, person_id: PersonId
) -> int:
    """Take back all pictures of a project; returns how many there were that still opened."""
    revoked = await connection.execute(
        update(replay_shares)
        .where(_is_open(project_id))
        .values(revoked_at=func.now(), revoked_by=person_id)
    )
    return revoked.rowcount


def _is_open(project_id: ProjectId) -> ColumnElement[bool]:
    return and_(
        replay_shares.c.project_id == project_id,
        replay_shares.c.kind == ShareKind.PICTURE.value,
        replay_shares.c.revoked_at.is_(None),
        replay_shares.c.expires_at > func.now(),
    )
