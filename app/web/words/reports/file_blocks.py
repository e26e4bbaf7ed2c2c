"""Shows each file of a report as a block of text, with what it is for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from app.core.errors import NotFound
from app.reports.files import ReportFile, list_report_files, write_report_file
from app.reports.model import IssueReport, ReplayReport

_TITLES: Final = {
    ReportFile.REPORT: ("Report", "Markdown, to paste into a ticket or a chat."),
    ReportFile.STEPS: ("Steps", "Plain text, for any field that takes no markup."),
    ReportFile.MAESTRO: ("Maestro flow", "A skeleton to complete, for Android and iOS."),
    ReportFile.ESPRESSO: ("Espresso test", "A skeleton to complete, in Kotlin for Android."),
    ReportFile.XCUITEST: ("XCUITest", "A skeleton to complete, in Swift for iOS."),
}
MEDIA_TYPES: Final = {ReportFile.REPORT: "text/markdown"}
"""The media types of files that are not plain text."""


@dataclass(frozen=True, slots=True)
class ReportFileBlock:
    """A file of a report on a page."""

    name: str
    title: str
    purpose: str
    text: str
    href: str
    """The address at which the file is downloaded."""
    is_flow: bool
    """True if it is a test flow, which fewer people need."""


def build_file_blocks(
    report: ReplayReport | IssueReport, href_of: Callable[[str], str]
) -> tuple[ReportFileBlock, ...]:
    """Write every file of a report.

    Args:
        report: The report.
        href_of: Returns the address of a file by its name.
    """
    return tuple(
        ReportFileBlock(
            name=file.value,
            title=_TITLES[file][0],
            purpose=_TITLES[file][1],
            text=write_report_file(report, file),
            href=href_of(file.value),
            is_flow=file not in {ReportFile.REPORT, ReportFile.STEPS},
        )
        for file in list_report_files(report)
    )


def find_file(name: str) -> ReportFile:
    """Find the file of a report that an address names.

    Raises:
        NotFound: No report has such a file.
    """
    try:
        return ReportFile(name)
    except ValueError:
        raise NotFound("no report has such a file") from None


def write_file(report: ReplayReport | IssueReport, file: ReportFile) -> str:
    """Write a file of a report.

    Raises:
        NotFound: This report does not come in such a file.
    """
    if file not in list_report_files(report):
        raise NotFound("this report has no such file: the flow is for another kind of app")
    return write_report_file(report, file)
