"""Builds the page of an issue's report."""

from functools import partial

from app.reports.model import IssueReport
from app.reports.tickets.read import ReportTickets
from app.web.issue.report.page import IssueReportPage
from app.web.urls import issue_urls
from app.web.words.reports.file_blocks import build_file_blocks
from app.web.words.reports.ticket_blocks import build_ticket_section


def build_report_page(
    report: IssueReport,
    tickets: ReportTickets,
    *,
    event_id: str,
    may_change: bool,
    may_set_up: bool,
    problem: str | None = None,
) -> IssueReportPage:
    """Build the page that shows each file of a report.

    Args:
        report: The report.
        tickets: The tickets that are kept with the issue, and the project's trackers.
        event_id: The event that was asked for; empty for the newest one.
        may_change: True if the visitor may keep tickets with the issue.
        may_set_up: True if the visitor may change the project's trackers.
        problem: What to correct in the form of a ticket.
    """
    key = (report.project_id, report.issue_id)
    event = report.problem
    report_href = issue_urls.issue_report(*key, event_id=event_id)
    return IssueReportPage(
        title=report.title,
        issue_href=issue_urls.issue(*key),
        event_href=issue_urls.issue_event(*key, event.event_id) if event else None,
        files=build_file_blocks(
            report, partial(issue_urls.issue_report_file, *key, event_id=event_id)
        ),
        tickets=build_ticket_section(
            tickets,
            report,
            whole_url=report.addresses.base_url + report_href,
            keep_href=issue_urls.keep_ticket(*key),
            remove_href=partial(issue_urls.forget_ticket, *key),
            may_change=may_change,
            may_set_up=may_set_up,
        ),
        problem=problem,
    )
