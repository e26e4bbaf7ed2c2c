"""The words of reports that plain text and Markdown have in common."""

from typing import Final

from app.core import units
from app.reports.model import ReplayReport
from app.reports.steps.model import ProblemKind, Side
from app.reports.steps.wording import Quote

_PROBLEMS: Final[dict[tuple[ProblemKind, Side], str]] = {
    ("crash", "app"): "Crash",
    ("hang", "app"): "App not responding",
    ("error", "app"): "Error",
    ("message", "app"): "Message",
    ("crash", "backend"): "Crash of the backend",
    ("hang", "backend"): "Backend not responding",
    ("error", "backend"): "Error of the backend",
    ("message", "backend"): "Message of the backend",
}


def name_problem(kind: ProblemKind, side: Side) -> str:
    """Name a problem for a title: `Crash`, `Error of the backend`."""
    return _PROBLEMS[kind, side]


def describe_recording(report: ReplayReport, quote: Quote) -> str:
    """Say on what, when and how long a replay was recorded, and which part the report is about."""
    on = ", ".join(quote(value) for _, value in report.facts)
    where = f"Recorded on {on}" if on else "Recorded"
    at = f"{report.recorded_at:%Y-%m-%d %H:%M} UTC"
    length = units.format_duration(report.duration_ms)
    sentence = f"{where}, {at}, {length} long, in the project {quote(report.project_name)}."
    if report.within is not None:
        start, end = (units.format_clock(ms) for ms in (report.within.from_ms, report.within.to_ms))
        sentence += f" This report is about {start} to {end} of it."
    return sentence
