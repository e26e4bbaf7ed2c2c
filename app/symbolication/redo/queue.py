"""Claims events of the queue, and finds those that an uploaded file may make clear."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from sqlalchemy import BigInteger, Text, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, ProjectId
from app.db.types import Hex32
from app.issues.model import EventRowKey
from app.symbolication.waiting import make_release_key

LEASE: Final = timedelta(minutes=5)
"""The time after which an event or a file is taken from a process that may have died."""
MOST_TRIES: Final = 5
_RETRY: Final = timedelta(minutes=2)
_SHORT_PAUSE: Final = timedelta(seconds=5)

_CLAIM: Final = text(
    """
    update symbolication_queue q set due_at = now() + :lease, tries = tries + 1
    from (
        select project_id, event_id from symbolication_queue
        where due_at <= now() order by day desc, queued_at desc, event_id limit :most
        for update skip locked
    ) c
    where q.project_id = c.project_id and q.event_id = c.event_id
    returning q.project_id, q.event_id, q.day, q.tries
    """
)
_IS_ANY_DUE: Final = text("select exists (select from symbolication_queue where due_at <= now())")
_KEYS: Final = (
    bindparam("project_ids", type_=ARRAY(BigInteger)),
    bindparam("event_ids", type_=ARRAY(Hex32)),
)
_REMOVE: Final = text(
    """
    delete from symbolication_queue q using unnest(:project_ids, :event_ids) as k (project_id, id)
    where q.project_id = k.project_id and q.event_id = k.id
    """
).bindparams(*_KEYS)
_PUT_BACK: Final = text(
    """
    update symbolication_queue q set due_at = now() + :pause
    from unnest(:project_ids, :event_ids) as k (project_id, id)
    where q.project_id = k.project_id and q.event_id = k.id
    """
).bindparams(*_KEYS)
_GIVE_BACK: Final = text(
    """
    update symbolication_queue q set due_at = now() + :pause, tries = greatest(tries - 1, 0)
    from unnest(:project_ids, :event_ids) as k (project_id, id)
    where q.project_id = k.project_id and q.event_id = k.id
    """
).bindparams(*_KEYS)
_MISSING: Final = text(
    """
    select m.event_id, m.day, m.noted_at as at
    from unnest(:file_keys) as k (file_key)
    -- By the index for each key: a hundred thousand events may miss one file.
    cross join lateral (
        select event_id, day, noted_at from missing_files
        where project_id = :project_id and file_key = k.file_key
          and (:with_companions or kind <> 'companion')
          and (noted_at, event_id) < (:at, cast(:event_id as uuid))
        order by noted_at desc, event_id desc limit :most
    ) m
    order by at desc, event_id desc limit :most
    """
).bindparams(bindparam("file_keys", type_=ARRAY(Text)))
# Events of scripts that came when the project had no scripts of releases: nothing notes that they
# miss any. The index of issues leads to them, since events have none by release.
_OF_RELEASE: Final = text(
    """
    select e.event_id, e.day, e.received_at as at
    from issue_releases r join events e using (project_id, issue_id)
    where r.project_id = :project_id and r.release = :release and e.release = :release
      and e.platform in ('javascript', 'node') and e.symbolicated is null
      and (e.received_at, e.event_id) < (:at, cast(:event_id as uuid))
    order by e.received_at desc, e.event_id desc limit :most
    """
)
_LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class QueuedEvents:
    """Events of a project that this process has claimed."""

    project_id: ProjectId
    keys: tuple[EventRowKey, ...]
    last_tries: frozenset[EventId]
    """Those that have been tried often enough."""


@dataclass(frozen=True, slots=True)
class EventCursor:
    """The place in a list of events, the newest first, after which the next part begins."""

    at: datetime
    event_id: EventId


@dataclass(frozen=True, slots=True)
class EventPart:
    """A part of a list of events."""

    keys: tuple[EventRowKey, ...]
    next: EventCursor | None
    """None if this is the last part."""


async def is_any_due(connection: AsyncConnection) -> bool:
    """Tell whether an event of the queue is due."""
    return bool(await connection.scalar(_IS_ANY_DUE))


async def claim_queued(connection: AsyncConnection, *, limit: int) -> list[QueuedEvents]:
    """Claim events that are due, those that were queued last first, by project."""
    rows = (await connection.execute(_CLAIM, {"lease": LEASE, "most": limit})).all()
    by_project: defaultdict[ProjectId, list[tuple[EventRowKey, int]]] = defaultdict(list)
    for row in rows:
        key = EventRowKey(EventId(_hex(row.event_id)), row.day)
        by_project[ProjectId(row.project_id)].append((key, row.tries))
    return [
        QueuedEvents(
            project_id,
            tuple(key for key, _ in claimed),
            frozenset(key.event_id for key, tries in claimed if tries >= MOST_TRIES),
        )
        for project_id, claimed in by_project.items()
    ]


async def remove_queued(
    connection: AsyncConnection, project_id: ProjectId, event_ids: Collection[EventId]
) -> None:
    """Remove events from the queue, because they are done or deleted."""
    if event_ids:
        await connection.execute(_REMOVE, _name_keys(project_id, event_ids))


async def put_back(
    connection: AsyncConnection, project_id: ProjectId, event_ids: Collection[EventId]
) -> None:
    """Postpone events whose symbolication failed."""
    if event_ids:
        await connection.execute(_PUT_BACK, _name_keys(project_id, event_ids) | {"pause": _RETRY})


async def give_back(
    connection: AsyncConnection, project_id: ProjectId, event_ids: Collection[EventId]
) -> None:
    """Release claimed events without counting a try, since an outage or a stop interrupted them."""
    if event_ids:
        keys = _name_keys(project_id, event_ids)
        await connection.execute(_GIVE_BACK, keys | {"pause": _SHORT_PAUSE})


async def list_events_missing(
    connection: AsyncConnection,
    project_id: ProjectId,
    debug_ids: Sequence[str],
    release: str | None,
    *,
    after: EventCursor | None,
    limit: int,
    with_companions: bool = False,
) -> EventPart:
    """List the events that miss a file, the newest first.

    Args:
        connection: The connection to read with.
        project_id: The project.
        debug_ids: The normalised debug ids of the file.
        release: The release whose scripts it has, if there is one.
        after: The place after which the part begins; None for the beginning.
        limit: The most events that are returned.
        with_companions: True to list also events that used the binary to which the file belongs.
    """
    file_keys = [*debug_ids, *([make_release_key(release)] if release else [])]
    which = {
        "project_id": project_id,
        "file_keys": file_keys,
        "with_companions": with_companions,
    }
    rows = (await connection.execute(_MISSING, which | _name_cursor(after, limit))).all()
    return _make_part([(row.event_id, row.day, row.at) for row in rows], limit)


async def list_events_of_release(
    connection: AsyncConnection,
    project_id: ProjectId,
    release: str,
    *,
    after: EventCursor | None,
    limit: int,
) -> EventPart:
    """List the events of a release's scripts that no symbolication has seen, the newest first."""
    which = {"project_id": project_id, "release": release}
    rows = (await connection.execute(_OF_RELEASE, which | _name_cursor(after, limit))).all()
    return _make_part([(row.event_id, row.day, row.at) for row in rows], limit)


def _make_part(rows: Sequence[tuple[uuid.UUID, date, datetime]], limit: int) -> EventPart:
    # An event may miss several files of one key, such as the scripts of a release.
    keys = tuple(
        dict.fromkeys(EventRowKey(EventId(_hex(event_id)), day) for event_id, day, _ in rows)
    )
    cursor = None
    if len(rows) == limit:
        cursor = EventCursor(rows[-1][2], EventId(_hex(rows[-1][0])))
    return EventPart(keys, cursor)


def _name_cursor(after: EventCursor | None, limit: int) -> dict[str, object]:
    at = after.at if after else _LATEST
    event_id = uuid.UUID(hex=after.event_id) if after else uuid.UUID(int=2**128 - 1)
    return {"at": at, "event_id": event_id, "most": limit}


def _name_keys(project_id: ProjectId, event_ids: Collection[EventId]) -> dict[str, object]:
    ordered = sorted(event_ids)
    return {"project_ids": [project_id] * len(ordered), "event_ids": ordered}


def _hex(value: uuid.UUID | str) -> str:
    return value.hex if isinstance(value, uuid.UUID) else value
