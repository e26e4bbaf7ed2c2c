"""The list of replays as one asks for it: rows, their errors, and what a query says of both.

    query ─ terms decided by Postgres ─► looks at replays, in order, within a budget
          └ terms decided here (errors, ending, seen) ─► each row is tried again

The errors of a row are counted by the query that the replay's page reads them with.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncConnection

from app.audit import queries as audit
from app.core import ids
from app.core.errors import InvalidInput
from app.core.ids import PersonId, ProjectId, TraceId
from app.playback import ending
from app.playback.ending import Ending
from app.playback.links import linked_errors
from app.playback.links.linked_errors import ErrorCounts
from app.replays import (
    list_queries as rows,
    queries as replays,
    query_conditions,
    query_language as search,
    trace_links,
)
from app.replays.list_queries import Order, Place, ScanRequest, ScanResult
from app.replays.model import Replay
from app.replays.query_conditions import Columns
from app.replays.query_language import Conjunction, Disjunction, Expression, Negation, Term

_FIRST_ROWS: Final = 5_000
"""Of each project, in the first look: what is common is found among them within 10 ms."""
_MORE_ROWS: Final = 50_000
_BATCH: Final = 200
"""Rows whose errors are counted at once."""
_MOST_TRIED: Final = 1_000
"""Rows tried for one page by what is decided here."""
_YES_NO: Final = {"yes": True, "no": False, "true": True, "false": False}
_PER_ERROR: Final = 25
_PER_SCREEN: Final = 5
_MOST_ACTIVITY: Final = 10


@dataclass(frozen=True, slots=True)
class ReplaySearch:
    """What somebody asks the list for."""

    person_id: PersonId
    readable: tuple[ProjectId, ...]
    """All projects that they may see: errors may come from any of them."""
    searched: tuple[ProjectId, ...]
    query: Conjunction = search.EVERYTHING
    order: Order = Order.NEWEST
    after: Place | None = None
    is_backward: bool = False


@dataclass(frozen=True, slots=True)
class ListedReplay:
    """One replay of the list."""

    replay: Replay
    counts: ErrorCounts
    is_seen: bool
    ended: Ending


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A page of the list, in the order of the list."""

    hits: tuple[ListedReplay, ...]
    has_more: bool
    """Whether more was found than the page holds."""
    looked_to: Place | None = None
    """Where the search stopped because it had looked at enough; it can go on there."""


async def search_replays(
    connection: AsyncConnection, asked: ReplaySearch, *, limit: int, now: datetime
) -> SearchResult:
    """Read a page of the list.

    Args:
        connection: Where to read.
        asked: What is looked for, and where the page begins.
        limit: Rows at most.
        now: What `started:-24h` counts from.

    Raises:
        InvalidInput: A value in the query is none that its key can have.
    """
    query = await _with_traces(connection, asked)
    _check(query)
    finder = _Finder(connection, replace(asked, query=query), now)
    return await finder.page(limit)


async def describe_replays(
    connection: AsyncConnection, asked: ReplaySearch, found: Sequence[Replay]
) -> list[ListedReplay]:
    """Count the errors of replays, and tell which of them the person has seen."""
    counts = await linked_errors.count_errors_of_replays(connection, found, asked.readable)
    keys = [(replay.key.project_id, replay.key.replay_id) for replay in found]
    seen = await audit.seen_by(connection, asked.person_id, keys)
    lasts = await replays.read_last_segment_lengths(connection, [replay.key for replay in found])
    return [
        ListedReplay(
            replay,
            one,
            key in seen,
            ending.infer_ending(replay, one, last_ms=lasts.get(replay.key)),
        )
        for replay, one, key in zip(found, counts, keys, strict=True)
    ]


class _Finder:
    """Looks further and further until a page is full, all is seen, or the budget is spent."""

    def __init__(self, connection: AsyncConnection, asked: ReplaySearch, now: datetime) -> None:
        self._connection = connection
        self._asked = asked
        self._now = now
        self._terms = tuple(search.list_terms(asked.query))
        self._is_late = any(term.key in LATE_KEYS for term in self._terms)
        self._kept: list[ListedReplay] = []
        self._tried = 0

    async def page(self, limit: int) -> SearchResult:
        """Fill a page."""
        at, most = self._asked.after, _FIRST_ROWS
        while True:
            wanted = _BATCH if self._is_late else limit + 1
            seen = await self._look(at, limit=wanted, most=most)
            await self._keep(seen.replays)
            if len(self._kept) > limit:
                return SearchResult(tuple(self._kept[:limit]), has_more=True)
            is_full = len(seen.replays) >= wanted
            if not is_full and seen.end is None:
                return SearchResult(tuple(self._kept), has_more=False)
            at = rows.place_of(seen.replays[-1], self._asked.order) if is_full else seen.end
            if self._tried >= _MOST_TRIED or (not is_full and most == _MORE_ROWS):
                return SearchResult(tuple(self._kept), has_more=False, looked_to=at)
            most = most if is_full else _MORE_ROWS

    async def _look(self, at: Place | None, *, limit: int, most: int) -> ScanResult:
        """Look in the order of time; when that was not enough, by facts that few rows hold."""
        asked = self._asked
        there = ScanRequest(asked.searched, asked.order, at, asked.is_backward)
        condition = self._condition if asked.query.parts else None
        anchor = (
            query_conditions.find_exact_facts(asked.query, is_decided_here=_is_early)
            if most == _MORE_ROWS
            else None
        )
        if condition is not None and anchor is not None:
            seen = await rows.find_by_facts(
                self._connection, there, anchor, condition=condition, limit=limit
            )
            if seen is not None:
                return seen
        most = rows.SORTED_ROWS if asked.order is Order.LONGEST else most
        return await rows.scan_replays(
            self._connection, there, condition=condition, limit=limit, most=most
        )

    def _condition(self, columns: Columns) -> ColumnElement[bool]:
        return query_conditions.make_superset_condition(
            self._asked.query, columns, now=self._now, is_decided_here=_is_early
        )

    async def _keep(self, found: Sequence[Replay]) -> None:
        """Keep what the whole query holds for."""
        hits = await describe_replays(self._connection, self._asked, found)
        if self._is_late:
            self._tried += len(found)
            early = [term for term in self._terms if _is_early(term)]
            keys = [replay.key for replay in found]
            truths = await rows.evaluate_terms(self._connection, keys, early, now=self._now)
            hits = [hit for hit in hits if self._holds(hit, truths[hit.replay.key])]
        self._kept += hits

    def _holds(self, hit: ListedReplay, early: Mapping[Term, bool]) -> bool:
        return search.is_satisfied(
            self._asked.query,
            lambda term: early[term] if _is_early(term) else LATE_KEYS[term.key or ""](hit, term),
        )


def _is_early(term: Term) -> bool:
    """Tell a term that Postgres decides from one that is decided here."""
    return term.key not in LATE_KEYS


def _number(read: Callable[[ListedReplay], int]) -> Callable[[ListedReplay, Term], bool]:
    return lambda hit, term: query_conditions.matches_number(term, read(hit))


def _activity(hit: ListedReplay) -> int:
    """Say how much happened, from 0 to 10: errors weigh five times as much as screens."""
    errors_in_all = hit.counts.app + hit.counts.backend
    score = _PER_ERROR * errors_in_all + _PER_SCREEN * len(hit.replay.screens)
    return min(_MOST_ACTIVITY, score // 10)


def _ends(hit: ListedReplay, term: Term) -> bool:
    """Compare how a replay ended; blanks may be written as `_`."""
    return any(query_conditions.matches_value(hit.ended, value) for value in term.values)


def _is_seen(hit: ListedReplay, term: Term) -> bool:
    return any(_YES_NO[value.text.lower()] == hit.is_seen for value in term.values)


LATE_KEYS: Final[Mapping[str, Callable[[ListedReplay, Term], bool]]] = {
    "count_errors": _number(lambda hit: hit.counts.app + hit.counts.backend),
    "count_errors.app": _number(lambda hit: hit.counts.app),
    "count_errors.backend": _number(lambda hit: hit.counts.backend),
    "activity": _number(_activity),
    "end": _ends,
    "seen": _is_seen,
}
"""Keys that need more than the row of a replay, and what decides them."""


def _check(query: Conjunction) -> None:
    """Refuse values that no replay can have, before any is looked at."""
    for term in search.list_terms(query):
        if term.key == "seen":
            if any(value.text.lower() not in _YES_NO for value in term.values):
                raise InvalidInput("seen is yes or no")
        elif term.key == "end":
            if term.operator != "=":
                raise InvalidInput(f"end cannot be compared by {term.operator}")
        elif not _is_early(term):
            query_conditions.read_number(term)


async def _with_traces(connection: AsyncConnection, asked: ReplaySearch) -> Conjunction:
    """Let a trace also mean the replays that its events and spans name."""

    async def widen(part: Expression) -> Expression:
        match part:
            case Term(key="trace"):
                read = [ids.read_hex32(value.text) for value in part.values]
                found = await trace_links.find_replays_of_traces(
                    connection, {TraceId(one) for one in read if one}
                )
                return (
                    Disjunction((part, search.exact_term("id", *sorted(found)))) if found else part
                )
            case Negation(inner):
                return Negation(await widen(inner))
            case Conjunction(parts):
                return Conjunction(tuple([await widen(one) for one in parts]))
            case Disjunction(parts):
                return Disjunction(tuple([await widen(one) for one in parts]))
            case _:
                return part

    return Conjunction(tuple([await widen(part) for part in asked.query.parts]))
