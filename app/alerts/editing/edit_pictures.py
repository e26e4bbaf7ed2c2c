"""Reads and changes the setting whether messages of a project show pictures of its replays."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from app.alerts.editing.scope import AlertScope
from app.audit.model import Action
from app.core.errors import NotFound
from app.db.engine import Database
from app.projects import queries as projects, writes as project_writes
from app.replays.sharing.model import ShareKind
from app.replays.sharing.open_shares import count_project_shares, revoke_project_shares


@dataclass(frozen=True, slots=True)
class PictureSetting:
    """The setting for pictures in messages of a project, and how many can still be opened."""

    is_on: bool
    allows_shares: bool
    """False if the project does not allow shares, which include pictures in messages."""
    open_pictures: int


async def read_picture_setting(
    connection: AsyncConnection, scope: AlertScope
) -> PictureSetting | None:
    """Return the setting of a project; None for the server, whose messages name no replay."""
    if scope.project_id is None:
        return None
    project = await projects.get_project(connection, scope.project_id)
    return PictureSetting(
        project.alerts_show_pictures,
        project.allows_shares,
        await count_project_shares(connection, scope.project_id, ShareKind.PICTURE),
    )


async def set_pictures(database: Database, scope: AlertScope, *, is_on: bool) -> None:
    """Let messages show pictures from now on, or revoke all that were handed out.

    Raises:
        NotFound: It is the server, whose messages name no replay.
    """
    if scope.project_id is None:
        raise NotFound("messages of the server show no pictures")
    async with database.transaction() as connection:
        await project_writes.set_alerts_show_pictures(connection, scope.project_id, is_on=is_on)
        revoked = (
            []
            if is_on
            else await revoke_project_shares(
                connection, scope.project_id, ShareKind.PICTURE, person_id=scope.person.id
            )
        )
        await scope.record(
            connection,
            Action.ALERT_PICTURES_CHANGED,
            scope.project_id,
            {"on": is_on, **({"revoked": len(revoked)} if revoked else {})},
        )
