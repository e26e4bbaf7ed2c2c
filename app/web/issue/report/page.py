"""The value that the page of an issue's report reads."""

from dataclasses import dataclass

from app.web.words.reports.file_blocks import ReportFileBlock
from app.web.words.reports.ticket_blocks import TicketSection


@dataclass(frozen=True, slots=True)
class IssueReportPage:
    """The report of an issue with one of its events, as files to copy or download."""

    title: str
    issue_href: str
    event_href: str | None
    """The event that the report describes; None if the issue has none."""
    files: tuple[ReportFileBlock, ...]
    tickets: TicketSection
    problem: str | None = None
    """What to correct in the form of a ticket."""
