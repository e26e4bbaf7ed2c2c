"""Reads: the events that belong to replays, and how many there are; one rule for both.

A replay may have more events than a page can show. They are ranked then: crashes and hangs first,
then what backends reported, then the rest, each in the order of time. A page shows the first of
them, and reads on from the last one it has shown.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, DateTime, Integer, Text, Uuid, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, IssueId, ProjectId, ReplayId, SpanId, TraceId
from app.core.replay_window import ReplayWindow
from app.db import windows as sql_windows
from app.formats.events.event import BACKEND_PLATFORMS, CRASHES, HANGS
from app.issues.model import StoredEvent
from app.issues.tables import events

BAD_LEVELS: Final = frozenset({"error", "fatal"})
PART_EVENTS: Final = 1_000
"""Events of one replay that are read at once."""
_MOST_MOMENTS: Final = 20
"""Of one kind of events, with the count of them."""
PAYLOAD_BYTES: Final = 16 * 1024 * 1024
"""Packed payloads of one replay at most: one may unpack to a megabyte."""

_RANKED: Final = "{0}.project_id, {0}.event_id, {0}.at, {0}.kind, {0}.platform"
_MOMENT: Final = ("at", "drift_ms", "trace_id", "span_id", "parent_span_id")
"""In the order of the fields of `EventMoment`."""
_COUNTED: Final = "{0}.project_id, {0}.platform, {0}.kind, {0}.event_id, " + ", ".join(
    f"{{0}}.{name}" for name in _MOMENT
)


def _select_linked(columns: str) -> str:
    """Return a select of `n`, columns of each linked event, and whether it names the replay."""
    by_trace = sql_windows.traced_rows("events", columns.format("x"), lasts=False)
    return f"""
        select w.n, {columns.format("e")}, true as names_replay
        from windows w join events e on e.replay_id = w.replay_id
        where e.project_id = any(:project_ids)
        union all
        select l.*, false from ({by_trace}) l
    """  # noqa: S608 - joined from constants


_EVENTS: Final = sql_windows.make_window_statement(
    f"""
    with {sql_windows.WINDOWS},
    ranked as (
        select k.project_id, k.event_id, k.at, k.names_replay,
               case when k.kind = any(:urgent_kinds) then 0
                    when k.project_id <> :home or k.platform = any(:backend_platforms) then 1
                    else 2 end as rank
        from ({_select_linked(_RANKED)}) k
    ),
    numbered as (
        select *, row_number() over (order by rank, at, project_id, event_id) as number,
               count(*) over () as total
        from ranked
    ),
    part as (
        select * from numbered
        where (rank, at, project_id, event_id) > (:rank, :at, :after_project, :after_event)
        order by number
        limit :most
    )
    select p.number, p.total, p.rank, p.names_replay, e.project_id, e.event_id, e.received_at, e.at,
           e.drift_ms, e.level, e.kind, e.title, e.culprit, e.exception_type, e.exception_value,
           e.handled, e.mechanism, e.platform, e.release, e.environment, e.trace_id, e.replay_id,
           e.issue_id, e.span_id, e.parent_span_id,
           case when sum(length(e.payload)) over (order by p.number) <= :payload_bytes
                then e.payload else '' end as payload
    from part p join events e using (project_id, event_id)
    order by p.number
    """  # noqa: S608 - joined from constants
).bindparams(
    bindparam("urgent_kinds", sorted(CRASHES | HANGS), type_=ARRAY(Text)),
    bindparam("backend_platforms", sorted(BACKEND_PLATFORMS), type_=ARRAY(Text)),
    bindparam("home", type_=BigInteger),
    bindparam("rank", type_=Integer),
    bindparam("at", type_=DateTime(timezone=True)),
    bindparam("after_project", type_=BigInteger),
    bindparam("after_event", type_=Uuid(as_uuid=False)),
)
_FIRST_MOMENTS: Final = ", ".join(
    f"(array_agg({name} order by at, event_id))[1\\:{_MOST_MOMENTS}] as {name}_list"
    for name in _MOMENT
)
_COUNTS: Final = sql_windows.make_window_statement(
    f"""
    with {sql_windows.WINDOWS}
    select n, project_id, platform, kind, count(*) as events, max(at) as last_at,
           {_FIRST_MOMENTS}
    from ({_select_linked(_COUNTED)}) k
    group by n, project_id, platform, kind
    """  # noqa: S608 - joined from constants
)


@dataclass(frozen=True, slots=True)
class LinkedEvent:
    """An event and how it came to the replay."""

    event: StoredEvent
    names_replay: bool
    """False when only the trace and the time led to the replay."""


class EventMoment(NamedTuple):
    """When an event happened, by its sender's clock, and in which span."""

    at: datetime
    drift_ms: int
    trace_id: TraceId | None
    span_id: SpanId | None
    parent_span_id: SpanId | None


@dataclass(frozen=True, slots=True)
class EventPlace:
    """Where an event stands among those of its replay, ranked by what matters most."""

    rank: int
    at: datetime
    project_id: ProjectId
    event_id: EventId


BEFORE_ALL: Final = EventPlace(
    -1, datetime(1970, 1, 1, tzinfo=UTC), ProjectId(0), EventId("0" * 32)
)


@dataclass(frozen=True, slots=True)
class LinkedEvents:
    """The events of a replay, or a part of them if there are too many to be read at once."""

    events: tuple[LinkedEvent, ...]
    """In the order of their time."""
    total: int
    """How many events the replay has; 0 if the part is empty."""
    first: int
    """The number of the first event of this part, counted from 1."""
    next_place: EventPlace | None
    """The place after which the next part begins; None if this is the last."""

    @property
    def is_whole(self) -> bool:
        """Whether these are all events of the replay."""
        return self.first <= 1 and self.next_place is None


@dataclass(frozen=True, slots=True)
class LinkedCount:
    """How many events of one kind from one project and platform belong to a replay."""

    project_id: ProjectId
    platform: str | None
    kind: str
    events: int
    last_at: datetime
    """Of the latest of them, by the sender's clock."""
    moments: tuple[EventMoment, ...] = ()
    """Of the first 20 of them."""


async def read_linked_events(
    connection: AsyncConnection,
    window: ReplayWindow,
    project_ids: Sequence[ProjectId],
    *,
    home: ProjectId,
    after: EventPlace = BEFORE_ALL,
    payload_bytes: int = PAYLOAD_BYTES,
) -> LinkedEvents:
    """Read the events of one replay that matter most, in the order of their time.

    Args:
        connection: Where to read.
        window: The reach of the replay.
        project_ids: The projects that the reader may see.
        home: The project of the replay; events of another one are a backend's.
        after: The place after which the part begins.
        payload_bytes: Packed payloads at most; events beyond have none. 0 reads none.
    """
    wanted = {
        "home": home,
        "rank": after.rank,
        "at": after.at,
        "after_project": after.project_id,
        "after_event": after.event_id,
        "most": PART_EVENTS,
        "payload_bytes": payload_bytes,
    }
    parameters = sql_windows.make_window_parameters([window], project_ids)
    rows = (await connection.execute(_EVENTS, parameters | wanted)).all()
    if not rows:
        return LinkedEvents((), total=0, first=1, next_place=None)
    last = rows[-1]
    in_time = sorted(rows, key=lambda row: (row.at, row.event_id))
    return LinkedEvents(
        tuple(LinkedEvent(to_event(row), row.names_replay) for row in in_time),
        total=last.total,
        first=rows[0].number,
        next_place=locate_event(last) if last.number < last.total else None,
    )


def locate_event(row: Row[Any]) -> EventPlace:
    """Return the place of a row with `rank`."""
    event_id = EventId(_to_hex(row.event_id))
    return EventPlace(row.rank, row.at, ProjectId(row.project_id), event_id)


async def is_named_by_error(
    connection: AsyncConnection, project_id: ProjectId, replay_id: ReplayId
) -> bool:
    """Tell whether an error of the replay's own project names it."""
    columns = events.c
    named = select(columns.event_id).where(
        columns.replay_id == replay_id,
        columns.project_id == project_id,
        columns.level.in_(BAD_LEVELS),
    )
    return bool(await connection.scalar(select(named.exists())))


async def count_linked_events(
    connection: AsyncConnection,
    windows: Sequence[ReplayWindow],
    project_ids: Sequence[ProjectId],
) -> list[list[LinkedCount]]:
    """Count the events of several replays; the lists stand in the order of `windows`."""
    counts: list[list[LinkedCount]] = [[] for _ in windows]
    if windows:
        found = await connection.execute(
            _COUNTS, sql_windows.make_window_parameters(windows, project_ids)
        )
        for row in found:
            counts[row.n].append(_to_count(row))
    return counts


def _to_count(row: Row[Any]) -> LinkedCount:
    lists = [getattr(row, f"{name}_list") for name in _MOMENT]
    return LinkedCount(
        ProjectId(row.project_id),
        row.platform,
        row.kind,
        row.events,
        row.last_at,
        tuple(_to_moment(values) for values in zip(*lists, strict=True)),
    )


def _to_moment(values: Sequence[Any]) -> EventMoment:
    at, drift_ms, trace_id, span_id, parent_span_id = values
    trace_id = TraceId(_to_hex(trace_id)) if trace_id else None
    return EventMoment(at, drift_ms, trace_id, span_id, parent_span_id)


def to_event(row: Row[Any]) -> StoredEvent:
    """Turn a row of the events table into its value."""
    return StoredEvent(
        project_id=ProjectId(row.project_id),
        event_id=EventId(_to_hex(row.event_id)),
        received_at=row.received_at,
        at=row.at,
        drift_ms=row.drift_ms,
        level=row.level,
        kind=row.kind,
        title=row.title,
        culprit=row.culprit,
        exception_type=row.exception_type,
        exception_value=row.exception_value,
        handled=row.handled,
        mechanism=row.mechanism,
        platform=row.platform,
        release=row.release,
        environment=row.environment,
        trace_id=TraceId(_to_hex(row.trace_id)) if row.trace_id else None,
        replay_id=ReplayId(_to_hex(row.replay_id)) if row.replay_id else None,
        payload=row.payload,
        issue_id=IssueId(_to_hex(row.issue_id)) if row.issue_id else None,
        span_id=SpanId(row.span_id) if row.span_id else None,
        parent_span_id=SpanId(row.parent_span_id) if row.parent_span_id else None,
    )


def _to_hex(value: uuid.UUID | str) -> str:
    """Read an id as plain SQL (a UUID) or as the table's own type (text) returns it."""
    return value.hex if isinstance(value, uuid.UUID) else value
