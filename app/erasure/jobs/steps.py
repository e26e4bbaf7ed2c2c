"""The steps of an erasure: each removes a bounded amount in one transaction, and may run twice.

The job is locked for the length of a step, and how far it got is saved in the same transaction. So
after a crash the next process goes on exactly where the last commit was.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, false
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ReplayId
from app.db import project_rows, record_scans
from app.db.record_scans import RecordSource, ScannedRecord
from app.debug_files import receipts
from app.erasure.jobs import hide, phases, rows
from app.erasure.jobs.hide import HidingResult
from app.erasure.jobs.model import Erasure
from app.erasure.jobs.scopes import PersonScope, ProjectScope, RangeScope
from app.erasure.log import lines
from app.erasure.people import records
from app.erasure.people.names import NameMatcher
from app.feedback.erase import FEEDBACK_RECORDS, is_from
from app.issues.deletion import erase_events, erase_users
from app.issues.deletion.erase_events import EVENT_RECORDS
from app.replays.deletion import hiding
from app.replays.model import ReplayKey

Relink = Callable[[AsyncConnection, Collection[ReplayId]], Awaitable[None]]
"""Makes the links of some replays with issues anew; digest knows how."""

_MORE: Final = "more"
"""The position of a phase that looks for what is left with each step."""
_PARTS: Final = 10
"""Replays whose parts go with one step: some 80 statements. Digest waits meanwhile for the totals
of storage that both change, and 50 took 12 s on a busy machine with a pooler.
"""
_LINKED_REPLAYS: Final = 50
_RECORDS: Final = 500
"""Records that one step reads: some megabytes of payload at most."""
_FOUND: Final = 1_000
"""Records of a kind that go with the first transaction."""
_ROWS: Final = 5_000
"""Rows of a deleted project that one step deletes."""
_SLACK: Final = timedelta(hours=1)
"""The longest time for which an envelope may have waited in the journal of another process."""
KEPT_OF_PROJECTS: Final = (
    # The receipt, and what the sweep still has to do.
    "erasures", "erasure_holds", "tombstones", "object_outbox", "pack_outbox", "file_outbox",
    "debug_file_sweeps", "debug_file_receipts",
    # Append-only, without content, and gone after a year.
    "audit_lines", "view_log",
    # These hand their bytes to the sweep as they go.
    "replays", "segments", "replay_pictures", "events", "attachments", "debug_files",
    # These go with the project itself.
    "projects", "project_keys", "members", "project_invitations",
)  # fmt: skip
"""Tables whose rows a deleted project keeps, or loses in another way."""


@dataclass(slots=True)
class StepResult:
    """The result of a step: counts of what it erased, and its position afterwards."""

    counts: Counter[str] = field(default_factory=Counter)
    size_bytes: int = 0
    position: Any = None
    """The place in the phase at which the next step begins; None if the phase is over."""


@dataclass(frozen=True, slots=True)
class ErasureStep:
    """One step of a job that is locked in the transaction of the step."""

    connection: AsyncConnection
    erasure: Erasure
    at: datetime
    relink: Relink
    result: StepResult = field(default_factory=StepResult)

    async def run(self) -> StepResult:
        """Do the next step of the phase that the job is in."""
        match self.erasure.phase:
            case phases.RELINK:
                await self.relink(self.connection, self.erasure.position or ())
            case phases.PARTS | phases.PARTS_AGAIN:
                await self._remove_parts()
            case phases.LINKED | phases.LINKED_AGAIN:
                await self._erase_linked()
            case phases.SCAN | phases.SCAN_AGAIN if isinstance(self.erasure.scope, ProjectScope):
                await self._erase_project()
            case phases.SCAN | phases.SCAN_AGAIN:
                await self._scan_records()
            case phases.HIDE_AGAIN:
                self._add_hidden(await hide.hide_scope(self.connection, self.erasure, at=self.at))
            case phases.USERS:
                await self._erase_users()
            case _:
                pass
        return self.result

    async def erase_what_indexes_find(self) -> None:
        """Erase the records of a person that indexes find; the first transaction does this.

        These are records that name the hidden replays, events of users whom issues count, and
        feedback by its sender.
        """
        scope = self.erasure.scope
        if not isinstance(scope, PersonScope):
            return
        names, users = scope.person_names, hide.write_user_names(scope.person_names)
        senders = [(FEEDBACK_RECORDS, is_from([name.value for name in names]))]
        if users:
            of_users = erase_users.is_of_users(self.erasure.project_id, users)
            senders.append((EVENT_RECORDS, of_users))
        found = [
            (source, await self._find_records(source, condition)) for source, condition in senders
        ]
        # All replays are locked before any issue, as digest does it.
        for source, of_source in found:
            await self._hide_replays_of(scope.matcher, source, of_source)
        for source, of_source in found:
            await self._erase(source, await self._leave_held(of_source))
        keys = await hiding.list_erased_keys(
            self.connection, self.erasure.id, after=ReplayId(""), limit=_FOUND
        )
        replay_ids = [key.replay_id for key in keys]
        for source in records.SOURCES:
            linked = await self._find_records(source, record_scans.names_replay(source, replay_ids))
            await self._erase(source, linked)

    async def _find_records(
        self, source: RecordSource, condition: ColumnElement[bool]
    ) -> list[ScannedRecord]:
        part = await record_scans.read_records(
            self.connection,
            source,
            self.erasure.project_id,
            limit=_FOUND,
            condition=condition,
            is_ordered=False,
        )
        return list(part.records)

    async def _leave_held(self, found: Sequence[ScannedRecord]) -> list[ScannedRecord]:
        held = await rows.list_held_keys(self.connection, self.erasure.id)
        held_ids = {key.replay_id for key in held}
        return [record for record in found if record.replay_id not in held_ids]

    async def _remove_parts(self) -> None:
        hidden = await hiding.read_hidden_replays(self.connection, self.erasure.id, limit=_PARTS)
        await hide.remove_parts(self.connection, hidden, at=self.at)
        if len(hidden) == _PARTS:
            self.result.position = _MORE

    async def _erase_linked(self) -> None:
        """Erase the records that name some of the hidden replays; an index finds them."""
        after = self.erasure.position or ""
        keys = await hiding.list_erased_keys(
            self.connection, self.erasure.id, after=ReplayId(after), limit=_LINKED_REPLAYS
        )
        if not keys:
            return
        is_whole = True
        for source in records.SOURCES:
            condition = record_scans.names_replay(source, [key.replay_id for key in keys])
            part = await record_scans.read_records(
                self.connection,
                source,
                self.erasure.project_id,
                limit=_RECORDS,
                condition=condition,
                is_ordered=False,
            )
            await self._erase(source, part.records)
            is_whole = is_whole and part.cursor is None
        # If one step could not take all records, the next one takes the same replays again.
        self.result.position = keys[-1].replay_id if is_whole else after

    async def _scan_records(self) -> None:
        """Read the next records of the project, and erase those that belong to the scope."""
        position = self.erasure.position or {"source": 0, "cursor": None}
        source = records.SOURCES[position["source"]]
        part = await record_scans.read_records(
            self.connection,
            source,
            self.erasure.project_id,
            after=position["cursor"],
            limit=_RECORDS,
            condition=self._limit_scan(source),
        )
        await self._erase(source, await self._choose(source, part.records))
        if part.cursor is not None:
            self.result.position = {**position, "cursor": part.cursor}
        elif position["source"] + 1 < len(records.SOURCES):
            self.result.position = {"source": position["source"] + 1, "cursor": None}

    def _limit_scan(self, source: RecordSource) -> ColumnElement[bool] | None:
        """Return the condition that limits this scan; None if it reads all records."""
        scope = self.erasure.scope
        if isinstance(scope, RangeScope):
            if not any(source in records.RECORD_KINDS[kind] for kind in scope.kinds):
                return false()
            return record_scans.is_received_between(source, scope.since, scope.until)
        if self.erasure.phase == phases.SCAN_AGAIN:
            since = self.erasure.requested_at - _SLACK
            return record_scans.is_received_between(source, since, None)
        return None

    async def _choose(
        self, source: RecordSource, found: Sequence[ScannedRecord]
    ) -> list[ScannedRecord]:
        """Return the records that belong to the scope and that no hold keeps."""
        chosen, scope = list(found), self.erasure.scope
        if isinstance(scope, PersonScope):
            matcher = scope.matcher
            test = records.make_person_test(matcher)
            chosen = await records.choose_records(source, found, test)
            await self._hide_replays_of(matcher, source, chosen)
        return await self._leave_held(chosen)

    async def _hide_replays_of(
        self, matcher: NameMatcher, source: RecordSource, chosen: Sequence[ScannedRecord]
    ) -> None:
        """Hide the replays in which an event or feedback names the person as its user.

        A replay knows the user of its first segments only: whoever signed in later stands in the
        events. The parts of these replays go in a later phase.
        """
        keys = {
            ReplayKey(self.erasure.project_id, record.replay_id)
            for record in chosen
            if record.replay_id and records.is_of_user(matcher, source, record)
        }
        hidden = await hide.hide_keys(self.connection, self.erasure, sorted(keys), at=self.at)
        self._add_hidden(hidden)

    async def _erase_project(self) -> None:
        """Delete whatever is left of a project, table by table."""
        names = [source.name for source in records.SOURCES]
        # Issues before events, whose erasure would otherwise correct their counts.
        deleted = await project_rows.delete_project_rows(
            self.connection,
            self.erasure.project_id,
            but=(*KEPT_OF_PROJECTS, *names),
            limit=_ROWS,
        )
        is_over = deleted < _ROWS
        for source in records.SOURCES if is_over else ():
            part = await record_scans.read_records(
                self.connection, source, self.erasure.project_id, limit=_RECORDS
            )
            await self._erase(source, part.records)
            is_over = is_over and part.cursor is None
        files, size_bytes = await erase_events.erase_files_of_project(
            self.connection, self.erasure.project_id, at=self.at, limit=_RECORDS
        )
        self.result.counts["files"] += files
        self.result.size_bytes += size_bytes
        debug_files = await receipts.erase_files_of_project(
            self.connection, self.erasure.project_id, limit=_RECORDS
        )
        self.result.counts["debug_files"] += debug_files.files
        self.result.size_bytes += debug_files.stored_bytes
        is_over = is_over and files < _RECORDS and debug_files.files < _RECORDS
        self.result.position = None if is_over else _MORE

    async def _erase(self, source: RecordSource, chosen: Sequence[ScannedRecord]) -> None:
        erased = await records.erase_records(
            self.connection, self.erasure.project_id, source, chosen, at=self.at
        )
        self.result.counts.update(erased.counts)
        self.result.size_bytes += erased.size_bytes
        if isinstance(self.erasure.scope, ProjectScope):
            return
        if erased.replays_to_link:
            await self.relink(self.connection, erased.replays_to_link)
        await lines.add_records_line(self.connection, self.erasure, erased.ids, at=self.at)

    async def _erase_users(self) -> None:
        scope = self.erasure.scope
        if not isinstance(scope, PersonScope):
            return
        project_id = self.erasure.project_id
        hashes = erase_users.hash_names(project_id, hide.write_user_names(scope.person_names))
        await erase_users.erase_issue_users(self.connection, project_id, hashes)
        await lines.add_users_line(self.connection, self.erasure, sorted(hashes), at=self.at)

    def _add_hidden(self, hidden: HidingResult) -> None:
        self.result.counts.update(hidden.counts)
        self.result.size_bytes += hidden.video_bytes
