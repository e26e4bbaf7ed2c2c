"""Lists the open shares of a project, and revokes all of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.accounts import queries as accounts
from app.audit import writes as audit
from app.audit.model import Action
from app.core.ids import PersonId
from app.db.engine import Database
from app.db.lists import ListCursor, ListPage, PageRequest, RowRun, read_page
from app.memberships.model import ProjectAccess, Role
from app.replays import queries as replays
from app.replays.model import Replay, ReplayKey
from app.replays.sharing import open_shares
from app.replays.sharing.model import Share, ShareKind
from app.replays.sharing.open_shares import NEWEST_SHARES
from app.sharing.make_share import note_revoked_share

PAGE_SHARES: Final = 50
_MOST_NAMED: Final = 500
"""The most shares that have a line of their own in the log when all are revoked."""


@dataclass(frozen=True, slots=True)
class ProjectShares:
    """The open shares of a project."""

    links: ListPage[Share]
    """A page of its open share links, the newest first."""
    link_count: int
    """The number of open share links on all pages."""
    picture_count: int
    """The number of pictures in messages that can still be opened."""
    replays: Mapping[ReplayKey, Replay]
    """The replays that the links of this page show."""
    names: Mapping[PersonId, str]
    """The names of those who made them and still have an account."""


async def read_project_shares(
    database: Database, access: ProjectAccess, request: PageRequest
) -> ProjectShares:
    """Read the open shares of a project.

    Args:
        database: The database to read.
        access: The person who asks, and the project.
        request: The page of its share links.

    Raises:
        PermissionDenied: The person is not an admin of the project.
    """
    access.require_role(Role.ADMIN)
    project_id = access.project.id
    async with database.reading() as connection:

        async def read_run(
            cursor: ListCursor | None, *, is_backward: bool, limit: int
        ) -> RowRun[Share]:
            return await open_shares.list_open_shares(
                connection,
                project_id,
                ShareKind.LINK,
                cursor,
                is_backward=is_backward,
                limit=limit,
            )

        links = await read_page(request, read_run, key_of=NEWEST_SHARES.key_of, limit=PAGE_SHARES)
        keys = dict.fromkeys(share.key for share in links.rows)
        makers = {share.made_by for share in links.rows if share.made_by is not None}
        return ProjectShares(
            links,
            await open_shares.count_project_shares(connection, project_id, ShareKind.LINK),
            await open_shares.count_project_shares(connection, project_id, ShareKind.PICTURE),
            {replay.key: replay for replay in await replays.read_replays(connection, list(keys))},
            await accounts.read_person_names(connection, sorted(makers)),
        )


async def revoke_project_shares(database: Database, access: ProjectAccess, kind: ShareKind) -> int:
    """Revoke all shares of a kind in a project.

    Returns:
        The number of shares that were open and are revoked now.

    Raises:
        PermissionDenied: The person is not an admin of the project.
    """
    access.require_role(Role.ADMIN)
    async with database.transaction() as connection:
        revoked = await open_shares.revoke_project_shares(
            connection, access.project.id, kind, person_id=access.person.id
        )
        for share in revoked[:_MOST_NAMED]:
            # The same line as by its own button, so that the log of its replay has it.
            await note_revoked_share(connection, share, person_id=access.person.id)
        if further := len(revoked[_MOST_NAMED:]):
            await audit.add_audit_line(
                connection,
                Action.SHARE_REVOKED,
                person_id=access.person.id,
                project_id=access.project.id,
                subject=None,
                detail={"what": kind.value, "further_shares": further},
            )
    return len(revoked)
