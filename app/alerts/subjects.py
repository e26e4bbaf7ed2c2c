"""Lists what a message names, so that erasing any of it finds the message.

Between the reading of an issue and the commit of the message about it somebody may erase it. So
what a message names is locked before the message is stored: an erasure waits, and then finds it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, IssueId, ProjectId, ReplayId
from app.issues import locks as issue_locks
from app.issues.model import IssueKey
from app.messages.model import Finding
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
    """The issues and events as they were when they were found, here or not."""

    def add(self, finding: Finding, ids: Mapping[str, str]) -> None:
        """Add what a finding names, and the ids that its description has."""
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
        """Lock all of it to the end of a transaction; returns whether all of it is still here.

        An event that has moved since it was described adds its issue.
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
        """Return all of it as the outbox keeps it: projects and ids."""
        return tuple(sorted({*self.earlier, *self.replays, *self.issues, *self.events}))
