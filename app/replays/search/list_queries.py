"""Queries of the list of replays: page by page, filtered, and never reading more than they may.

A scan goes over the replays of each project in the order of an index, as many as it is allowed.
What many replays hold is found among the first of them; what few hold is found by the index of
facts. A scan that finds too little says how far it got, and the next one goes on there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    TableValuedAlias,
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

from app.core.ids import ProjectId
from app.db.lists import ListCursor
from app.replays.model import Replay, ReplayKey
from app.replays.queries import to_replay
from app.replays.search import query_conditions
from app.replays.search.orders import NEWEST, ReplayOrder
from app.replays.search.query_conditions import Columns, ExactFacts
from app.replays.search.query_language import QueryTerm
from app.replays.tables import replays

SORTED_ROWS: Final = 20_000
"""Newest replays of each project that are sorted for an order without an index."""
_RARE: Final = 20_000
"""Facts of more replays than this are looked for by a scan, not by the index of facts."""

REPLAY_COLUMNS: Final[Columns] = replays.c
"""The columns that a query is about."""

Condition = Callable[[Columns], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """The replays to scan: those of some projects, in an order, from a cursor on."""

    project_ids: tuple[ProjectId, ...]
    order: ReplayOrder = NEWEST
    after: ListCursor | None = None
    is_backward: bool = False
    """True to read from the cursor towards the beginning of the list."""


@dataclass(frozen=True, slots=True)
class ScanResult:
    """The replays that a scan found, in the order in which it read them."""

    replays: tuple[Replay, ...]
    end: ListCursor | None = None
    """The place up to which the scan looked; None when it saw everything."""


async def scan_replays(
    connection: AsyncConnection,
    request: ScanRequest,
    *,
    condition: Condition | None = None,
    limit: int,
    scan_limit: int,
) -> ScanResult:
    """Read replays in order until `limit` are found or `scan_limit` of each project were looked at.

    An order without an index always sorts the newest `SORTED_ROWS` of each project.

    Args:
        connection: The connection to read with.
        request: The replays to scan, and their order.
        condition: The condition that replays must meet; None for all.
        limit: Replays to find at most.
        scan_limit: Replays of each project to look at.
    """
    order = request.order
    if not order.is_indexed:
        scan_limit = SORTED_ROWS
    if condition is None and request.after is None:
        statement = _scan_from_start(order, limit=limit, scan_limit=scan_limit)
    else:
        statement = _scan_projects(request, condition, limit=limit, scan_limit=scan_limit)
    rows = await connection.execute(statement, {"project_ids": list(request.project_ids)})
    matching = tuple(to_replay(row) for row in rows)
    if condition is None or not order.is_indexed:
        return ScanResult(matching)
    end = await _find_end(connection, request, scan_limit=scan_limit)
    if end is None:
        return ScanResult(matching)
    # A project with few replays was read beyond the end of another: those are read again later.
    return ScanResult(tuple(each for each in matching if not _is_beyond(each, end, request)), end)


async def find_by_facts(
    connection: AsyncConnection,
    request: ScanRequest,
    facts: ExactFacts,
    *,
    condition: Condition,
    limit: int,
) -> ScanResult | None:
    """Read replays with certain facts; None when too many have them for this way to be quick."""
    holding = _select_holding(facts)
    counted = holding.with_only_columns(literal(1)).limit(_RARE + 1).subquery()
    if (await connection.scalar(select(func.count()).select_from(counted)) or 0) > _RARE:
        return None
    # Materialized, so that the planner does not walk the index of time instead.
    cte = holding.cte("holding").prefix_with("materialized", dialect="postgresql")
    statement = select(cte).where(
        cte.c.project_id.in_(request.project_ids), condition(cte.c), *_past(request, cte.c)
    )
    rows = await connection.execute(_sort_rows(statement, request, cte.c).limit(limit))
    return ScanResult(tuple(to_replay(row) for row in rows))


async def evaluate_terms(
    connection: AsyncConnection,
    keys: Sequence[ReplayKey],
    terms: Sequence[QueryTerm],
    *,
    now: datetime,
) -> dict[ReplayKey, dict[QueryTerm, bool]]:
    """Evaluate terms for each of some replays."""
    if not terms or not keys:
        return {key: {} for key in keys}
    conditions = [
        query_conditions.make_condition(term, replays.c, now=now).label(f"term_{number}")
        for number, term in enumerate(terms)
    ]
    rows = await connection.execute(
        select(replays.c.project_id, replays.c.replay_id, *conditions).where(
            tuple_(replays.c.project_id, replays.c.replay_id).in_(
                [(key.project_id, key.replay_id) for key in keys]
            )
        )
    )
    answers = {
        ReplayKey(row.project_id, row.replay_id): dict(zip(terms, row[2:], strict=True))
        for row in rows
    }
    return {key: answers.get(key, dict.fromkeys(terms, False)) for key in keys}


@lru_cache(maxsize=32)
def _scan_from_start(order: ReplayOrder, *, limit: int, scan_limit: int) -> Select[Any]:
    """Return the statement of a first page without a query.

    It is kept, since building it takes a tenth of the time of the page that is opened most.
    """
    return _scan_projects(ScanRequest((), order), None, limit=limit, scan_limit=scan_limit)


def _scan_projects(
    request: ScanRequest, condition: Condition | None, *, limit: int, scan_limit: int
) -> Select[Any]:
    """Walk the index of time in each project, filter on the way, then merge.

    Nothing is sorted, except by an order without an index: it sorts the newest of each project.
    """
    projects = _unnest_projects()
    walk = request if request.order.is_indexed else ScanRequest(request.project_ids)
    inner = select(replays).where(replays.c.project_id == projects.c.id, *_past(walk, replays.c))
    inner = _sort_rows(inner, walk, replays.c)
    if condition is not None or walk is not request:
        walked = lateral(inner.limit(scan_limit).correlate(projects), "walked")
        inner = select(walked)
        if walk is not request:
            inner = inner.where(*_past(request, walked.c))
        if condition is not None:
            inner = inner.where(condition(walked.c))
        inner = _sort_rows(inner, request, walked.c)
    each = lateral(inner.limit(limit).correlate(projects), "r")
    merged = select(each).select_from(projects.join(each, true()))
    return _sort_rows(merged, request, each.c).limit(limit)


async def _find_end(
    connection: AsyncConnection, request: ScanRequest, *, scan_limit: int
) -> ListCursor | None:
    """Find the place up to which every project was looked at; None when there is no more."""
    projects = _unnest_projects()
    key = request.order.columns(replays.c)
    inner = select(*key).where(replays.c.project_id == projects.c.id, *_past(request, replays.c))
    inner = _sort_rows(inner, request, replays.c).offset(scan_limit - 1).limit(1)
    each = lateral(inner.correlate(projects), "r")
    ends = select(each).select_from(projects.join(each, true()))
    first = _sort_rows(ends, request, each.c).limit(1)
    rows = await connection.execute(first, {"project_ids": list(request.project_ids)})
    row = rows.first()
    return None if row is None else tuple(row)


def _unnest_projects() -> TableValuedAlias:
    """Return the projects of a scan as rows; their ids are the parameter `project_ids`."""
    project_ids = bindparam("project_ids", type_=ARRAY(BigInteger))
    return func.unnest(project_ids).table_valued("id", name="p").render_derived()


def _select_holding(facts: ExactFacts) -> Select[Any]:
    holding = select(replays)
    if facts.facts:
        holding = holding.where(replays.c.facts.contains(facts.facts))
    if facts.user:
        holding = holding.where(replays.c.recorded_user.contains(facts.user))
    return holding


def _past(request: ScanRequest, columns: Columns) -> list[ColumnElement[bool]]:
    """Return the condition that a row comes after the place where the scan begins."""
    if request.after is None:
        return []
    return [request.order.is_past(columns, request.after, is_backward=request.is_backward)]


def _sort_rows(statement: Select[Any], request: ScanRequest, columns: Columns) -> Select[Any]:
    return request.order.sort(statement, columns, is_backward=request.is_backward)


def _is_beyond(replay: Replay, end: ListCursor, request: ScanRequest) -> bool:
    key: Any = request.order.key_of(replay)
    return bool(
        key < end if request.order.is_decreasing(is_backward=request.is_backward) else key > end
    )
