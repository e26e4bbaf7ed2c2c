"""Makes the stacks of events clear: looks up their files, and asks family after family.

    events ─► drafts ─ ids, addresses ─► one look-up ─► for each event: family, family, … ─► finish

It never fails an event. A family that fails leaves its frames as they were sent; an event that
takes too long, or whose file would have to be fetched, comes out as sent and pending.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import msgspec

from app.core import log
from app.core.clock import monotonic_s
from app.core.errors import ServiceUnavailable
from app.core.ids import ProjectId
from app.core.limits import LIMITS
from app.db.engine import Database
from app.formats.jsonish import JsonObject
from app.symbolication.cache import DebugFileCache
from app.symbolication.draft import EventDraft, OutOfTime
from app.symbolication.family import FileNotAtHand, SymbolFamily
from app.symbolication.found_files import FileOpener, FoundFiles, SymbolFilesQuery, find_files
from app.symbolication.metrics import SymbolicationMetrics, SymbolicationResult
from app.symbolication.model import NOT_SYMBOLICATED, SymbolicatedEvent

PENDING: Final = SymbolicatedEvent(members={}, is_pending=True)
"""The value of an event that a worker is to do."""
_SOURCE_LINES: Final = ("pre_context", "post_context", "context_line")

_logger: Final = log.get_logger("symbolication")


class TimeBudget(NamedTuple):
    """The time that symbolication may take."""

    event_s: float
    """Seconds for one event."""
    batch_s: float
    """Seconds for all events that are done together."""


AT_INGEST: Final = TimeBudget(event_s=0.05, batch_s=2.0)
"""The budget of digest, so small that no event is delayed much."""
IN_WORKER: Final = TimeBudget(event_s=30.0, batch_s=600.0)


@dataclass(frozen=True, slots=True)
class SentEvent:
    """An event to be symbolicated."""

    project_id: ProjectId
    event: JsonObject
    """The event as sent, scrubbed; it is not changed."""
    view_types: frozenset[str] = frozenset()
    """The classes of the views in the view hierarchy that came with it."""


class EventSymbolicator:
    """Makes events clear with the families of all platforms. Use it from one event loop."""

    def __init__(
        self, database: Database, cache: DebugFileCache, families: Sequence[SymbolFamily]
    ) -> None:
        """Make a symbolicator.

        Args:
            database: The database with the debug files.
            cache: Opens their objects.
            families: The families, in the order in which they are asked.
        """
        self._database = database
        self._cache = cache
        self._families = tuple(families)
        self.metrics: Final = SymbolicationMetrics()

    async def symbolicate_events(
        self, events: Sequence[SentEvent], budget: TimeBudget, *, is_fetching: bool
    ) -> list[SymbolicatedEvent]:
        """Symbolicate some events.

        Args:
            events: The events.
            budget: The time that it may take.
            is_fetching: True to wait for files that are not on this machine. If not, events are
                pending whose files do not come at once.

        Returns:
            A value for each event, in the order given; `NOT_SYMBOLICATED` for those that need no
            debug file.

        Raises:
            ServiceUnavailable: Postgres does not answer; or the store does not, while fetching.
        """
        began_s = monotonic_s()
        asked = await asyncio.to_thread(self._ask, events)
        answers = await find_files(self._database, [question for _, question in asked])
        opener = FileOpener(self._cache, is_patient=is_fetching)
        done: list[SymbolicatedEvent] = []
        for (draft, question), answer in zip(asked, answers, strict=True):
            if question.is_empty:
                done.append(NOT_SYMBOLICATED)
                continue
            if monotonic_s() - began_s > budget.batch_s:
                finished = PENDING
            else:
                files = FoundFiles(question.project_id, answer, opener)
                finished = await self._finish_draft(draft, files, budget)
            self.metrics.count_event(_name_result(finished))
            done.append(finished)
        self.metrics.count_time(monotonic_s() - began_s)
        return done

    def list_questions(self, events: Sequence[SentEvent]) -> list[SymbolFilesQuery]:
        """List what some events may need, without any I/O."""
        return [question for _, question in self._ask(events)]

    def _ask(self, events: Sequence[SentEvent]) -> list[tuple[EventDraft, SymbolFilesQuery]]:
        asked: list[tuple[EventDraft, SymbolFilesQuery]] = []
        for sent in events:
            draft = self._make_draft(sent)
            debug_ids, urls = set[str](), set[str]()
            for family in self._families:
                try:
                    debug_ids.update(family.list_debug_ids(draft))
                    urls.update(family.list_urls(draft))
                except Exception:
                    _logger.exception("a family of frames failed", family=type(family).__name__)
            question = SymbolFilesQuery(
                sent.project_id,
                frozenset(debug_ids),
                draft.release or "",
                draft.dist or "",
                frozenset(urls),
            )
            asked.append((draft, question))
        return asked

    def _make_draft(self, sent: SentEvent) -> EventDraft:
        try:
            return EventDraft.of_event(sent.event, view_types=sent.view_types)
        except Exception:
            # Its frames stay as they were sent; the other events of the batch go on.
            self.metrics.count_event("failed")
            _logger.exception("an event cannot be read for symbolication")
            return EventDraft({})

    async def _finish_draft(
        self, draft: EventDraft, files: FoundFiles, budget: TimeBudget
    ) -> SymbolicatedEvent:
        """Let all families rewrite a draft; a worker does it if there is no time."""
        draft.deadline_s = monotonic_s() + budget.event_s
        try:
            async with asyncio.timeout(budget.event_s):
                for family in self._families:
                    await self._ask_family(family, draft, files)
            return await asyncio.to_thread(_bound_size, draft.finish())
        except (OutOfTime, FileNotAtHand, TimeoutError):
            if files.opener.is_patient:
                _logger.warning("an event takes too long to symbolicate", project=files.project_id)
            return PENDING
        except ServiceUnavailable:
            if files.opener.is_patient:
                raise
            return PENDING
        except Exception:
            # Such as text that JSON cannot hold: the other events of the batch go on.
            self.metrics.count_event("failed")
            _logger.exception("an event cannot be finished", project=files.project_id)
            return NOT_SYMBOLICATED

    async def _ask_family(self, family: SymbolFamily, draft: EventDraft, files: FoundFiles) -> None:
        draft.check_time()
        try:
            await family.rewrite(draft, files)
        except (OutOfTime, FileNotAtHand, TimeoutError, ServiceUnavailable):
            raise
        except Exception:
            # Whatever is wrong with a file or a frame, the event is kept, and others go on.
            self.metrics.count_event("failed")
            _logger.exception("a family of frames failed", family=type(family).__name__)


def _bound_size(symbolicated: SymbolicatedEvent) -> SymbolicatedEvent:
    """Leave source lines out if they would make the event larger than any may be."""
    if _is_small(symbolicated):
        return symbolicated
    members = {name: _drop_source_lines(value) for name, value in symbolicated.members.items()}
    without_lines = replace(symbolicated, members=members)
    return without_lines if _is_small(without_lines) else replace(symbolicated, members={})


def _is_small(symbolicated: SymbolicatedEvent) -> bool:
    return len(msgspec.json.encode(symbolicated.members)) <= 2 * LIMITS.event_bytes


def _drop_source_lines(value: object) -> object:
    if isinstance(value, dict):
        return {
            name: _drop_source_lines(item)
            for name, item in value.items()
            if name not in _SOURCE_LINES
        }
    if isinstance(value, list):
        return [_drop_source_lines(item) for item in value]
    return value


def _name_result(symbolicated: SymbolicatedEvent) -> SymbolicationResult:
    if symbolicated.is_pending:
        return "pending"
    return "clear" if symbolicated.is_changed else "unchanged"
