"""Searches the list of replays by a query of which Postgres can decide only a part.

query ─ terms about columns ─► a scan of replays, in order, within a budget
      └ terms about errors, ending and whether it was seen ─► each replay found is tried again
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock, ids
from app.core.errors import InvalidInput
from app.core.ids import PersonId, ProjectId, TraceId
from app.db.lists import ListCursor, RowRun, cut_run
from app.playback.listed_replays import ListedReplay, describe_replays
from app.replays import trace_links
from app.replays.model import Replay, ReplayKey
from app.replays.search import list_queries, query_conditions, query_language
from app.replays.search.list_queries import REPLAY_COLUMNS, ScanRequest, ScanResult
from app.replays.search.orders import NEWEST, ReplayOrder
from app.replays.search.query_conditions import Columns
from app.replays.search.query_language import (
    Conjunction,
    Disjunction,
    Expression,
    Negation,
    QueryTerm,
)

_FIRST_ROWS: Final = 5_000
"""Replays of each project in the first scan: what is common is found among them within 10 ms."""
_MORE_ROWS: Final = 50_000
"""Replays of each project in the second scan."""
_BATCH: Final = 200
"""Replays whose errors are counted at once."""
_MOST_TRIED: Final = 1_000
"""Replays tried for one page by what Postgres does not decide."""
_YES_NO: Final = {"yes": True, "no": False, "true": True, "false": False}
_PER_ERROR: Final = 25
_PER_SCREEN: Final = 5
_MOST_ACTIVITY: Final = 10


@dataclass(frozen=True, slots=True)
class ReplaySearch:
    """A search in the list of replays."""

    person_id: PersonId
    readable: tuple[ProjectId, ...]
    """All projects that the person may see: errors may come from any of them."""
    searched: tuple[ProjectId, ...]
    """Projects whose replays are looked at."""
    query: Conjunction = query_language.EVERYTHING
    order: ReplayOrder = NEWEST
    after: ListCursor | None = None
    is_backward: bool = False


async def search_replays(
    connection: AsyncConnection, search: ReplaySearch, *, limit: int, now: datetime
) -> RowRun[ListedReplay]:
    """Find replays from a place in the list on.

    Args:
        connection: The connection to read with.
        search: The query, the order and the place from which to search.
        limit: Replays at most.
        now: The moment that `started:-24h` counts from.

    Raises:
        InvalidInput: A key cannot have the value that the query gives it.
    """
    query = await _include_linked_replays(connection, search.query)
    _check_values(query)
    finder = _Finder(connection, replace(search, query=query), now)
    return await finder.find(limit)


async def match_replays(
    connection: AsyncConnection,
    found: Sequence[Replay],
    query: Conjunction,
    *,
    readable: Sequence[ProjectId],
    now: datetime,
) -> set[ReplayKey]:
    """Tell which of some replays fulfil a query that no person asks.

    Args:
        connection: The connection to read with.
        found: The replays.
        query: The query; `seen` has no meaning in it (`check_query`).
        readable: The projects whose errors count.
        now: The moment that `started:-24h` counts from.

    Raises:
        InvalidInput: A key cannot have the value that the query gives it.
    """
    widened = await _include_linked_replays(connection, query)
    _check_values(widened)
    search = ReplaySearch(PersonId(0), tuple(readable), (), widened)
    finder = _Finder(connection, search, now)
    return {listed.replay.key for listed in await finder.select_matching(found)}


def check_query(query_text: str) -> Conjunction:
    """Read a query that is to hold whoever looks.

    Raises:
        InvalidInput: It cannot be understood, or it asks what somebody has seen.
    """
    query = query_language.read_query(query_text)
    if not query.parts:
        raise InvalidInput("the query is empty, so it would match every replay")
    if any(term.key == "seen" for term in query_language.list_terms(query)):
        raise InvalidInput("`seen` depends on who looks, so no rule can ask for it")
    _check_values(query)
    for term in query_language.list_terms(query):
        if _is_early(term):
            query_conditions.make_condition(term, REPLAY_COLUMNS, now=clock.now())
    return query


class _Finder:
    """Scans further and further until a page is full, all is seen, or the budget is spent."""

    def __init__(self, connection: AsyncConnection, search: ReplaySearch, now: datetime) -> None:
        self._connection = connection
        self._search = search
        self._now = now
        self._terms = tuple(query_language.list_terms(search.query))
        self._has_late_terms = any(term.key in LATE_KEYS for term in self._terms)
        self._kept: list[ListedReplay] = []
        self._tried = 0

    async def find(self, limit: int) -> RowRun[ListedReplay]:
        """Find as many replays as there are, up to a limit."""
        cursor, scan_limit = self._search.after, _FIRST_ROWS
        while True:
            wanted = _BATCH if self._has_late_terms else limit + 1
            scan = await self._scan_replays(cursor, limit=wanted, scan_limit=scan_limit)
            await self._keep_matching(scan.replays)
            if len(self._kept) > limit:
                return cut_run(self._kept, limit)
            is_full = len(scan.replays) >= wanted
            if not is_full and scan.end is None:
                return RowRun(tuple(self._kept), has_more=False)
            cursor = self._search.order.key_of(scan.replays[-1]) if is_full else scan.end
            if self._tried >= _MOST_TRIED or (not is_full and scan_limit == _MORE_ROWS):
                return RowRun(tuple(self._kept), has_more=False, stopped_at=cursor)
            scan_limit = scan_limit if is_full else _MORE_ROWS

    async def _scan_replays(
        self, cursor: ListCursor | None, *, limit: int, scan_limit: int
    ) -> ScanResult:
        """Scan in the order of the list; the second time by facts that few replays have."""
        search = self._search
        request = ScanRequest(search.searched, search.order, cursor, search.is_backward)
        condition = self._make_condition if search.query.parts else None
        if condition is not None and scan_limit == _MORE_ROWS:
            facts = query_conditions.find_exact_facts(search.query, is_decided_here=_is_early)
            if facts is not None:
                result = await list_queries.find_by_facts(
                    self._connection, request, facts, condition=condition, limit=limit
                )
                if result is not None:
                    return result
        return await list_queries.scan_replays(
            self._connection, request, condition=condition, limit=limit, scan_limit=scan_limit
        )

    def _make_condition(self, columns: Columns) -> ColumnElement[bool]:
        return query_conditions.make_superset_condition(
            self._search.query, columns, now=self._now, is_decided_here=_is_early
        )

    async def select_matching(self, found: Sequence[Replay]) -> list[ListedReplay]:
        """Return those of some replays that fulfil the whole query, whatever is true of them."""
        early = [term for term in self._terms if _is_early(term)]
        keys = [replay.key for replay in found]
        answers = await list_queries.evaluate_terms(self._connection, keys, early, now=self._now)
        described = await describe_replays(
            self._connection,
            found,
            person_id=self._search.person_id,
            readable=self._search.readable,
        )
        return [each for each in described if self._is_match(each, answers[each.replay.key])]

    async def _keep_matching(self, found: Sequence[Replay]) -> None:
        """Keep the replays that fulfil the whole query."""
        listed = await describe_replays(
            self._connection,
            found,
            person_id=self._search.person_id,
            readable=self._search.readable,
        )
        if self._has_late_terms:
            self._tried += len(found)
            early = [term for term in self._terms if _is_early(term)]
            keys = [replay.key for replay in found]
            answers = await list_queries.evaluate_terms(
                self._connection, keys, early, now=self._now
            )
            listed = [
                listed_replay
                for listed_replay in listed
                if self._is_match(listed_replay, answers[listed_replay.replay.key])
            ]
        self._kept += listed

    def _is_match(self, listed: ListedReplay, early: Mapping[QueryTerm, bool]) -> bool:
        return query_language.is_satisfied(
            self._search.query,
            lambda term: (
                early[term] if _is_early(term) else LATE_KEYS[term.key or ""](listed, term)
            ),
        )


def _is_early(term: QueryTerm) -> bool:
    """Tell a term that Postgres decides from one that needs more than the row of a replay."""
    return term.key not in LATE_KEYS


def _match_number(
    number_of: Callable[[ListedReplay], int],
) -> Callable[[ListedReplay, QueryTerm], bool]:
    return lambda listed, term: query_conditions.matches_number(term, number_of(listed))


def _count_errors(listed: ListedReplay) -> int:
    return listed.counts.app + listed.counts.backend


def _rate_activity(listed: ListedReplay) -> int:
    """Rate how much happened from 0 to 10: errors weigh five times as much as screens."""
    score = _PER_ERROR * _count_errors(listed) + _PER_SCREEN * len(listed.replay.screens)
    return min(_MOST_ACTIVITY, score // 10)


def _match_ending(listed: ListedReplay, term: QueryTerm) -> bool:
    return any(query_conditions.matches_value(listed.ending, value) for value in term.values)


def _match_seen(listed: ListedReplay, term: QueryTerm) -> bool:
    return any(_YES_NO[value.text.lower()] == listed.is_seen for value in term.values)


LATE_KEYS: Final[Mapping[str, Callable[[ListedReplay, QueryTerm], bool]]] = {
    "count_errors": _match_number(_count_errors),
    "count_errors.app": _match_number(lambda listed: listed.counts.app),
    "count_errors.backend": _match_number(lambda listed: listed.counts.backend),
    "activity": _match_number(_rate_activity),
    "end": _match_ending,
    "seen": _match_seen,
}
"""Keys that need more than the row of a replay, and the functions that decide them."""


def _check_values(query: Conjunction) -> None:
    """Refuse values that no replay can have, before any replay is looked at."""
    for term in query_language.list_terms(query):
        if term.key == "seen":
            if any(value.text.lower() not in _YES_NO for value in term.values):
                raise InvalidInput("`seen` is `yes` or `no`")
        elif term.key == "end":
            if term.operator != "=":
                raise InvalidInput(f"`end` cannot be compared by `{term.operator}`")
        elif not _is_early(term):
            query_conditions.read_number(term)
        elif term.operator != "=" and query_conditions.tag_of(term) == term.key:
            raise InvalidInput(_describe_unknown(term))


def _describe_unknown(term: QueryTerm) -> str:
    """Say that a key which is compared is a tag at most, and which key may be meant."""
    known = (*query_conditions.COLUMN_KEYS, *LATE_KEYS)
    near = difflib.get_close_matches(term.key or "", known, n=1)
    meant = f"; did you mean `{near[0]}`?" if near else ""
    return f"there is no key `{term.key}`, and a tag cannot be compared by `{term.operator}`{meant}"


async def _include_linked_replays(connection: AsyncConnection, query: Conjunction) -> Conjunction:
    """Let a trace in a query also mean the replays that its events and spans name."""

    async def widen(part: Expression) -> Expression:
        match part:
            case QueryTerm(key="trace"):
                trace_ids = {ids.read_hex32(value.text) for value in part.values}
                replay_ids = await trace_links.find_replays_of_traces(
                    connection, {TraceId(trace_id) for trace_id in trace_ids if trace_id}
                )
                if not replay_ids:
                    return part
                return Disjunction((part, query_language.exact_term("id", *sorted(replay_ids))))
            case Negation(inner):
                return Negation(await widen(inner))
            case Conjunction(parts):
                return Conjunction(tuple([await widen(inner) for inner in parts]))
            case Disjunction(parts):
                return Disjunction(tuple([await widen(inner) for inner in parts]))
            case _:
                return part

    return Conjunction(tuple([await widen(part) for part in query.parts]))
