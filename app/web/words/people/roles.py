"""The roles in a project, in words: what each may do, beside every choice of one."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from app.memberships.model import Role


@dataclass(frozen=True, slots=True)
class RoleOption:
    """A role to choose, and what it may do."""

    role: Role
    name: str
    may: str
    """What somebody with this role may do; a sentence or two."""
    is_selected: bool = False


ROLE_WORDS: Final = {
    Role.OWNER: "Everything an admin may; also makes others owners, and deletes the project. A "
    "project always keeps one.",
    Role.ADMIN: "Everything a member may; also manages members, keys, tokens, rules and settings, "
    "erases people's data, sets legal holds, deletes issues, and sees the log and quarantined "
    "envelopes.",
    Role.MEMBER: "Everything a viewer may; also makes share links, which show a replay to people "
    "without an account, and clips; resolves and ignores issues, notes tickets, downloads attached "
    "files, uploads debug files, and pins and deletes replays.",
    Role.VIEWER: "Watches replays and reads issues, traces, logs and feedback. Changes nothing.",
}
SERVER_ADMIN: Final = (
    "Has the rights of an owner in every project, adds people and projects, and sees the "
    "state of the server."
)


def describe_roles(
    roles: Iterable[Role], *, selected: Role = Role.VIEWER
) -> tuple[RoleOption, ...]:
    """Describe roles to choose from, the one with the least rights first."""
    order = tuple(Role)
    return tuple(
        RoleOption(role, role.capitalize(), ROLE_WORDS[role], is_selected=role is selected)
        for role in sorted(roles, key=order.index, reverse=True)
    )
