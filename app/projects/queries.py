"""Reads of projects, keys, outcomes and quarantine."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import ARRAY, Select, Text, and_, any_, cast, func, literal, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.errors import NotFound
from app.core.ids import ProjectId, PublicKey, ReplayId
from app.projects.model import (
    KeyRecord,
    Outcome,
    OutcomeCount,
    Project,
    ProjectKey,
    QuarantinedEnvelope,
)
from app.projects.tables import key_spending, outcomes, project_keys, projects, quarantine

_MOST_OUTCOMES: Final = 10_000

_PROJECT: Final = (
    projects.c.id,
    projects.c.slug,
    projects.c.name,
    projects.c.created_at,
    projects.c.stored_bytes_limit,
    projects.c.viewers_see_bodies,
    projects.c.allows_shares,
    projects.c.alerts_show_pictures,
)
_KEY: Final = (
    project_keys.c.public_key,
    project_keys.c.project_id,
    project_keys.c.label,
    project_keys.c.is_active,
    project_keys.c.created_at,
)
_USED_KEYS: Final = select(
    *_KEY,
    key_spending.c.last_used_at,
    key_spending.c.public_key.is_not(None).label("has_been_used"),
).outerjoin(key_spending, key_spending.c.public_key == project_keys.c.public_key)
RETRY_LEASE: Final = timedelta(minutes=10)
"""The time after which a process that began to digest an envelope again counts as gone."""
QUARANTINED_COLUMNS: Final = (
    quarantine.c.id,
    quarantine.c.project_id,
    quarantine.c.received_at,
    quarantine.c.item_types,
    quarantine.c.reason,
    quarantine.c.replay_id,
    quarantine.c.content_encoding,
    func.octet_length(quarantine.c.body).label("body_bytes"),
    quarantine.c.retry_asked_at,
    quarantine.c.retry_fault,
    and_(
        quarantine.c.retry_fault.is_not(None),
        quarantine.c.retry_asked_at > func.now() - RETRY_LEASE,
    ).label("is_being_retried"),
)


async def get_project(connection: AsyncConnection, project_id: ProjectId) -> Project:
    """Return a project, whoever asks: `memberships` says who may see it.

    Raises:
        NotFound: There is no such project.
    """
    matching = await _read_projects(
        connection, select(*_PROJECT).where(projects.c.id == project_id)
    )
    if not matching:
        raise NotFound(f"no project {project_id}")
    return matching[0]


async def list_projects(
    connection: AsyncConnection, *, among: Select[int] | None = None
) -> list[Project]:
    """Return projects by name: those whose ids `among` selects, or all."""
    query = select(*_PROJECT).order_by(func.lower(projects.c.name), projects.c.id)
    if among is not None:
        query = query.where(projects.c.id.in_(among))
    return await _read_projects(connection, query)


async def read_project_names(
    connection: AsyncConnection, project_ids: Iterable[ProjectId]
) -> dict[ProjectId, str]:
    """Return the names of some projects; unknown ones are left out."""
    rows = await connection.execute(
        select(projects.c.id, projects.c.name).where(projects.c.id.in_(project_ids))
    )
    return {ProjectId(row.id): row.name for row in rows}


async def list_all_projects(connection: AsyncConnection) -> list[Project]:
    """Return every project by id, for the command line and for work without a person."""
    return await _read_projects(connection, select(*_PROJECT).order_by(projects.c.id))


async def list_all_project_ids(connection: AsyncConnection) -> list[ProjectId]:
    """Return the id of every project, in order."""
    query = select(projects.c.id).order_by(projects.c.id)
    return [ProjectId(project_id) for project_id in await connection.scalars(query)]


async def find_project(connection: AsyncConnection, slug: str) -> Project | None:
    """Return the project with a slug, for the command line; None if there is none."""
    matching = await _read_projects(connection, select(*_PROJECT).where(projects.c.slug == slug))
    return matching[0] if matching else None


async def find_project_id(connection: AsyncConnection, slug_or_id: str) -> ProjectId | None:
    """Return the id of the project with this slug or id, whoever asks; None if there is none.

    A slug may consist of digits; the project with that slug comes before the one with that id.
    """
    rows = await connection.execute(
        select(projects.c.id, projects.c.slug).where(
            (projects.c.slug == slug_or_id) | (cast(projects.c.id, Text) == slug_or_id)
        )
    )
    ids = {row.slug == slug_or_id: ProjectId(row.id) for row in rows}
    return ids.get(True) or ids.get(False)


async def list_keys(
    connection: AsyncConnection, project_id: ProjectId, *, first: int = 0, limit: int = 100
) -> list[ProjectKey]:
    """Return some keys of a project, the oldest first.

    Args:
        connection: The connection to read with.
        project_id: The project.
        first: Number of keys to skip.
        limit: The most keys that are returned.
    """
    rows = await connection.execute(
        _USED_KEYS.where(project_keys.c.project_id == project_id)
        .order_by(project_keys.c.created_at, project_keys.c.public_key)
        .offset(first)
        .limit(limit)
    )
    return [ProjectKey(**row) for row in rows.mappings()]


async def get_key(
    connection: AsyncConnection, project_id: ProjectId, public_key: PublicKey
) -> ProjectKey:
    """Return a key of a project, with its last use.

    Raises:
        NotFound: The project has no such key.
    """
    rows = await connection.execute(
        _USED_KEYS.where(
            project_keys.c.project_id == project_id, project_keys.c.public_key == public_key
        )
    )
    row = rows.mappings().first()
    if row is None:
        raise NotFound(f"project {project_id} has no such key")
    return ProjectKey(**row)


async def count_keys(connection: AsyncConnection, project_id: ProjectId) -> int:
    """Count the keys of a project, also those that are off."""
    quantity = await connection.scalar(
        select(func.count()).where(project_keys.c.project_id == project_id)
    )
    return quantity or 0


async def find_active_key(connection: AsyncConnection, project_id: ProjectId) -> ProjectKey | None:
    """Return the oldest key of a project that is on; None if all are off."""
    return (await find_active_keys(connection, [project_id])).get(project_id)


async def find_active_keys(
    connection: AsyncConnection, project_ids: Sequence[ProjectId]
) -> dict[ProjectId, ProjectKey]:
    """Return the oldest key of each project that is on; projects without one are left out."""
    rows = await connection.execute(
        select(*_KEY)
        .ext(distinct_on(project_keys.c.project_id))
        .where(project_keys.c.project_id.in_(project_ids), project_keys.c.is_active)
        .order_by(project_keys.c.project_id, project_keys.c.created_at, project_keys.c.public_key)
    )
    keys = (ProjectKey(**row) for row in rows.mappings())
    return {key.project_id: key for key in keys}


async def read_key_records(
    connection: AsyncConnection, public_keys: Iterable[PublicKey] | None = None
) -> dict[PublicKey, KeyRecord]:
    """Return the records of some keys, or of all; unknown keys are left out."""
    query = select(project_keys.c.public_key, project_keys.c.project_id, project_keys.c.is_active)
    if public_keys is not None:
        keys = literal(list(public_keys), type_=ARRAY(Text))
        query = query.where(project_keys.c.public_key == any_(keys))
    return {
        PublicKey(row.public_key): KeyRecord(ProjectId(row.project_id), row.is_active)
        for row in await connection.execute(query)
    }


async def list_outcomes(
    connection: AsyncConnection, project_id: ProjectId, *, since: date
) -> list[OutcomeCount]:
    """Return what became of a project's items from the day `since` on, the newest day first."""
    rows = await connection.execute(
        select(
            outcomes.c.day,
            outcomes.c.item_type,
            outcomes.c.outcome,
            outcomes.c.reason,
            outcomes.c.quantity,
        )
        .where(
            outcomes.c.project_id == project_id,
            outcomes.c.day >= since,
            outcomes.c.quantity > 0,
        )
        .order_by(
            outcomes.c.day.desc(), outcomes.c.item_type, outcomes.c.outcome, outcomes.c.reason
        )
        .limit(_MOST_OUTCOMES)
    )
    return [OutcomeCount(**row) for row in rows.mappings()]


async def count_limited(connection: AsyncConnection, day: date) -> dict[ProjectId, int]:
    """Count the items of each project that met a limit on a day, where there were any."""
    rows = await connection.execute(
        select(outcomes.c.project_id, func.sum(outcomes.c.quantity).label("quantity"))
        .where(outcomes.c.day == day, outcomes.c.outcome == Outcome.LIMITED)
        .group_by(outcomes.c.project_id)
    )
    return {ProjectId(row.project_id): int(row.quantity) for row in rows if row.quantity}


async def list_quarantined(
    connection: AsyncConnection,
    project_id: ProjectId,
    *,
    before_id: int | None = None,
    limit: int | None = None,
) -> list[QuarantinedEnvelope]:
    """Return a page of a project's quarantined envelopes, the newest first.

    Args:
        connection: The connection to read with.
        project_id: The project.
        before_id: The id of the last envelope of the page before; None for the first page.
        limit: The most envelopes that are returned; None for all: `trim_quarantine` keeps few.
    """
    query = select(*QUARANTINED_COLUMNS).where(quarantine.c.project_id == project_id)
    if before_id is not None:
        query = query.where(quarantine.c.id < before_id)
    rows = await connection.execute(query.order_by(quarantine.c.id.desc()).limit(limit))
    return [read_quarantined_row(row) for row in rows]


async def list_quarantined_of_replay(
    connection: AsyncConnection, replay_id: ReplayId, project_ids: Sequence[ProjectId]
) -> list[QuarantinedEnvelope]:
    """Return at most 100 quarantined envelopes of a replay, the newest first."""
    query = select(*QUARANTINED_COLUMNS).where(
        quarantine.c.replay_id == replay_id, quarantine.c.project_id.in_(project_ids)
    )
    rows = await connection.execute(query.order_by(quarantine.c.id.desc()).limit(100))
    return [read_quarantined_row(row) for row in rows]


async def count_quarantined(connection: AsyncConnection) -> dict[ProjectId, int]:
    """Count the quarantined envelopes of every project that has any."""
    rows = await connection.execute(
        select(quarantine.c.project_id, func.count().label("quantity")).group_by(
            quarantine.c.project_id
        )
    )
    return {ProjectId(row.project_id): row.quantity for row in rows}


async def read_quarantined_body(
    connection: AsyncConnection, project_id: ProjectId, quarantined_id: int
) -> bytes:
    """Return a quarantined envelope as it came over the wire.

    Raises:
        NotFound: It is gone, or belongs to another project.
    """
    body: bytes | None = await connection.scalar(
        select(quarantine.c.body).where(
            quarantine.c.project_id == project_id, quarantine.c.id == quarantined_id
        )
    )
    if body is None:
        raise NotFound(f"no quarantined envelope {quarantined_id} in project {project_id}")
    return body


def read_quarantined_row(row: Any) -> QuarantinedEnvelope:
    """Turn a row that has `QUARANTINED_COLUMNS` into a quarantined envelope."""
    return QuarantinedEnvelope(
        id=row.id,
        project_id=ProjectId(row.project_id),
        received_at=row.received_at,
        item_types=tuple(row.item_types),
        reason=row.reason,
        replay_id=None if row.replay_id is None else ReplayId(row.replay_id),
        content_encoding=row.content_encoding,
        body_bytes=row.body_bytes,
        retry_asked_at=row.retry_asked_at if row.retry_fault is None else None,
        is_being_retried=bool(row.is_being_retried),
        retry_fault=None if row.is_being_retried else row.retry_fault,
    )


async def _read_projects(connection: AsyncConnection, query: Select[Any]) -> list[Project]:
    rows = await connection.execute(query)
    return [Project(**row) for row in rows.mappings()]
