"""Counts the events of a project by the debug file that they miss."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, get_args

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, ProjectId
from app.db.types import Hex32
from app.symbolication.model import DebugFileKindName, MissingDebugFile, MissingReason

_COUNTS: Final = text(
    """
    with counted as (
        select kind, file_key, count(distinct event_id) as events, max(noted_at) as last_at,
               count(*) over () as total
        from missing_files
        where project_id = :project_id and day >= :since and kind <> 'companion'
        group by kind, file_key
        order by events desc, last_at desc, file_key limit :limit
    )
    select c.kind, c.events, c.last_at, c.total, n.event_id, n.debug_id, n.name, n.arch, n.release,
           n.dist, n.reason
    from counted c
    cross join lateral (
        select m.event_id, m.debug_id, m.name, m.arch, m.release, m.dist, m.reason
        from missing_files m
        where m.project_id = :project_id and m.file_key = c.file_key and m.kind = c.kind
        order by m.noted_at desc, m.event_id desc limit 1
    ) n
    order by c.events desc, c.last_at desc, c.file_key
    """
).columns(event_id=Hex32)
_KINDS: Final[dict[str, DebugFileKindName]] = {kind: kind for kind in get_args(DebugFileKindName)}
_REASONS: Final[dict[str, MissingReason]] = {reason: reason for reason in get_args(MissingReason)}


@dataclass(frozen=True, slots=True)
class MissingFileCount:
    """A debug file that events miss, or that did not help them, and how many events these are."""

    file: MissingDebugFile
    """As the newest of these events names it, without a number of frames."""
    events: int
    last_at: datetime
    """The time at which the newest of them was stored."""
    event_id: EventId
    """The newest of them."""


@dataclass(frozen=True, slots=True)
class MissingFileCounts:
    """The debug files that most events miss, and how many such files there are in all."""

    rows: Sequence[MissingFileCount] = ()
    total: int = 0


async def count_missing_files(
    connection: AsyncConnection, project_id: ProjectId, *, since: date, limit: int
) -> MissingFileCounts:
    """Count the events that miss a debug file, by file; those of most events first.

    Args:
        connection: The connection to read with.
        project_id: The project.
        since: The first day of events that count.
        limit: The most files that are returned.
    """
    parameters = {"project_id": project_id, "since": since, "limit": limit}
    rows = (await connection.execute(_COUNTS, parameters)).all()
    counts = [
        MissingFileCount(
            MissingDebugFile(
                kind=_KINDS[row.kind],
                debug_id=row.debug_id,
                name=row.name or None,
                arch=row.arch,
                release=row.release,
                dist=row.dist,
                reason=_REASONS[row.reason],
            ),
            row.events,
            row.last_at,
            EventId(row.event_id),
        )
        # A later release may know further kinds and reasons.
        for row in rows
        if row.kind in _KINDS and row.reason in _REASONS
    ]
    return MissingFileCounts(counts, rows[0].total if rows else 0)
