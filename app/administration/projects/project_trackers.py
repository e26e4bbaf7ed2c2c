"""Lists, adds, changes and deletes the trackers of a project."""

from collections.abc import Mapping
from typing import Final

from app.administration.projects.record_action import record_action
from app.audit.model import Action
from app.core.errors import InvalidInput
from app.db.engine import Database
from app.memberships.model import ProjectAccess, Role
from app.projects import trackers
from app.projects.trackers import MOST_TRACKERS, Tracker, TrackerKind, TrackerSettings
from app.reports.tickets.templates import DEFAULT_BODY, DEFAULT_TITLE, check_template
from app.reports.tickets.trackers import read_jira_number, read_tracker_address

_NAME_CHARS: Final = 60
TRACKER_NAMES: Final = {
    TrackerKind.GITHUB: "GitHub",
    TrackerKind.GITLAB: "GitLab",
    TrackerKind.JIRA: "Jira",
    TrackerKind.LINEAR: "Linear",
}


def read_tracker_form(fields: Mapping[str, str]) -> TrackerSettings:
    """Read the form of a tracker.

    Args:
        fields: `kind`, `address`, and perhaps `name`, `title`, `body`, `jira_project`, `jira_type`.

    Raises:
        InvalidInput: A field has a value that cannot be used.
    """
    try:
        kind = TrackerKind(fields.get("kind", ""))
    except ValueError:
        raise InvalidInput("choose a kind of tracker") from None
    name = fields.get("name", "").strip() or TRACKER_NAMES[kind]
    if len(name) > _NAME_CHARS:
        raise InvalidInput(f"the name of a tracker has {_NAME_CHARS} characters at most")
    is_jira = kind is TrackerKind.JIRA
    return TrackerSettings(
        kind=kind,
        name=name,
        address=read_tracker_address(kind, fields.get("address", "")),
        title_template=check_template(fields.get("title", DEFAULT_TITLE), name="title"),
        body_template=check_template(fields.get("body", DEFAULT_BODY), name="text"),
        jira_project=read_jira_number("project", fields.get("jira_project", "")) if is_jira else "",
        jira_type=read_jira_number("issue type", fields.get("jira_type", "")) if is_jira else "",
    )


async def list_project_trackers(database: Database, access: ProjectAccess) -> list[Tracker]:
    """List the trackers of a project for an admin of it.

    Raises:
        PermissionDenied: The person is not an admin of the project.
    """
    access.require_role(Role.ADMIN)
    async with database.reading() as connection:
        return await trackers.list_trackers(connection, access.project.id)


async def add_project_tracker(
    database: Database, access: ProjectAccess, fields: Mapping[str, str]
) -> None:
    """Add a tracker to a project.

    Raises:
        InvalidInput: A field has a value that cannot be used, or there are too many trackers.
        PermissionDenied: The person is not an admin of the project.
    """
    access.require_role(Role.ADMIN)
    settings = read_tracker_form(fields)
    async with database.transaction() as connection:
        is_added = await trackers.add_tracker(
            connection, access.project.id, settings, person_id=access.person.id
        )
        if not is_added:
            raise InvalidInput(f"a project has {MOST_TRACKERS} trackers at most")
        await record_action(
            connection, access, Action.TRACKER_ADDED, detail={"kind": settings.kind.value}
        )


async def change_project_tracker(
    database: Database, access: ProjectAccess, tracker_id: int, fields: Mapping[str, str]
) -> None:
    """Change a tracker of a project.

    Raises:
        InvalidInput: A field has a value that cannot be used.
        NotFound: The project has no such tracker.
        PermissionDenied: The person is not an admin of the project.
    """
    access.require_role(Role.ADMIN)
    settings = read_tracker_form(fields)
    async with database.transaction() as connection:
        await trackers.change_tracker(connection, access.project.id, tracker_id, settings)
        detail = {"id": tracker_id, "kind": settings.kind.value}
        await record_action(connection, access, Action.TRACKER_CHANGED, detail=detail)


async def delete_project_tracker(
    database: Database, access: ProjectAccess, tracker_id: int
) -> None:
    """Delete a tracker of a project; tickets that are kept stay.

    Raises:
        NotFound: The project has no such tracker.
        PermissionDenied: The person is not an admin of the project.
    """
    access.require_role(Role.ADMIN)
    async with database.transaction() as connection:
        await trackers.delete_tracker(connection, access.project.id, tracker_id)
        await record_action(connection, access, Action.TRACKER_DELETED, detail={"id": tracker_id})
