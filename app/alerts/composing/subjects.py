"""Lists the subjects of a message, so that an erasure of one of them finds the message.

Somebody may erase an issue after it was read and before the message about it is committed. So all
subjects are locked before the message is stored: the erasure waits, and then finds the message.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, IssueId, ProjectId, ReplayId
from app.issues import locks as issue_locks
from app.issues.model import IssueKey
from app.messages.model import AlertFinding
from app.replays import locks as replay_locks
from app.replays.model import ReplayKey


@dataclass(slots=True)
class MessageSubjects:
    """The replays, issues and events that a message names."""

    replays: set[ReplayKey] = field(default_factory=set)
    issues: set[IssueKey] = field(default_factory=set)
    """The issues that it describes."""
    events: set[tuple[ProjectId, EventId]] = field(default_factory=set)
    earlier: set[tuple[ProjectId, str]] = field(default_factory=set)
    """The issues and events by the ids of the findings, whether they still exist or not."""

    def add(self, finding: AlertFinding, ids: Mapping[str, str]) -> None:
        """Add the subjects of a finding, and the ids in its description."""
        if finding.project_id is not None and finding.issue_id is not None:
            project_id = finding.project_id
            self.earlier |= {
                (project_id, each) for each in (finding.issue_id, finding.event_id) if each
            }
            if "issue_id" in ids:
                self.issues.add((project_id, IssueId(ids["issue_id"])))
            if "event_id" in ids:
                self.events.add((project_id, EventId(ids["event_id"])))
        if "replay_id" in ids and "replay_project_id" in ids:
            replay_project_id = ProjectId(int(ids["replay_project_id"]))
            self.replays.add(ReplayKey(replay_project_id, ReplayId(ids["replay_id"])))

    async def lock(self, connection: AsyncConnection) -> bool:
        """Lock all subjects until the transaction ends; return whether all of them still exist.

        If an event has moved since it was described, its new issue is added.
        """
        if await replay_locks.lock_for_adding(connection, self.replays):
            return False
        if await issue_locks.lock_living_issues(connection, self.issues) != self.issues:
            return False
        living = await issue_locks.lock_living_events(connection, self.events)
        self.issues |= {
            (project_id, issue_id)
            for (project_id, _), issue_id in living.items()
            if issue_id is not None
        }
        return living.keys() == self.events

    def list_ids(self) -> tuple[tuple[ProjectId, str], ...]:
        """Return the project and id of each subject, as the outbox stores them."""
        return tuple(sorted({*self.earlier, *self.replays, *self.issues, *self.events}))
