"""Reads the page of one project: how to send to it, what became of what was sent, who is in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.ids import ProjectId
from app.db.engine import Database
from app.memberships import queries as memberships
from app.memberships.model import Member, ProjectAccess, Role
from app.projects import queries as projects, retention_rules, storage
from app.projects.model import OutcomeCount, ProjectKey, QuarantinedEnvelope
from app.projects.retention_rules import ProjectRules, ServerRules
from app.replays.totals import project_totals
from app.replays.totals.project_totals import MaskCount

OUTCOME_DAYS: Final = 30
PART_QUARANTINED: Final = 50
PART_KEYS: Final = 100
PART_MEMBERS: Final = 100


@dataclass(frozen=True, slots=True)
class OverviewParts:
    """The number of rows that a page skips in each of its lists."""

    keys: int = 0
    members: int = 0
    quarantined: int = 0


@dataclass(frozen=True, slots=True)
class StorageUse:
    """The bytes of a project in object storage."""

    video_bytes: int
    file_bytes: int


@dataclass(frozen=True, slots=True)
class ProjectOverview:
    """The values that the page of a project shows."""

    active_key: ProjectKey | None
    """The oldest key that is on, if any."""
    keys: Sequence[ProjectKey]
    key_total: int
    members: Sequence[Member]
    member_total: int
    outcomes: Sequence[OutcomeCount]
    """The outcomes of the last `OUTCOME_DAYS` days."""
    quarantined: Sequence[QuarantinedEnvelope]
    """Empty for those who may not see them: a reason may quote what an app sent."""
    quarantined_total: int
    has_replays: bool
    masks: Sequence[MaskCount]
    """Replays of the last `OUTCOME_DAYS` days by SDK and masks."""
    storage: StorageUse
    rules: ProjectRules
    server_rules: ServerRules


async def read_project_overview(
    database: Database, access: ProjectAccess, parts: OverviewParts
) -> ProjectOverview:
    """Return what the page of a project shows to a person."""
    project_id = access.project.id
    first_day = (clock.now() - timedelta(days=OUTCOME_DAYS - 1)).date()
    async with database.reading() as connection:
        quarantined = await projects.list_quarantined(connection, project_id)
        return ProjectOverview(
            active_key=await projects.find_active_key(connection, project_id),
            keys=await projects.list_keys(
                connection, project_id, first=parts.keys, limit=PART_KEYS
            ),
            key_total=await projects.count_keys(connection, project_id),
            members=await memberships.list_members(
                connection, project_id, first=parts.members, limit=PART_MEMBERS
            ),
            member_total=await memberships.count_members(connection, project_id),
            outcomes=await projects.list_outcomes(connection, project_id, since=first_day),
            quarantined=quarantined[parts.quarantined :][:PART_QUARANTINED]
            if access.role.includes(Role.ADMIN)
            else (),
            quarantined_total=len(quarantined),
            has_replays=project_id in await project_totals.count_replays(connection, [project_id]),
            masks=await project_totals.count_masks(connection, project_id, days=OUTCOME_DAYS),
            storage=await _read_storage_use(connection, project_id),
            rules=await retention_rules.read_rules(connection, project_id),
            server_rules=await retention_rules.read_server_rules(connection),
        )


async def _read_storage_use(connection: AsyncConnection, project_id: ProjectId) -> StorageUse:
    stored = await storage.sum_limited_bytes(connection, [project_id])
    return StorageUse(*stored[project_id])
