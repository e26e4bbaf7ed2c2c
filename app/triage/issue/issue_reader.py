"""Defines the reader of an issue, and the values that stand above each of its pages."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts.model import Person
from app.core.ids import IssueId, ProjectId
from app.db.engine import Database
from app.issues import queries as issues
from app.issues.model import Issue, IssueKey
from app.playback.video.index_cache import IndexCache
from app.projects.model import Project
from app.storage.port import ObjectStore
from app.triage.issue.expired_issues import explain_missing_issue
from app.triage.issue.issue_users import count_replay_users


@dataclass(frozen=True, slots=True)
class IssueReader:
    """A person who reads about an issue, and where it is stored."""

    db: Database
    store: ObjectStore
    index_cache: IndexCache
    person: Person
    project: Project
    issue_id: IssueId

    @property
    def key(self) -> IssueKey:
        """The key of the issue."""
        return self.project.id, self.issue_id


@dataclass(frozen=True, slots=True)
class IssueSummary:
    """An issue with the numbers that depend on who reads them."""

    project: Project
    issue: Issue
    replay_users: int
    """The number of users that its replays name and none of its events does."""


async def read_summary(
    connection: AsyncConnection, reader: IssueReader, visible_ids: Sequence[ProjectId]
) -> IssueSummary:
    """Read an issue; only replays of projects that the reader may see are counted.

    Raises:
        NotFound: There is no such issue, or it has expired.
    """
    issue = await issues.find_issue(connection, reader.key, visible_ids)
    if issue is None:
        raise await explain_missing_issue(connection, reader.key)
    return IssueSummary(
        reader.project, issue, await count_replay_users(connection, issue, visible_ids)
    )
