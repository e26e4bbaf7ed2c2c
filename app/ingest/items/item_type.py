"""The contract of an item type: how its items become rows, and how its rows are stored.

    items of a type ─► prepare ─► rows and outcomes in a `PreparedBatch` ─► store ─► outcomes

Each type that Playhead keeps is a file beside this one, which exports one `ItemType`;
`ingest/item_types.py` lists them all.
"""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.days import BatchDays
from app.core.errors import OversizedInput, RateLimited, RequestRefused
from app.core.ids import EventId, ProjectId
from app.formats.jsonish import JsonObject
from app.formats.wire.envelope import EnvelopeItem
from app.ingest.items.batch_files import BatchFiles
from app.ingest.items.context import EnvelopeContext, ReceivedItem
from app.ingest.items.events.scrubbed_event import FilesBy
from app.ingest.items.segments.pack import Pack
from app.ingest.outcomes import outcome_key
from app.issues.model import NO_CHANGES, IssueChanges
from app.projects.model import Outcome, OutcomeKey, RemovalKey
from app.projects.storage import StorageChanges, StorageKind
from app.scrub.places import PayloadKind
from app.storage.port import ObjectStore
from app.symbolication.model import SymbolicatedEvent

type Prepare = Callable[[Sequence[ReceivedItem], PreparedBatch], None]
"""Reads, checks and scrubs items, and adds their rows and outcomes to a batch."""
type Store[Row] = Callable[[StoreTransaction, Sequence[Row]], Awaitable[StoredRows]]
"""Writes rows in the transaction of their batch."""


@dataclass(frozen=True, slots=True, eq=False)
class ItemType[Row]:
    """A type of item that Playhead keeps.

    Types with the same `prepare` are prepared together, and types with the same `store` have one
    list of rows, which is stored at once.
    """

    name: str
    """The type as the header of an item names it."""
    categories: tuple[str, ...]
    """The words for this type in `X-Sentry-Rate-Limits`."""
    limit_bytes: int
    """The largest payload that is read; `prepare` refuses a larger one with `check_size`."""
    scrubbing: PayloadKind | None
    """The layout by which text in the payload is told from structure, if it holds any."""
    prepare: Prepare
    store: Store[Row] | None
    """The function that writes its rows, or None if only its outcomes are stored."""
    is_in_object_storage: bool = False
    """True if its bytes go to object storage, or belong to an item whose bytes do."""
    is_container: bool = False
    """True if one item holds several records, each of which is counted."""

    def check_size(self, item: EnvelopeItem) -> None:
        """Refuse an item that is larger than its type allows.

        Raises:
            OversizedInput: Its payload has more than `limit_bytes`.
        """
        if len(item.payload) > self.limit_bytes:
            raise OversizedInput(
                f"{self.name} has {len(item.payload)} bytes, {self.limit_bytes} are allowed"
            )


class EventToSymbolicate(NamedTuple):
    """An event of a batch whose frames may become clear."""

    row_number: int
    """Its place among the rows of events."""
    found_by: FilesBy
    """The key by which its debug files are found."""
    decode: Callable[[], JsonObject]
    """Decodes the members that symbolication reads; called in a thread."""


@dataclass(slots=True)
class SymbolicatedBatch:
    """The results of symbolication for events of a batch."""

    events: dict[tuple[ProjectId, EventId], SymbolicatedEvent] = field(default_factory=dict)
    looked_up_at: datetime = field(default_factory=clock.now)
    """The time at which their debug files were looked up."""


@dataclass(slots=True)
class PreparedBatch:
    """Everything that one or several envelopes ask to be stored, in the order of arrival."""

    day: date = field(default_factory=lambda: clock.now().date())
    """The day in the names of its objects, by Postgres' clock."""
    outcomes: Counter[OutcomeKey] = field(default_factory=Counter)
    """Outcomes that are known before anything is stored."""
    removals: Counter[RemovalKey] = field(default_factory=Counter)
    """The number of removals by each rule from its items."""
    rows: defaultdict[Store[Any] | None, list[Any]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """The rows by the way in which they are stored; `rows_of` knows their type."""
    to_symbolicate: list[EventToSymbolicate] = field(default_factory=list)
    """Its events that may need debug files."""
    symbolicated: SymbolicatedBatch = field(default_factory=SymbolicatedBatch)
    """The results of symbolication for its events."""

    def rows_of[Row](self, item_type: ItemType[Row]) -> list[Row]:
        """Return the rows of a type, and of those that are stored with it; add to them here."""
        return self.rows[item_type.store]

    def count(
        self,
        context: EnvelopeContext,
        item_type: str,
        outcome: Outcome,
        reason: str = "",
        *,
        quantity: int = 1,
    ) -> None:
        """Count an outcome that is known before storing."""
        self.outcomes[outcome_key(context.project_id, item_type, outcome, reason)] += quantity

    def refuse(self, context: EnvelopeContext, item_type: str, refused: RequestRefused) -> None:
        """Count an item that cannot be kept, or that met a limit."""
        outcome = Outcome.LIMITED if isinstance(refused, RateLimited) else Outcome.REFUSED
        self.count(context, item_type, outcome, refused.reason)


@dataclass(frozen=True, slots=True)
class StoreTransaction:
    """The transaction that stores a batch, and the objects that were put before it began."""

    connection: AsyncConnection
    objects: ObjectStore
    pack: Pack
    """The object with the videos of the batch's segments."""
    files: BatchFiles
    """The files of the batch and their objects."""
    days: BatchDays
    """The days and classes of its rows."""
    symbolicated: SymbolicatedBatch
    """`PreparedBatch.symbolicated`."""


@dataclass(frozen=True, slots=True)
class StoredRows:
    """The outcomes of the rows of one type."""

    outcomes: Counter[OutcomeKey]
    storage: StorageChanges | None = None
    """The bytes of the new rows and their objects; None if they are not counted."""
    added_events: Collection[tuple[ProjectId, EventId]] = ()
    """The keys of events that are new: they are linked to replays when all rows are written."""
    issue_changes: IssueChanges = NO_CHANGES
    """The issues that these events have begun or brought back."""


def one_by_one(
    prepare_item: Callable[[EnvelopeItem, EnvelopeContext, PreparedBatch], None],
) -> Prepare:
    """Return a `Prepare` that takes items one after the other and counts what is refused."""

    def prepare_each(received: Sequence[ReceivedItem], prepared: PreparedBatch) -> None:
        for item, context in received:
            try:
                prepare_item(item, context, prepared)
            except RequestRefused as refused:
                prepared.refuse(context, item.type, refused)

    return prepare_each


def count_rows[Key: tuple[ProjectId, *tuple[str, ...]]](
    rows: Iterable[tuple[str, Key, int]], added: Collection[Key]
) -> Counter[OutcomeKey]:
    """Count rows as kept or duplicate, by whether they were added.

    Args:
        rows: The item type of each row, its key, and how many records it holds; in the order of
            arrival.
        added: The keys of new rows. Of several rows with one key only the first counts as kept.
    """
    new = set(added)
    sums: Counter[tuple[ProjectId, str, Outcome]] = Counter()
    for item_type, key, quantity in rows:
        outcome = Outcome.KEPT if key in new else Outcome.DUPLICATE
        new.discard(key)
        sums[key[0], item_type, outcome] += quantity
    return Counter({outcome_key(*which): quantity for which, quantity in sums.items()})


def sum_storage[Key: tuple[ProjectId, *tuple[str, ...]]](
    kind: StorageKind, day: date, rows: Iterable[tuple[Key, int, int]], added: Collection[Key]
) -> StorageChanges:
    """Add up what new rows take.

    Args:
        kind: The kind of the rows.
        day: Their day.
        rows: The key of each row, how many records it holds, and its bytes; in the order of
            arrival.
        added: The keys of new rows. Of several rows with one key the first is stored.
    """
    new = set(added)
    sums: defaultdict[ProjectId, list[tuple[int, int]]] = defaultdict(list)
    for key, items, size_bytes in rows:
        if key in new:
            new.discard(key)
            sums[key[0]].append((items, size_bytes))
    changes = StorageChanges()
    for project_id, amounts in sums.items():
        items, size_bytes = map(sum, zip(*amounts, strict=True))
        changes.add(project_id, day, kind, size_bytes=size_bytes, items=items)
    return changes
