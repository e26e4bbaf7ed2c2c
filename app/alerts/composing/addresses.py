"""Makes the addresses in messages; the web app passes its paths in when a process starts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from app.core.ids import IssueId, ProjectId, ReplayId


class ReplayPathBuilder(Protocol):
    """Returns the path that opens a replay at a moment, in milliseconds of the player."""

    def __call__(self, project_id: ProjectId, replay_id: ReplayId, *, at_ms: int) -> str: ...


@dataclass(frozen=True, slots=True)
class MessageAddresses:
    """Makes whole addresses, with the name of the server before the path."""

    base_url: str
    """The address of the server without a slash at the end."""
    issue_path: Callable[[ProjectId, IssueId], str]
    replay_path: ReplayPathBuilder
    releases_path: Callable[[ProjectId], str]
    project_path: Callable[[ProjectId], str]
    alerts_path: Callable[[ProjectId | None], str]
    issues_path: Callable[[ProjectId], str]
    sign_in_path: Callable[[str], str]
    picture_path: Callable[[str], str]
    projects_path: str
    health_path: str
    storage_path: str

    def issue(self, project_id: ProjectId, issue_id: IssueId) -> str:
        """Return the address of an issue."""
        return self.base_url + self.issue_path(project_id, issue_id)

    def replay(self, project_id: ProjectId, replay_id: ReplayId, *, at_ms: int) -> str:
        """Return the address that opens a replay at a moment."""
        return self.base_url + self.replay_path(project_id, replay_id, at_ms=at_ms)

    def alerts(self, project_id: ProjectId | None) -> str:
        """Return the address of the page with the rules of a project, or of the server for None."""
        return self.base_url + self.alerts_path(project_id)

    def picture(self, token: str) -> str:
        """Return the address of a picture that was handed out."""
        return self.base_url + self.picture_path(token)

    def sign_in_link(self, token: str) -> str:
        """Return the address that signs a person in once."""
        return self.base_url + self.sign_in_path(token)
