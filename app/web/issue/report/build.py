"""Builds the page of an issue's report."""

from functools import partial

from app.reports.model import IssueReport
from app.web.issue.report.page import IssueReportPage
from app.web.urls import issue_urls
from app.web.words.reports.file_blocks import build_file_blocks


def build_report_page(report: IssueReport, *, event_id: str) -> IssueReportPage:
    """Build the page that shows each file of a report.

    Args:
        report: The report.
        event_id: The event that was asked for; empty for the newest one.
    """
    key = (report.project_id, report.issue_id)
    problem = report.problem
    return IssueReportPage(
        project_id=report.project_id,
        title=report.title,
        issue_href=issue_urls.issue(*key),
        event_href=issue_urls.issue_event(*key, problem.event_id) if problem else None,
        files=build_file_blocks(
            report, partial(issue_urls.issue_report_file, *key, event_id=event_id)
        ),
    )
