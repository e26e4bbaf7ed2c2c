"""The frozen values that this package hands upward."""

from collections.abc import Iterable, Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from app.core.errors import InvalidInput
from app.core.ids import PersonId, ProjectId


class Scope(StrEnum):
    """A right of a token; the names are those that Sentry's clients know, where they have one."""

    PROJECT_READ = "project:read"
    """Read projects, releases and what was uploaded for them."""
    EVENT_READ = "event:read"
    """Read events."""
    RELEASES = "project:releases"
    """Make and finish releases, and say what was deployed."""
    UPLOAD = "upload"
    """Upload debug files, source maps and source bundles."""


SCOPE_GROUPS: Final[dict[str, frozenset[Scope]]] = {
    "read": frozenset({Scope.PROJECT_READ, Scope.EVENT_READ}),
    "upload": frozenset({Scope.RELEASES, Scope.UPLOAD}),
}
"""Short names of scopes that go together; people choose these. `upload` as the name of the one
scope means the group too, since an upload is of use only to releases."""


def read_scopes(names: Iterable[str]) -> frozenset[Scope]:
    """Read names of scopes and of groups of scopes.

    Raises:
        InvalidInput: A name is unknown, or there is none.
    """
    scopes: set[Scope] = set()
    for name in names:
        if name in SCOPE_GROUPS:
            scopes |= SCOPE_GROUPS[name]
        elif name in set(Scope):
            scopes.add(Scope(name))
        else:
            known = ", ".join((*SCOPE_GROUPS, *(scope for scope in Scope if scope != "upload")))
            raise InvalidInput(f"there is no scope {name[:40]!r}; the scopes are {known}")
    if not scopes:
        raise InvalidInput("a token needs a scope: `read`, `upload` or both")
    return frozenset(scopes)


def shorten_scopes(scopes: AbstractSet[Scope]) -> str:
    """Write scopes for people, by the names of groups where a group is complete: `read, upload`."""
    groups = [name for name, members in SCOPE_GROUPS.items() if members <= scopes]
    grouped = {scope for name in groups for scope in SCOPE_GROUPS[name]}
    return ", ".join([*groups, *sorted(scopes - grouped)])


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token as it is stored: everything but the secret."""

    id: int
    name: str
    ending: str
    """The last four characters of the secret, by which people recognise it."""
    project_id: ProjectId | None
    """The only project that it reaches; None for all that its maker administers."""
    scopes: frozenset[Scope]
    made_by: PersonId | None
    """The person who made it; None for one from the command line."""
    made_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    last_address: str | None

    def is_live(self, now: datetime) -> bool:
        """Tell whether requests with it are answered."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)
