"""Reads a replay for its report, and notes in the log who takes a report away."""

from dataclasses import dataclass
from typing import Final

from app.audit import writes as audit
from app.audit.model import Action
from app.core.replay.replay_range import ReplayRange
from app.playback.pictures import stored
from app.playback.recording import contents
from app.playback.visit.model import ReplayPageData
from app.playback.visit.reader import ReplayReader
from app.reports.tickets.read import ReportTickets, read_replay_tickets

_LEAD_MS: Final = 10_000
"""Time before a range whose recordings are read too, since touches and screens reach into it."""


@dataclass(frozen=True, slots=True)
class ReportData:
    """A replay, read for a report."""

    page: ReplayPageData
    has_poster: bool
    tickets: ReportTickets


async def read_report(reader: ReplayReader, within: ReplayRange | None) -> ReportData:
    """Read a replay for a report about it or about a range of it.

    Of a replay whose recordings are too large to be read at once, the part is read in which the
    range lies.

    Raises:
        NotFound: There is no such replay.
    """
    page = await reader.find_page()
    recorded = page.contents
    if within is not None and recorded.unread and not recorded.is_storage_away:
        first_id = contents.find_first_unread(recorded, _with_lead(within))
        if first_id:
            page = await reader.find_page(from_segment=first_id)
    strip = await stored.find_strip(reader.db, reader.key)
    async with reader.db.reading() as connection:
        tickets = await read_replay_tickets(connection, reader.key)
    return ReportData(page, has_poster=strip.drawn is not None, tickets=tickets)


async def note_report_taken(reader: ReplayReader, what: str) -> None:
    """Note in the log that a person takes a report or a test flow of a replay away.

    Args:
        reader: The person and the replay.
        what: The name of the file, such as `report.md`.
    """
    async with reader.db.transaction() as connection:
        await audit.add_audit_line(
            connection,
            Action.REPLAY_DOWNLOADED,
            person_id=reader.person.id,
            project_id=reader.key.project_id,
            subject=reader.key.replay_id,
            detail={"what": what},
        )


def _with_lead(within: ReplayRange) -> ReplayRange:
    return ReplayRange(max(0, within.from_ms - _LEAD_MS), within.to_ms)
