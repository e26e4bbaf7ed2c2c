"""Actions on the replays that somebody selects in the list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.accounts.model import Person
from app.audit import writes as audit
from app.core import clock
from app.core.errors import NotFound
from app.db.engine import Database
from app.memberships import queries as memberships
from app.memberships.model import Role
from app.playback.listed_replays import ListedReplay, describe_replays
from app.projects.model import Project
from app.replays import queries as replays
from app.replays.model import ReplayKey


@dataclass(frozen=True, slots=True)
class SelectedReplays:
    """The replays that somebody has selected and that are still here."""

    read_at: datetime
    replays: tuple[ListedReplay, ...]
    projects: tuple[Project, ...]
    """All projects that the person may see."""


async def mark_replays_seen(database: Database, person: Person, keys: Sequence[ReplayKey]) -> None:
    """Mark replays as seen by a person.

    Raises:
        NotFound: One is in a project that the person may not see.
    """
    async with database.transaction() as connection:
        project_ids = {key.project_id for key in keys}
        await memberships.check_role_in(connection, person, project_ids, role=Role.VIEWER)
        marks = [(key.project_id, key.replay_id) for key in keys]
        await audit.mark_seen(connection, person.id, marks)


async def read_replays_to_delete(
    database: Database, person: Person, keys: Sequence[ReplayKey]
) -> SelectedReplays:
    """Read the replays that a person is about to delete.

    Raises:
        NotFound: One is in a project where the person may not delete, or all are gone.
    """
    return await read_selected_replays(database, person, keys, role=Role.MEMBER)


async def read_selected_replays(
    database: Database, person: Person, keys: Sequence[ReplayKey], *, role: Role
) -> SelectedReplays:
    """Read the replays that a person is about to do something with.

    Raises:
        NotFound: One is in a project where the person has not the role, or all are gone.
    """
    async with database.reading() as connection:
        project_ids = {key.project_id for key in keys}
        await memberships.check_role_in(connection, person, project_ids, role=role)
        found = await replays.read_replays(connection, keys)
        if not found:
            raise NotFound("all of these replays are deleted already")
        listed = await memberships.list_projects(connection, person)
        described = await describe_replays(
            connection, found, person_id=person.id, readable=[project.id for project in listed]
        )
    return SelectedReplays(clock.now(), tuple(described), tuple(listed))
