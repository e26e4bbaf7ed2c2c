"""Hands out the poster of a replay for a message: one picture, with an end, that can be taken back.

    token = await hand_out_picture(connection, key)
    address = base_url + share_urls.message_picture(token)

Each picture has a row of its own. It stops answering when its time is over, when somebody takes it
back, when the project hands out nothing any more, and when its replay is deleted.
"""

from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.audit import writes as audit
from app.audit.model import Action
from app.core import clock
from app.replays.model import ReplayKey
from app.replays.sharing import writes
from app.replays.sharing.model import NOTE_CHARS, ShareKind, ShareTerms
from app.replays.sharing.tokens import new_share_token

PICTURE_LASTS: Final = timedelta(days=7)
"""So long a picture answers; the link to the replay beside it asks for an account anyway."""


async def hand_out_picture(connection: AsyncConnection, key: ReplayKey, *, note: str = "") -> str:
    """Hand out the poster of a replay, and write it into the log.

    Args:
        connection: The transaction of the caller. It holds the lock of the replay until it ends,
            so a deletion waits for it.
        key: The replay.
        note: What it is for, for the list of what was handed out.

    Returns:
        The token for the address of the picture. It is stored nowhere but as a hash.

    Raises:
        NotFound: There is no such replay, or it is being deleted.
    """
    token = new_share_token()
    share = await writes.add_share(
        connection,
        key,
        ShareKind.PICTURE,
        ShareTerms(note=note[:NOTE_CHARS]),
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
