"""Pages of the list of replays: by key, filtered, and never reading more than they may.

A look goes over the newest rows in the order of an index, as many as it is allowed. What many
replays hold is found among the first of them; what few hold is found by the index of facts.
A look that finds too little says how far it got, and the next one goes on there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    bindparam,
    func,
    lateral,
    literal,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId, ReplayId
from app.db.types import Hex32
from app.replays import query_conditions
from app.replays.model import Replay, ReplayKey
from app.replays.queries import to_replay
from app.replays.query_conditions import Columns, ExactFacts
from app.replays.query_language import Term
from app.replays.tables import replays

SORTED_ROWS: Final = 20_000
"""Of each project, the newest; what has no index is put in order among these."""
_RARE: Final = 20_000
"""Facts that more replays hold than this are looked for in the order of time."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_US: Final = timedelta(microseconds=1)

Condition = Callable[[Columns], ColumnElement[bool]]


class Order(StrEnum):
    """The order of a list."""

    NEWEST = "newest"
    OLDEST = "oldest"
    LONGEST = "longest"


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a list: the row after which it goes on.

    `value_us` is what the list is ordered by, in microseconds: the moment of receipt since 1970,
    or the length.
    """

    value_us: int
    item_id: str
    """Of the row: a replay, or what else a list by time holds."""


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """What to read: where, in which order, from which place on."""

    project_ids: tuple[ProjectId, ...]
    order: Order = Order.NEWEST
    after: Place | None = None
    is_backward: bool = False
    """True to read from the place towards the beginning of the list."""

    @property
    def is_descending(self) -> bool:
        """Whether the values fall on the way."""
        return (self.order is Order.OLDEST) == self.is_backward


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What a look found, in the order of the list as it was walked."""

    replays: tuple[Replay, ...]
    end: Place | None = None
    """How far it got when there is more to look at; None when it saw everything."""


def place_of(replay: Replay, order: Order) -> Place:
    """Return the place of a replay in a list."""
    if order is Order.LONGEST:
        return Place((replay.ended_at - replay.started_at) // _US, replay.key.replay_id)
    return place_at(replay.first_received_at, replay.key.replay_id)


def place_at(received_at: datetime, item_id: str) -> Place:
    """Return the place of a row in a list by the time of receipt."""
    return Place((received_at - _EPOCH) // _US, item_id)


def at_of(place: Place) -> datetime:
    """Return the moment of receipt that a place in a list by time stands for."""
    return _EPOCH + timedelta(microseconds=place.value_us)


def length_ms_of(place: Place) -> int:
    """Return the length of a replay that a place in a list by length stands for."""
    return place.value_us // 1000


async def scan_replays(
    connection: AsyncConnection,
    wanted: ScanRequest,
    *,
    condition: Condition | None = None,
    limit: int,
    most: int,
) -> ScanResult:
    """Read replays in order, as long as there are, `limit` are found, or `most` were looked at.

    Args:
        connection: Where to read.
        wanted: Where to look, and in which order.
        condition: What a replay must hold; None for any.
        limit: Rows at most.
        most: Rows of each project to look at; those that have no index are the newest.
    """
    found = await connection.execute(_by_project(wanted, condition, limit=limit, most=most))
    rows = tuple(to_replay(row) for row in found)
    if condition is None or wanted.order is Order.LONGEST:
        return ScanResult(rows)
    end = await _end(connection, wanted, most=most)
    if end is None:
        return ScanResult(rows)
    return ScanResult(tuple(row for row in rows if not _is_beyond(row, end, wanted)), end)


async def find_by_facts(
    connection: AsyncConnection,
    wanted: ScanRequest,
    anchor: ExactFacts,
    *,
    condition: Condition,
    limit: int,
) -> ScanResult | None:
    """Read replays that hold certain facts; None when too many do for this way to be quick."""
    holding = _holding(anchor)
    counted = holding.with_only_columns(literal(1)).limit(_RARE + 1).subquery()
    if (await connection.scalar(select(func.count()).select_from(counted)) or 0) > _RARE:
        return None
    # Materialized, so that the planner does not walk the index of time instead.
    cte = holding.cte("holding").prefix_with("materialized", dialect="postgresql")
    statement = select(cte).where(
        cte.c.project_id.in_(wanted.project_ids), condition(cte.c), *_after(wanted, cte)
    )
    found = await connection.execute(_ordered(statement, wanted, cte).limit(limit))
    return ScanResult(tuple(to_replay(row) for row in found))


async def evaluate_terms(
    connection: AsyncConnection,
    keys: Sequence[ReplayKey],
    terms: Sequence[Term],
    *,
    now: datetime,
) -> dict[ReplayKey, dict[Term, bool]]:
    """Tell for each of some replays which terms hold for it."""
    if not terms or not keys:
        return {key: {} for key in keys}
    held = [
        query_conditions.make_condition(term, replays.c, now=now).label(f"held_{number}")
        for number, term in enumerate(terms)
    ]
    found = await connection.execute(
        select(replays.c.project_id, replays.c.replay_id, *held).where(
            tuple_(replays.c.project_id, replays.c.replay_id).in_(
                [(key.project_id, key.replay_id) for key in keys]
            )
        )
    )
    answers = {
        ReplayKey(row.project_id, row.replay_id): dict(zip(terms, row[2:], strict=True))
        for row in found
    }
    return {key: answers.get(key, dict.fromkeys(terms, False)) for key in keys}


def _by_project(
    wanted: ScanRequest, condition: Condition | None, *, limit: int, most: int
) -> Select[Any]:
    """Walk the index of time in each project, filter on the way, then merge: nothing is sorted."""
    unnested = func.unnest(bindparam("ids", list(wanted.project_ids), ARRAY(BigInteger)))
    projects = unnested.table_valued("id", name="p").render_derived()
    by_time = wanted if wanted.order is not Order.LONGEST else ScanRequest(wanted.project_ids)
    inner = select(replays).where(replays.c.project_id == projects.c.id, *_after(by_time, replays))
    inner = _ordered(inner, by_time, replays)
    if condition is not None or wanted.order is Order.LONGEST:
        walked = lateral(inner.limit(most).correlate(projects), "walked")
        inner = select(walked)
        if wanted.order is Order.LONGEST:
            inner = inner.where(*_after(wanted, walked))
        if condition is not None:
            inner = inner.where(condition(walked.c))
        inner = _ordered(inner, wanted, walked)
    each = lateral(inner.limit(limit).correlate(projects), "r")
    return _ordered(select(each).select_from(projects.join(each, true())), wanted, each).limit(
        limit
    )


async def _end(connection: AsyncConnection, wanted: ScanRequest, *, most: int) -> Place | None:
    """Return where the first of the walks through the projects had to stop."""
    unnested = func.unnest(bindparam("ids", list(wanted.project_ids), ARRAY(BigInteger)))
    projects = unnested.table_valued("id", name="p").render_derived()
    columns = (replays.c.first_received_at, replays.c.replay_id)
    inner = select(*columns).where(replays.c.project_id == projects.c.id, *_after(wanted, replays))
    inner = _ordered(inner, wanted, replays).offset(most - 1).limit(1)
    each = lateral(inner.correlate(projects), "r")
    ends = select(each).select_from(projects.join(each, true()))
    found = (await connection.execute(_ordered(ends, wanted, each).limit(1))).first()
    if found is None:
        return None
    return Place((found.first_received_at - _EPOCH) // _US, ReplayId(found.replay_id))


def _holding(anchor: ExactFacts) -> Select[Any]:
    holding = select(replays)
    if anchor.facts:
        holding = holding.where(replays.c.facts.contains(anchor.facts))
    if anchor.user:
        holding = holding.where(replays.c.recorded_user.contains(anchor.user))
    return holding


def _value(order: Order, source: FromClause) -> ColumnElement[Any]:
    if order is Order.LONGEST:
        return source.c.ended_at - source.c.started_at
    return source.c.first_received_at


def _after(wanted: ScanRequest, source: FromClause) -> list[ColumnElement[bool]]:
    """Return the condition that a row comes after the place where the look begins."""
    place = wanted.after
    if place is None:
        return []
    since = timedelta(microseconds=place.value_us)
    value = since if wanted.order is Order.LONGEST else _EPOCH + since
    here = tuple_(_value(wanted.order, source), source.c.replay_id)
    edge = tuple_(literal(value), literal(place.item_id, Hex32))
    return [here < edge if wanted.is_descending else here > edge]


def _ordered(statement: Select[Any], wanted: ScanRequest, source: FromClause) -> Select[Any]:
    place = (_value(wanted.order, source), source.c.replay_id)
    down = wanted.is_descending
    return statement.order_by(*(one.desc() if down else one.asc() for one in place))


def _is_beyond(replay: Replay, end: Place, wanted: ScanRequest) -> bool:
    here = place_of(replay, wanted.order)
    mine, edge = (here.value_us, here.item_id), (end.value_us, end.item_id)
    return mine < edge if wanted.is_descending else mine > edge
