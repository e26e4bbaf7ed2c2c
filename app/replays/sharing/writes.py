"""Writes of shares; the caller commits."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.errors import NotFound
from app.core.ids import PersonId
from app.replays import locks, queries as replays
from app.replays.model import ReplayKey
from app.replays.sharing.model import Share, ShareKind, ShareTerms
from app.replays.sharing.queries import SHARE_COLUMNS, VISIT, read_share_row
from app.replays.sharing.tables import replay_shares, share_visits
from app.replays.sharing.tokens import hash_share_token

_LISTED_FOR: Final = timedelta(days=30)
"""The time for which a share is listed after its end; the log keeps its actions for longer."""


async def add_share(
    connection: AsyncConnection,
    key: ReplayKey,
    kind: ShareKind,
    terms: ShareTerms,
    *,
    token: str,
    made_by: PersonId | None,
    expires_at: datetime,
) -> Share:
    """Add a share; its token is not stored.

    Raises:
        NotFound: There is no such replay, or it is being deleted.
    """
    # The lock waits for a deletion under way, whose tombstone is then visible.
    if await locks.lock_for_adding(connection, [key]):
        raise NotFound("no such replay")
    if await replays.find_replay(connection, key) is None:
        raise NotFound("no such replay")
    rows = await connection.execute(
        insert(replay_shares)
        .values(
            token_sha256=hash_share_token(token),
            project_id=key.project_id,
            replay_id=key.replay_id,
            kind=kind.value,
            from_ms=terms.range.from_ms if terms.range else None,
            to_ms=terms.range.to_ms if terms.range else None,
            zero_at_ms=terms.zero_at_ms,
            panels=sorted(terms.panels),
            shows_bodies=terms.shows_bodies,
            frame_origins=list(terms.frame_origins),
            note=terms.note,
            made_by=made_by,
            expires_at=expires_at,
        )
        .returning(*SHARE_COLUMNS)
    )
    return read_share_row(rows.one())


async def revoke_share(
    connection: AsyncConnection, key: ReplayKey, share_id: int, *, person_id: PersonId | None
) -> Share | None:
    """Revoke a share; it is closed to everybody as soon as the caller commits.

    Returns:
        The share; None if it was revoked before.

    Raises:
        NotFound: The replay has no such share.
    """
    columns = replay_shares.c
    is_it = (
        columns.id == share_id,
        columns.project_id == key.project_id,
        columns.replay_id == key.replay_id,
    )
    rows = await connection.execute(
        update(replay_shares)
        .where(*is_it, columns.revoked_at.is_(None))
        .values(revoked_at=func.now(), revoked_by=person_id)
        .returning(*SHARE_COLUMNS)
    )
    row = rows.first()
    if row is not None:
        await connection.execute(delete(share_visits).where(share_visits.c.share_id == share_id))
        return read_share_row(row)
    if await connection.scalar(select(columns.id).where(*is_it)) is None:
        raise NotFound("this replay has no such share")
    return None


async def note_visit(
    connection: AsyncConnection, share_id: int, visitor: bytes, *, is_opening: bool
) -> bool:
    """Count a view of a share, unless it belongs to one that the visitor began within an hour.

    Args:
        connection: The transaction of the caller.
        share_id: The share.
        visitor: The hash of the visitor (`tokens.hash_visitor`).
        is_opening: True if the page itself is opened, which is a view each time.

    Returns:
        True if a view was counted; False also if the share no longer exists.
    """
    # The share is locked before its visits, in the same order as by revoking and by deletion.
    locked = select(replay_shares.c.id).where(replay_shares.c.id == share_id)
    if await connection.scalar(locked.with_for_update(key_share=True)) is None:
        return False
    visit = share_visits.c
    noted = (
        upsert(share_visits)
        .values(share_id=share_id, visitor_sha256=visitor, visited_at=func.now())
        .on_conflict_do_update(
            index_elements=[visit.share_id, visit.visitor_sha256],
            set_={"visited_at": func.now()},
            where=None if is_opening else visit.visited_at < func.now() - VISIT,
        )
        .returning(visit.share_id)
    )
    if await connection.scalar(noted) is None:
        return False
    await connection.execute(
        update(replay_shares)
        .where(replay_shares.c.id == share_id)
        .values(views=replay_shares.c.views + 1, viewed_at=func.now())
    )
    return True


async def delete_old_shares(connection: AsyncConnection) -> int:
    """Delete old visits, and shares that ended long ago; return the number of these shares."""
    share = replay_shares.c
    await connection.execute(
        delete(share_visits).where(share_visits.c.visited_at < func.now() - VISIT)
    )
    before = func.now() - _LISTED_FOR
    deleted = await connection.execute(
        delete(replay_shares).where(or_(share.expires_at < before, share.revoked_at < before))
    )
    return deleted.rowcount
