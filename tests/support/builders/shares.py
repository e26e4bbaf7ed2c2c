"""Hands replays out, past the forms."""

from datetime import timedelta

from app.core import clock
from app.db.engine import Database
from app.replays.model import ReplayKey
from app.replays.sharing import writes
from app.replays.sharing.model import Share, ShareKind, ShareTerms
from app.replays.sharing.tokens import new_share_token


async def make_share(
    database: Database,
    key: ReplayKey,
    terms: ShareTerms | None = None,
    *,
    token: str = "",
    kind: ShareKind = ShareKind.LINK,
) -> Share:
    """Hand a replay out for a day."""
    async with database.transaction() as connection:
        return await writes.add_share(
            connection,
            key,
            kind,
            terms or ShareTerms(),
            token=token or new_share_token(),
            made_by=None,
            expires_at=clock.now() + timedelta(days=1),
        )
