"""Reads the activity log of a project: who watched its replays, and who changed what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.accounts import queries as accounts
from app.audit import queries as audit
from app.audit.model import AuditLine, ReplayView
from app.core.ids import PersonId
from app.db.engine import Database
from app.memberships.model import ProjectAccess, Role

PART_ROWS: Final = 50

_ABOUT_PEOPLE: Final = ("member_", "person_", "link_", "sign_in_ended")
"""Actions that begin so were done to a person."""


@dataclass(frozen=True, slots=True)
class ActivityLog:
    """A part of each of the two lists, the newest first."""

    views: Sequence[ReplayView]
    lines: Sequence[AuditLine]
    names: Mapping[PersonId, str]
    """The names of all people in the lists that still have an account."""
    older_views_before: int | None
    """The id of the view before which the next part begins; None if there is none."""
    older_lines_before: int | None


async def read_activity_log(
    database: Database,
    access: ProjectAccess,
    *,
    views_before: int | None = None,
    lines_before: int | None = None,
) -> ActivityLog:
    """Return a part of the activity log of a project.

    Args:
        database: Where to read.
        access: Who asks, and the project.
        views_before: Only views before the view with this id.
        lines_before: Only actions before the line with this id.

    Raises:
        PermissionDenied: The person is not an admin of the project.
    """
    access.require_role(Role.ADMIN)
    project_id = access.project.id
    async with database.reading() as connection:
        views = await audit.list_replay_views(
            connection, project_id, before_id=views_before, limit=PART_ROWS + 1
        )
        lines = await audit.list_audit_lines(
            connection, project_id=project_id, before_id=lines_before, limit=PART_ROWS + 1
        )
        names = await accounts.read_person_names(connection, _list_people(views, lines))
    return ActivityLog(
        views[:PART_ROWS],
        lines[:PART_ROWS],
        names,
        views[PART_ROWS - 1].id if len(views) > PART_ROWS else None,
        lines[PART_ROWS - 1].id if len(lines) > PART_ROWS else None,
    )


def person_acted_on(line: AuditLine) -> PersonId | None:
    """Return the person that something was done to; None if it was not done to a person."""
    is_about_person = line.action.startswith(_ABOUT_PEOPLE)
    return PersonId(int(line.subject)) if is_about_person and line.subject else None


def _list_people(views: Sequence[ReplayView], lines: Sequence[AuditLine]) -> list[PersonId]:
    actors = {line.person_id for line in lines if line.person_id}
    acted_on = {person_id for line in lines if (person_id := person_acted_on(line)) is not None}
    return sorted({view.person_id for view in views} | actors | acted_on)
