"""Finds the records beside replays that name a person, and erases them.

    events · feedback · logs · spans · quarantined envelopes
        ─► read some ─► does it name the person? (away from the event loop) ─► delete

The ids of deleted records are also written to the log of erasures (`log/lines.py`).
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, ProjectId, ReplayId
from app.db import record_scans
from app.db.record_scans import RecordSource, ScannedRecord
from app.erasure.people.names import NameKind, NameMatcher
from app.feedback.erase import FEEDBACK_RECORDS
from app.issues.deletion import erase_events
from app.issues.deletion.erase_events import EVENT_RECORDS
from app.messages.erase import erase_from_messages
from app.projects import erase as project_erase
from app.projects.erase import QUARANTINE_RECORDS
from app.traces.erase import BLOCK_RECORDS, LOG_RECORDS, OLD_RECORDS

SOURCES: Final = (
    EVENT_RECORDS, FEEDBACK_RECORDS, LOG_RECORDS, BLOCK_RECORDS, *OLD_RECORDS, QUARANTINE_RECORDS,
)  # fmt: skip
"""The kinds of records that may name a person, in the order in which erasures read them."""
COUNTED_AS: Final = {
    EVENT_RECORDS.name: "events",
    FEEDBACK_RECORDS.name: "feedback",
    LOG_RECORDS.name: "logs",
    BLOCK_RECORDS.name: "spans",
    **{source.name: "spans" for source in OLD_RECORDS},
    QUARANTINE_RECORDS.name: "quarantined",
}
"""The names under which erasures count records."""
RECORD_KINDS: Final = {
    "errors": (EVENT_RECORDS,),
    "feedback": (FEEDBACK_RECORDS,),
    "logs": (LOG_RECORDS,),
    "spans": (BLOCK_RECORDS, *OLD_RECORDS),
    "replays": (QUARANTINE_RECORDS,),
}
"""Sources by the words that people choose. Quarantined envelopes belong to the replays."""
_FIELDS: Final = {"name": NameKind.NAME, "email": NameKind.EMAIL}
"""Columns of text that hold one kind of name."""

RecordTest = Callable[[RecordSource, ScannedRecord], bool]


@dataclass(slots=True)
class ErasedRecords:
    """Counts and ids of the records that a step erased."""

    counts: Counter[str] = field(default_factory=Counter)
    size_bytes: int = 0
    ids: dict[str, list[str]] = field(default_factory=dict)
    """The ids of records by table, for the log of erasures."""
    replays_to_link: set[ReplayId] = field(default_factory=set)
    """Replays whose links to issues are to be made anew, in the same transaction."""


def make_person_test(matcher: NameMatcher) -> RecordTest:
    """Return the test whether a record names a person."""

    def names_person(source: RecordSource, record: ScannedRecord) -> bool:
        if matcher.names_user(record.user):
            return True
        for name in source.texts:
            value = record.values[name]
            kind = _FIELDS.get(name) if source is FEEDBACK_RECORDS else None
            if matcher.names_field(kind, value) if kind else matcher.stands_in(value):
                return True
        if any(matcher.stands_in_packed(record.values[name]) for name in source.packed):
            return True
        return bool(source.bodies) and _stands_in_envelope(matcher, record)

    return names_person


def is_of_user(matcher: NameMatcher, source: RecordSource, record: ScannedRecord) -> bool:
    """Tell whether the person is the user whom an event or feedback names."""
    if source is FEEDBACK_RECORDS:
        return any(matcher.names_field(kind, record.values[name]) for name, kind in _FIELDS.items())
    return matcher.names_user(record.user)


async def choose_records(
    source: RecordSource, records: Sequence[ScannedRecord], test: RecordTest
) -> list[ScannedRecord]:
    """Return the records that pass a test, which runs away from the event loop."""
    return await asyncio.to_thread(lambda: [record for record in records if test(source, record)])


async def erase_records(
    connection: AsyncConnection,
    project_id: ProjectId,
    source: RecordSource,
    records: Sequence[ScannedRecord],
    *,
    at: datetime,
) -> ErasedRecords:
    """Delete records with their files, and subtract events from their issues.

    Returns:
        Counts by the names in `COUNTED`, bytes, ids, and the replays whose links must be made anew.
    """
    erased = ErasedRecords()
    if not records:
        return erased
    erased.size_bytes = sum(record.size_bytes for record in records)
    ids = [_find_id(source, record) for record in records]
    erased.ids[source.name] = ids
    if source is EVENT_RECORDS:
        await _erase_events(connection, project_id, [EventId(each) for each in ids], erased, at)
        return erased
    if source is FEEDBACK_RECORDS:
        event_ids = [EventId(each) for each in ids]
        files, size_bytes = await erase_events.erase_files(connection, project_id, event_ids, at=at)
        erased.counts["files"] += files
        erased.size_bytes += size_bytes
    await record_scans.delete_records(connection, source, [record.key for record in records])
    erased.counts[COUNTED_AS[source.name]] += sum(record.quantity for record in records)
    return erased


async def _erase_events(
    connection: AsyncConnection,
    project_id: ProjectId,
    event_ids: Sequence[EventId],
    erased: ErasedRecords,
    at: datetime,
) -> None:
    done = await erase_events.erase_events(connection, project_id, event_ids, at=at)
    # The last event of an issue may be another one than that of which a message tells.
    messages = await erase_from_messages(connection, project_id, [*done.event_ids, *done.issue_ids])
    erased.counts.update(
        {
            "events": len(done.event_ids),
            "issues": len(done.issue_ids),
            "files": done.files,
            "messages": messages,
        }
    )
    erased.size_bytes = done.size_bytes
    erased.replays_to_link |= set(done.replays_to_link)


def _stands_in_envelope(matcher: NameMatcher, record: ScannedRecord) -> bool:
    """Tell whether a quarantined envelope names the person, in one of its lines."""
    body = project_erase.read_body(record)
    for line in body.split(b"\n"):
        if line[:1] in {b"{", b"["} and matcher.stands_in_json(line):
            return True
        if matcher.stands_in(line.decode("utf-8", "replace")):
            return True
    return False


def _find_id(source: RecordSource, record: ScannedRecord) -> str:
    """Return the id of a record within its project: the last column of its key."""
    _ = source
    value = record.key[-1]
    return value if isinstance(value, str) else str(value)
