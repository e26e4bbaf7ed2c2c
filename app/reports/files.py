"""The files that a report comes in, by their names: Markdown, steps as text, and test flows."""

from enum import StrEnum
from typing import Final

from app.reports.flows.espresso import write_espresso_test
from app.reports.flows.maestro import write_maestro_flow
from app.reports.flows.xcuitest import write_xcuitest
from app.reports.markdown import write_issue_report, write_replay_report
from app.reports.model import IssueReport, ReplayReport
from app.reports.steps.model import Platform
from app.reports.steps.wording import write_steps


class ReportFile(StrEnum):
    """A file of a report; its value is its name in addresses and downloads."""

    REPORT = "report.md"
    STEPS = "steps.txt"
    MAESTRO = "maestro.yaml"
    ESPRESSO = "RecordedStepsTest.kt"
    XCUITEST = "RecordedStepsTests.swift"


_FLOWS: Final[dict[Platform, tuple[ReportFile, ...]]] = {
    "android": (ReportFile.MAESTRO, ReportFile.ESPRESSO),
    "ios": (ReportFile.MAESTRO, ReportFile.XCUITEST),
    "browser": (),
    "unknown": (ReportFile.MAESTRO, ReportFile.ESPRESSO, ReportFile.XCUITEST),
}


def list_report_files(report: ReplayReport | IssueReport) -> tuple[ReportFile, ...]:
    """List the files that a report comes in: flows only for apps that they can drive."""
    steps = report.steps
    if steps is None:
        return (ReportFile.REPORT,)
    flows = _FLOWS[steps.platform] if steps.steps else ()
    return ReportFile.REPORT, ReportFile.STEPS, *flows


def write_report_file(report: ReplayReport | IssueReport, file: ReportFile) -> str:
    """Write a file of a report.

    Raises:
        ValueError: The report does not come in this file (`list_report_files`).
    """
    if file is ReportFile.REPORT:
        if isinstance(report, IssueReport):
            return write_issue_report(report)
        return write_replay_report(report)
    if report.steps is None or file not in list_report_files(report):
        raise ValueError(f"the report has no {file}")
    facts = report.flow_facts
    match file:
        case ReportFile.STEPS:
            return f"Replay: {facts.address}\n\n{write_steps(report.steps)}\n"
        case ReportFile.MAESTRO:
            return write_maestro_flow(report.steps, facts)
        case ReportFile.ESPRESSO:
            return write_espresso_test(report.steps, facts)
        case ReportFile.XCUITEST:
            return write_xcuitest(report.steps, facts)
