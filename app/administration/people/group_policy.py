"""Maps groups of a sign-in provider to rights: who may sign in, and with which roles."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import writes as accounts
from app.accounts.model import Person, PersonOrigin
from app.audit import writes as audit
from app.audit.model import Action
from app.core.ids import ProjectId
from app.core.settings import Settings
from app.memberships.group_roles import apply_group_roles
from app.memberships.model import Role
from app.projects import queries as projects

_EVERY_PROJECT: Final = "*"


@dataclass(frozen=True, slots=True)
class GroupPolicy:
    """The groups that an operator has named."""

    allowed: frozenset[str] = frozenset()
    """Groups that may sign in and have no rights by that."""
    admins: frozenset[str] = frozenset()
    """Groups whose people are admins of the server."""
    roles: Mapping[str, Mapping[str, Role]] | None = None
    """The roles that each group gives, by project: a slug, an id, or `*` for all."""

    @property
    def needs_groups(self) -> bool:
        """Tell whether groups decide who may sign in; otherwise everybody may."""
        return bool(self.allowed or self.admins or self.roles)

    def admits(self, groups: Collection[str]) -> bool:
        """Tell whether somebody in these groups may sign in."""
        named = self.allowed | self.admins | set(self.roles or {})
        return not self.needs_groups or not named.isdisjoint(groups)


def read_group_policy(settings: Settings) -> GroupPolicy:
    """Read which groups an operator has named."""
    return GroupPolicy(
        frozenset(settings.oidc_allowed_groups),
        frozenset(settings.oidc_admin_groups),
        {
            group: {project: Role(role) for project, role in roles.items()}
            for group, roles in settings.oidc_project_roles.items()
        },
    )


async def apply_groups(
    connection: AsyncConnection, person: Person, groups: Collection[str], policy: GroupPolicy
) -> None:
    """Give a person exactly the rights that their groups stand for, besides those given by hand.

    Whoever was made an admin of the server by hand stays one: see `PersonOrigin`.
    """
    is_admin = not policy.admins.isdisjoint(groups)
    is_managed = bool(policy.admins) and person.origin is PersonOrigin.PROVIDER
    if is_managed and is_admin is not person.is_admin:
        await accounts.set_admin(connection, person.id, is_admin=is_admin)
        await audit.add_audit_line(
            connection,
            Action.PERSON_CHANGED,
            person_id=None,
            subject=str(person.id),
            detail={"by": "groups", "server_admin": is_admin},
        )
    roles = await _find_project_roles(connection, groups, policy)
    for change in await apply_group_roles(connection, person.id, roles):
        detail = {"by": "groups"}
        if change.role is not None:
            detail["role"] = change.role.value
        await audit.add_audit_line(
            connection,
            Action.MEMBER_REMOVED if change.role is None else Action.MEMBER_SET,
            person_id=None,
            project_id=change.project_id,
            subject=str(person.id),
            detail=detail,
        )


async def find_unknown_projects(connection: AsyncConnection, policy: GroupPolicy) -> list[str]:
    """Return the projects that an operator has named and that do not exist."""
    known = await _list_names(connection)
    named = {project for roles in (policy.roles or {}).values() for project in roles}
    return sorted(named - set(known) - {_EVERY_PROJECT})


async def _find_project_roles(
    connection: AsyncConnection, groups: Collection[str], policy: GroupPolicy
) -> dict[ProjectId, Role]:
    """Return the strongest role that groups give in each project."""
    given = [roles for group, roles in (policy.roles or {}).items() if group in groups]
    if not given:
        return {}
    names = await _list_names(connection)
    strongest: dict[ProjectId, Role] = {}
    for roles in given:
        for project, role in roles.items():
            for project_id in _find_projects(names, project):
                current = strongest.get(project_id)
                if current is None or role.includes(current):
                    strongest[project_id] = role
    return strongest


def _find_projects(names: Mapping[str, ProjectId], project: str) -> set[ProjectId]:
    if project == _EVERY_PROJECT:
        return set(names.values())
    return {names[project]} if project in names else set()


async def _list_names(connection: AsyncConnection) -> dict[str, ProjectId]:
    """Return all projects by their slugs and by their ids."""
    known = await projects.list_all_projects(connection)
    by_id = {str(project.id): project.id for project in known}
    return {**by_id, **{project.slug: project.id for project in known}}
