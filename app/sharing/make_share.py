"""Makes share links of replays, and revokes them."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.audit import writes as audit
from app.audit.model import Action
from app.core import clock
from app.core.errors import InvalidInput
from app.core.ids import PersonId
from app.db import text
from app.db.engine import Database
from app.memberships.model import ProjectAccess, Role
from app.playback.visit.reader import ReplayReader
from app.replays.model import ReplayKey
from app.replays.sharing import queries, writes
from app.replays.sharing.model import (
    MOST_SHARES,
    NOTE_CHARS,
    SHARE_DAYS,
    Share,
    ShareKind,
    SharePanel,
    ShareTerms,
)
from app.replays.sharing.tokens import new_share_token

_NOTE_BYTES: Final = 4 * NOTE_CHARS


@dataclass(frozen=True, slots=True)
class MadeShare:
    """A share that was just made, with its token, which cannot be read again later."""

    share: Share
    token: str


async def make_share(
    reader: ReplayReader, access: ProjectAccess, terms: ShareTerms, *, days: int
) -> MadeShare:
    """Make a link that shows a replay, or a part of it, to everybody who has the link.

    Args:
        reader: The person who hands it out, and the replay.
        access: Their role in its project.
        terms: The terms of the link; its range is on the player's clock of this moment.
        days: The number of days for which it is open, one of `SHARE_DAYS`.

    Raises:
        PermissionDenied: The person may only watch.
        InvalidInput: The project does not allow shares, the replay has too many open links, or the
            range or the days cannot be used.
        NotFound: There is no such replay.
    """
    access.require_role(Role.MEMBER)
    if not access.project.allows_shares:
        raise InvalidInput("an admin of this project has switched share links off")
    if days not in SHARE_DAYS:
        raise InvalidInput(f"a link is open for {_list_days()} days")
    context = await reader.find_context()
    outline = context.outline
    terms = replace(
        terms,
        range=terms.range.cut_to(outline.duration_ms) if terms.range else None,
        zero_at_ms=outline.zero_ms,
        shows_bodies=terms.shows_bodies
        and SharePanel.NETWORK in terms.panels
        and reader.key.project_id not in context.without_bodies,
        note=text.clean(terms.note.strip()[:NOTE_CHARS], limit_bytes=_NOTE_BYTES),
    )
    token = new_share_token()
    async with reader.db.transaction() as connection:
        count = await queries.count_open_shares(connection, reader.key, ShareKind.LINK)
        if count >= MOST_SHARES:
            raise InvalidInput(
                f"this replay has {count} open links, the most that are allowed; take one back"
            )
        share = await writes.add_share(
            connection,
            reader.key,
            ShareKind.LINK,
            terms,
            token=token,
            made_by=access.person.id,
            expires_at=clock.now() + timedelta(days=days),
        )
        await audit.add_audit_line(
            connection,
            Action.SHARE_MADE,
            person_id=access.person.id,
            project_id=reader.key.project_id,
            subject=reader.key.replay_id,
            detail={
                "share": share.id,
                "what": ShareKind.LINK.value,
                "days": days,
                "panels": " ".join(panel for panel in SharePanel if panel in terms.panels),
                "part": terms.range is not None,
                "bodies": terms.shows_bodies,
                "frames": " ".join(terms.frame_origins),
            },
        )
    return MadeShare(share, token)


async def revoke_share(
    database: Database, access: ProjectAccess, key: ReplayKey, share_id: int
) -> None:
    """Revoke a share, whoever has made it; revoking it twice changes nothing.

    Raises:
        PermissionDenied: The person may only watch.
        NotFound: The replay has no such share.
    """
    access.require_role(Role.MEMBER)
    async with database.transaction() as connection:
        share = await writes.revoke_share(connection, key, share_id, person_id=access.person.id)
        if share is None:
            return
        await note_revoked_share(connection, share, person_id=access.person.id)


async def note_revoked_share(
    connection: AsyncConnection, share: Share, *, person_id: PersonId
) -> None:
    """Add the line about a share that was just revoked to the log, by itself or with others."""
    await audit.add_audit_line(
        connection,
        Action.SHARE_REVOKED,
        person_id=person_id,
        project_id=share.key.project_id,
        subject=share.key.replay_id,
        detail={"share": share.id, "what": share.kind.value, "views": share.views},
    )


def _list_days() -> str:
    *most, last = map(str, SHARE_DAYS)
    return f"{', '.join(most)} or {last}"
