"""Hands out a picture of a replay for a message, with an end, so that it can be taken back.

It shows the moment that the message is about, or else the poster of the replay.

    token = await hand_out_picture(connection, key)
    address = base_url + share_urls.message_picture(token)

Each picture has a row of its own. It can no longer be opened when its time is over, when somebody
revokes it, when the project does not allow shares any more, and when its replay is deleted.
"""

from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.audit import writes as audit
from app.audit.model import Action
from app.core import clock
from app.core.replay.replay_range import ReplayRange
from app.replays.model import ReplayKey
from app.replays.sharing import writes
from app.replays.sharing.model import NOTE_CHARS, ShareKind, ShareTerms
from app.replays.sharing.tokens import new_share_token

PICTURE_LASTS: Final = timedelta(days=7)
"""The time for which a picture can be opened; the link beside it needs an account anyway."""


async def hand_out_picture(
    connection: AsyncConnection, key: ReplayKey, *, note: str = "", moment_at_ms: int | None = None
) -> str:
    """Hand out a picture of a replay, and write it into the log.

    Args:
        connection: The transaction of the caller. It holds the lock of the replay until it ends,
            so a deletion waits for it.
        key: The replay.
        note: What it is for, for the list of what was handed out.
        moment_at_ms: The moment that it shows, in milliseconds since 1970; None for the poster.

    Returns:
        The token for the address of the picture, of which only a hash is stored.

    Raises:
        NotFound: There is no such replay, or it is being deleted.
    """
    token = new_share_token()
    share = await writes.add_share(
        connection,
        key,
        ShareKind.PICTURE,
        _make_terms(note, moment_at_ms),
        token=token,
        made_by=None,
        expires_at=clock.now() + PICTURE_LASTS,
    )
    await audit.add_audit_line(
        connection,
        Action.SHARE_MADE,
        person_id=None,
        project_id=key.project_id,
        subject=key.replay_id,
        detail={"share": share.id, "what": ShareKind.PICTURE.value},
    )
    return token


def _make_terms(note: str, moment_at_ms: int | None) -> ShareTerms:
    """Make the terms of a picture: a moment is the shortest range, counted from the moment."""
    if moment_at_ms is None:
        return ShareTerms(note=note[:NOTE_CHARS])
    return ShareTerms(ReplayRange(0, 1), zero_at_ms=moment_at_ms, note=note[:NOTE_CHARS])
