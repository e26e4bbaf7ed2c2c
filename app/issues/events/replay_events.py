"""Queries of the events that belong to replays, and of how many there are; one rule for both.

    events that name the replay                           ─┐
    events without a replay that share its trace and time ─┴─► ranked ─► parts of 1,000 events

A replay may have more events than a page can show. They are ranked then: crashes and hangs first,
then what backends reported, then the others, each in the order of time. A page shows the first of
them, and reads on from the last one it has shown.

A replay may also have more events than can be ranked together. The 20,000 that arrived first
are ranked then, then as many that follow, and so on; counting ends after the first 20,000.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, DateTime, Text, Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, ProjectId, ReplayId, SpanId, TraceId
from app.core.replay.replay_window import ReplayWindow
from app.db import windows as sql_windows
from app.formats.events.event import BACKEND_PLATFORMS, CRASHES, HANGS
from app.issues.events.event_rows import to_event, to_hex
from app.issues.model import StoredEvent
from app.issues.tables import events

BAD_LEVELS: Final = frozenset({"error", "fatal"})
PART_EVENTS: Final = 1_000
"""Events of one replay that are read at once."""
MOST_NAMED: Final = 20_000
"""Events naming one replay that are ranked, or counted, together; it bounds what a page costs."""
_RANKS: Final = 3
"""The number of ranks of events that are ranked together."""
_MOST_MOMENTS: Final = 20
"""Moments that are read with the count of events of one kind."""
PAYLOAD_BYTES: Final = 16 * 1024 * 1024
"""Packed payloads of one replay at most: one may unpack to a megabyte."""

_RANKED: Final = "{0}.project_id, {0}.event_id, {0}.day, {0}.at, {0}.kind, {0}.platform"
_IS_READ: Final = """
    sum(length(e.payload) + coalesce(length(e.symbolicated), 0)) over (order by p.number)
        <= :payload_bytes
"""
_MOMENT: Final = ("at", "drift_ms", "trace_id", "span_id", "parent_span_id")
"""Columns in the order of the fields of `EventMoment`."""
_COUNTED: Final = "{0}.project_id, {0}.platform, {0}.kind, {0}.event_id, " + ", ".join(
    f"{{0}}.{name}" for name in _MOMENT
)


def _select_linked(columns: str) -> str:
    """Return a select of `n`, columns of each linked event, and whether it names the replay.

    Events that name the replay come in the order in which they arrived, by stretches of
    `most_named`; no index has them in the order of their own time. Those of the traces, which
    `sql_windows.traced_rows` bounds, are there in every stretch and ranked with the first one.
    """
    by_trace = sql_windows.traced_rows(
        "events", columns.format("x"), lasts=False, only=sql_windows.RECENT_OF_PROJECTS
    )
    return f"""
        select w.n, e.*, true as names_replay
        from windows w cross join lateral (
            select {columns.format("e")} from events e
            where e.replay_id = w.replay_id and e.project_id = any(:project_ids)
              and {sql_windows.SINCE.format("e")}
            order by e.received_at, e.project_id, e.event_id
            offset :most_named * :stretch limit :most_named
        ) e
        union all
        select l.*, false from ({by_trace}) l
    """  # noqa: S608 - joined from constants


_BOUNDS: Final = (
    bindparam("most_named", type_=BigInteger),
    bindparam("stretch", type_=BigInteger),
)
_EVENTS: Final = sql_windows.make_window_statement(
    f"""
    with {sql_windows.WINDOWS},
    ranked as (
        select k.project_id, k.event_id, k.day, k.at, k.names_replay,
               case when k.names_replay then {_RANKS} * :stretch else 0 end
               + case when k.kind = any(:urgent_kinds) then 0
                      when k.project_id <> :home or k.platform = any(:backend_platforms) then 1
                      else 2 end as rank
        from ({_select_linked(_RANKED)}) k
    ),
    numbered as (
        select *, row_number() over (order by rank, at, project_id, event_id) as number,
               count(*) over () as total,
               count(*) filter (where names_replay) over () as named
        from ranked
    ),
    part as (
        select * from numbered
        where (rank, at, project_id, event_id) > (:rank, :at, :after_project, :after_event)
        order by number
        limit :most
    )
    select p.number, p.total, p.named, p.rank, p.names_replay, e.project_id, e.event_id,
           e.received_at, e.at, e.drift_ms, e.level, e.kind, e.title, e.culprit, e.exception_type,
           e.exception_value, e.handled, e.mechanism, e.platform, e.release, e.environment,
           e.trace_id, e.replay_id, e.issue_id, e.span_id, e.parent_span_id, e.removals,
           case when {_IS_READ} then e.payload else '' end as payload,
           case when {_IS_READ} then e.symbolicated end as symbolicated
    from part p join events e using (day, project_id, event_id)
    where {sql_windows.SINCE.format("e")}
    order by p.number
    """  # noqa: S608 - joined from constants
).bindparams(
    *_BOUNDS,
    bindparam("urgent_kinds", sorted(CRASHES | HANGS), type_=ARRAY(Text)),
    bindparam("backend_platforms", sorted(BACKEND_PLATFORMS), type_=ARRAY(Text)),
    bindparam("home", type_=BigInteger),
    bindparam("rank", type_=BigInteger),
    bindparam("at", type_=DateTime(timezone=True)),
    bindparam("after_project", type_=BigInteger),
    bindparam("after_event", type_=Uuid(as_uuid=False)),
)
_HAS_NAMED: Final = text(
    """
    select exists (
        select from events
        where replay_id = cast(:replay_id as uuid) and project_id = any(:project_ids)
        offset :first
    )
    """
).bindparams(bindparam("project_ids", type_=ARRAY(BigInteger)))
_FIRST_MOMENTS: Final = ", ".join(
    f"(array_agg({name} order by at, event_id))[1\\:{_MOST_MOMENTS}] as {name}_list"
    for name in _MOMENT
)
_COUNTS: Final = sql_windows.make_window_statement(
    f"""
    with {sql_windows.WINDOWS}
    select n, project_id, platform, kind, count(*) as events,
           count(*) filter (where names_replay) as named, max(at) as last_at, {_FIRST_MOMENTS}
    from ({_select_linked(_COUNTED)}) k
    group by n, project_id, platform, kind
    """  # noqa: S608 - joined from constants
).bindparams(*_BOUNDS)


@dataclass(frozen=True, slots=True)
class LinkedEvent:
    """An event and how it came to the replay."""

    event: StoredEvent
    names_replay: bool
    """False if only the trace and the time led to the replay."""


class EventMoment(NamedTuple):
    """The time of an event by its sender's clock, and its span."""

    at: datetime
    drift_ms: int
    trace_id: TraceId | None
    span_id: SpanId | None
    parent_span_id: SpanId | None


@dataclass(frozen=True, slots=True)
class EventPlace:
    """The place of an event among those of its replay, ranked by importance."""

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
    """The events in the order of their time."""
    total: int
    """The number of events that were counted; 0 if the part is empty."""
    first: int
    """The number of the first event of this part, counted from 1."""
    next_place: EventPlace | None
    """The place after which the next part begins; None if this is the last."""
    is_at_least: bool = False
    """True if the replay has more events than were counted."""

    @property
    def is_whole(self) -> bool:
        """True if these are all events of the replay."""
        return self.first <= 1 and self.next_place is None


@dataclass(frozen=True, slots=True)
class LinkedCount:
    """The number of a replay's events of one kind from one project and platform."""

    project_id: ProjectId
    platform: str | None
    kind: str
    events: int
    last_at: datetime
    """The time at which the latest of them happened, by the sender's clock."""
    moments: tuple[EventMoment, ...] = ()
    """The time at which the first 20 of them happened."""


@dataclass(frozen=True, slots=True)
class LinkedCounts:
    """The numbers of events that belong to a replay."""

    by_kind: tuple[LinkedCount, ...]
    is_at_least: bool
    """True if the replay may have more events than were counted."""


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
        connection: The connection to read with.
        window: The reach of the replay.
        project_ids: The projects that the reader may see.
        home: The project of the replay; events of another one are a backend's.
        after: The place after which the part begins.
        payload_bytes: Packed payloads at most; events beyond have none. 0 reads none.
    """
    stretch = max(0, after.rank) // _RANKS
    earlier = stretch * MOST_NAMED
    parameters = sql_windows.make_window_parameters([window], project_ids) | {
        "most_named": MOST_NAMED,
        "stretch": stretch,
        "home": home,
        "rank": after.rank,
        "at": after.at,
        "after_project": after.project_id,
        "after_event": after.event_id,
        "most": PART_EVENTS,
        "payload_bytes": payload_bytes,
    }
    rows = (await connection.execute(_EVENTS, parameters)).all()
    if not rows:
        return LinkedEvents((), total=0, first=1, next_place=None)
    last = rows[-1]
    has_more = last.named == MOST_NAMED and await _has_named_events(
        connection, window.replay_id, project_ids, first=earlier + MOST_NAMED
    )
    next_place = None
    if last.number < last.total:
        next_place = locate_event(last)
    elif has_more:
        next_place = replace(BEFORE_ALL, rank=_RANKS * (stretch + 1))
    in_time = sorted(rows, key=lambda row: (row.at, row.event_id))
    return LinkedEvents(
        tuple(LinkedEvent(to_event(row), row.names_replay) for row in in_time),
        total=earlier + last.total,
        first=earlier + rows[0].number,
        next_place=next_place,
        is_at_least=has_more,
    )


def locate_event(row: Row[Any]) -> EventPlace:
    """Return the place of a row with `rank`."""
    event_id = EventId(to_hex(row.event_id))
    return EventPlace(row.rank, row.at, ProjectId(row.project_id), event_id)


async def is_named_by_error(
    connection: AsyncConnection, project_id: ProjectId, replay_id: ReplayId
) -> bool:
    """Tell whether an error of the replay's own project names it."""
    columns = events.c
    naming = select(columns.event_id).where(
        columns.replay_id == replay_id,
        columns.project_id == project_id,
        columns.level.in_(BAD_LEVELS),
    )
    return bool(await connection.scalar(select(naming.exists())))


async def count_linked_events(
    connection: AsyncConnection,
    windows: Sequence[ReplayWindow],
    project_ids: Sequence[ProjectId],
) -> list[LinkedCounts]:
    """Count the events of several replays, in the order of `windows`."""
    if not windows:
        return []
    counts: list[list[LinkedCount]] = [[] for _ in windows]
    named = [0] * len(windows)
    parameters = sql_windows.make_window_parameters(windows, project_ids)
    bounds = {"most_named": MOST_NAMED, "stretch": 0}
    for row in await connection.execute(_COUNTS, parameters | bounds):
        counts[row.n].append(_to_count(row))
        named[row.n] += row.named
    return [
        LinkedCounts(tuple(by_kind), is_at_least=of_replay >= MOST_NAMED)
        for by_kind, of_replay in zip(counts, named, strict=True)
    ]


async def _has_named_events(
    connection: AsyncConnection,
    replay_id: ReplayId,
    project_ids: Sequence[ProjectId],
    *,
    first: int,
) -> bool:
    """Tell whether more than `first` events name a replay."""
    parameters = {"replay_id": replay_id, "project_ids": list(project_ids), "first": first}
    return bool(await connection.scalar(_HAS_NAMED, parameters))


def _to_count(row: Row[Any]) -> LinkedCount:
    columns = [getattr(row, f"{name}_list") for name in _MOMENT]
    return LinkedCount(
        ProjectId(row.project_id),
        row.platform,
        row.kind,
        row.events,
        row.last_at,
        tuple(_to_moment(values) for values in zip(*columns, strict=True)),
    )


def _to_moment(values: Sequence[Any]) -> EventMoment:
    at, drift_ms, trace_id, span_id, parent_span_id = values
    trace_id = TraceId(to_hex(trace_id)) if trace_id else None
    return EventMoment(at, drift_ms, trace_id, span_id, parent_span_id)
