"""Finds the grant of a token with each request, so that a revoked link ends at once.

token ─► hash ─► row of the share ─┬─ unknown: 404
                                   ├─ expired, taken back, switched off: 410 and why
                                   └─ open: ShareGrant ─► its replay, or 404
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.errors import ExpiredData
from app.db.engine import Database
from app.projects import queries as projects
from app.projects.model import Project
from app.replays import queries as replays
from app.replays.model import Replay
from app.replays.sharing import queries
from app.replays.sharing.model import Share, ShareGrant, ShareKind
from app.replays.sharing.tokens import has_share_form

_ASK: Final = "Whoever sent it to you can make another one"


@dataclass(frozen=True, slots=True)
class OpenedShare:
    """An open share, and the replay that it shows."""

    grant: ShareGrant
    project: Project
    replay: Replay


async def open_share(database: Database, token: str, kind: ShareKind) -> OpenedShare:
    """Find the share and the replay that a token opens.

    Args:
        database: The database to read.
        token: The token in the address, which may be any text.
        kind: The kind of share that the address is for; a token of another kind opens nothing.

    Raises:
        NotFound: No share has this token, or its replay is gone.
        ExpiredData: The share has ended, or its project does not allow shares any more.
    """
    if not has_share_form(token):
        raise _describe_unknown()
    async with database.reading() as connection:
        share = await queries.find_share(connection, token, kind)
        if share is None:
            raise _describe_unknown()
        return await _open_share(connection, share)


async def _open_share(connection: AsyncConnection, share: Share) -> OpenedShare:
    match share.find_state(now=clock.now()):
        case "revoked":
            raise ExpiredData("This link was taken back", f"It shows nothing any more. {_ASK}")
        case "expired":
            raise ExpiredData(
                "This link has expired", f"It worked until {share.expires_at:%-d %b %Y}. {_ASK}"
            )
        case "open":
            pass
    project = await projects.get_project(connection, share.key.project_id)
    is_picture = share.kind is ShareKind.PICTURE
    # Read each time: a message may be leaving while an admin switches pictures off.
    if not project.allows_shares or (is_picture and not project.alerts_show_pictures):
        raise ExpiredData(
            "This link is switched off",
            "Share links of this app answer nobody at the moment. Ask whoever sent it to you",
        )
    replay = await replays.find_replay(connection, share.key)
    if replay is None:
        raise _describe_unknown()
    terms = share.terms
    grant = ShareGrant(
        share_id=share.id,
        key=share.key,
        range=terms.range,
        zero_at_ms=terms.zero_at_ms,
        panels=terms.panels,
        # A stranger never sees what viewers of the project may not.
        shows_bodies=terms.shows_bodies and project.viewers_see_bodies,
        frame_origins=terms.frame_origins,
        expires_at=share.expires_at,
    )
    return OpenedShare(grant, project, replay)


def _describe_unknown() -> ExpiredData:
    """Make one error for unknown tokens and for deleted replays, so that it tells nothing."""
    return ExpiredData(
        "There is nothing at this address",
        "The link is not complete, or what it showed was deleted",
        status=404,
    )
