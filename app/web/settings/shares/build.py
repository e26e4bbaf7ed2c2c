"""Turns the open share links of a project into the values of their page."""

from collections.abc import Mapping
from typing import Final

from app.core.ids import PersonId, ProjectId
from app.db.lists import ListCursor
from app.memberships.model import ProjectAccess
from app.replays import naming
from app.replays.model import Replay
from app.replays.sharing.model import Share
from app.sharing.project_shares import ProjectShares
from app.web.frame import cursors
from app.web.settings.shares.page import OpenShareRow, OpenSharesPage
from app.web.urls import project_urls, replay_urls
from app.web.words.replay.clips import describe_range
from app.web.words.replay.shares import describe_panels

_GONE: Final = "somebody who has left"
_UNKNOWN_USER: Final = "Unknown user"


def build_open_shares_page(access: ProjectAccess, shares: ProjectShares) -> OpenSharesPage:
    """Build the page of the open shares of a project."""
    project = access.project
    return OpenSharesPage(
        project_id=project.id,
        name=project.name,
        is_switched_off=not project.allows_shares,
        rows=tuple(
            _build_row(share, shares.replays.get(share.key), shares.names)
            for share in shares.links.rows
        ),
        total=shares.link_count,
        pictures=shares.picture_count,
        back_href=_page_href(project.id, before=shares.links.back),
        next_href=_page_href(project.id, after=shares.links.next),
    )


def _build_row(share: Share, replay: Replay | None, names: Mapping[PersonId, str]) -> OpenShareRow:
    terms, (project_id, replay_id) = share.terms, share.key
    return OpenShareRow(
        user=(naming.name_user(replay.user) if replay else None) or _UNKNOWN_USER,
        replay_href=replay_urls.hand_on(project_id, replay_id),
        started_at=replay.started_at if replay else None,
        shows=f"{describe_range(terms.range).capitalize()}, {describe_panels(terms)}",
        frames=", ".join(terms.frame_origins),
        note=terms.note,
        maker=_GONE if share.made_by is None else names.get(share.made_by, _GONE),
        made_at=share.made_at,
        expires_at=share.expires_at,
        views=share.views,
        viewed_at=share.viewed_at,
        revoke_href=replay_urls.revoke_share(project_id, replay_id, share.id),
    )


def _page_href(
    project_id: ProjectId, *, after: ListCursor | None = None, before: ListCursor | None = None
) -> str | None:
    if after is None and before is None:
        return None
    return project_urls.open_shares(
        project_id,
        after=cursors.write_cursor(after) if after else "",
        before=cursors.write_cursor(before) if before else "",
    )
