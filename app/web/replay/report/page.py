"""The value that the page of a replay's report reads."""

from dataclasses import dataclass
from datetime import datetime

from app.core.replay.replay_range import ReplayRange
from app.web.words.reports.file_blocks import ReportFileBlock
from app.web.words.reports.ticket_blocks import TicketSection


@dataclass(frozen=True, slots=True)
class ReplayReportPage:
    """The report of a replay or of a range of it, as files to copy or download."""

    user: str | None
    started_at: datetime
    replay_href: str
    """The address that opens the replay where the report begins."""
    hand_on_href: str
    whole_href: str | None
    """The report of the whole replay; None if this is it."""
    within: ReplayRange | None
    files: tuple[ReportFileBlock, ...]
    tickets: TicketSection
    problem: str | None = None
    """What to correct in the form of a ticket."""
