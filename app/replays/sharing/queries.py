"""Reads shares; the caller has checked who may see them."""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.errors import NotFound
from app.core.ids import PersonId, ProjectId, ReplayId
from app.core.replay.replay_range import ReplayRange
from app.replays.model import ReplayKey
from app.replays.sharing.model import Share, ShareKind, SharePanel, ShareTerms
from app.replays.sharing.tables import replay_shares
from app.replays.sharing.tokens import hash_share_token

VISIT: Final = timedelta(hours=1)
"""The time after a view in which further requests of the same visitor belong to that view."""

_share: Final = replay_shares.c
SHARE_COLUMNS: Final = tuple(column for column in _share if column is not _share.token_sha256)
"""The columns of a share that are read: all except the hash of its token."""
# Postgres's clock, so that all processes agree about when a share ends.
_IS_OPEN: Final = _share.revoked_at.is_(None) & (_share.expires_at > func.now())


async def find_share(connection: AsyncConnection, token: str, kind: ShareKind) -> Share | None:
    """Return the share of a kind with a token, also one that has ended; None if there is none."""
    rows = await connection.execute(
        select(*SHARE_COLUMNS).where(
            _share.token_sha256 == hash_share_token(token), _share.kind == kind.value
        )
    )
    row = rows.first()
    return None if row is None else read_share_row(row)


async def get_share(connection: AsyncConnection, key: ReplayKey, share_id: int) -> Share:
    """Return a share of a replay.

    Raises:
        NotFound: The replay has no such share.
    """
    rows = await connection.execute(
        select(*SHARE_COLUMNS).where(_share.id == share_id, *_is_of(key))
    )
    row = rows.first()
    if row is None:
        raise NotFound("this replay has no such share")
    return read_share_row(row)


async def list_shares_of_replay(
    connection: AsyncConnection, key: ReplayKey, *, limit: int = 200
) -> list[Share]:
    """Return the shares of a replay: those that are open first, then the newest first."""
    rows = await connection.execute(
        select(*SHARE_COLUMNS)
        .where(*_is_of(key))
        .order_by(_IS_OPEN.desc(), _share.id.desc())
        .limit(limit)
    )
    return [read_share_row(row) for row in rows]


async def count_open_shares(connection: AsyncConnection, key: ReplayKey, kind: ShareKind) -> int:
    """Count the shares of a replay that are open."""
    query = select(func.count()).where(*_is_of(key), _share.kind == kind.value, _IS_OPEN)
    return await connection.scalar(query) or 0


def read_share_row(row: Row[Any]) -> Share:
    """Turn a row that has `SHARE_COLUMNS` into a share."""
    return Share(
        id=row.id,
        key=ReplayKey(ProjectId(row.project_id), ReplayId(row.replay_id)),
        kind=ShareKind(row.kind),
        terms=ShareTerms(
            range=None if row.from_ms is None else ReplayRange(row.from_ms, row.to_ms),
            zero_at_ms=row.zero_at_ms,
            # A newer release may have panels that this one does not know.
            panels=frozenset(SharePanel(name) for name in row.panels if name in set(SharePanel)),
            shows_bodies=row.shows_bodies,
            frame_origins=tuple(row.frame_origins),
            note=row.note,
        ),
        made_by=None if row.made_by is None else PersonId(row.made_by),
        made_at=row.made_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        revoked_by=None if row.revoked_by is None else PersonId(row.revoked_by),
        views=row.views,
        viewed_at=row.viewed_at,
    )


def _is_of(key: ReplayKey) -> tuple[Any, Any]:
    return (_share.project_id == key.project_id, _share.replay_id == key.replay_id)
