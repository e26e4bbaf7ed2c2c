"""Templates of tickets: a title and a body with names in braces, which a report fills in.

{title}        Crash: NullPointerException, no cart
{link}         the replay at the start of the range, or the issue
{steps}        the last steps
{error}        the error with the app's own calls
{report}       the whole report; most trackers cut it
{device} {app} {release} {environment} {project}
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from app.core.errors import InvalidInput
from app.projects.trackers import TrackerKind
from app.reports import markdown
from app.reports.model import IssueReport, ReplayReport, ReportProblem
from app.reports.plain_text import clean_text, write_code_span
from app.reports.steps.model import ReproSteps, find_problem
from app.reports.steps.wording import (
    Quote,
    count_times,
    describe_start,
    describe_step,
    group_steps,
    write_steps,
)
from app.reports.tickets.trackers import TAKES_MARKDOWN
from app.reports.words import name_problem

PLACEHOLDERS: Final = (
    "title", "link", "steps", "error", "report", "device", "app", "release", "environment",
    "project",
)  # fmt: skip
DEFAULT_TITLE: Final = "{title}"
DEFAULT_BODY: Final = """\
{link}

{device}
{app}

{error}

{steps}"""
TEMPLATE_CHARS: Final = 2_000
_NAME: Final = re.compile(r"\{(\w+)\}", re.ASCII)
_MOST_STEPS: Final = 25
_BLANK_LINES: Final = re.compile(r"\n{3,}")
_NOFORMAT: Final = "{noformat}"
_WIKI_MARKS: Final = re.compile(r"[{}\[\]|!\\*^~+]")


def check_template(text: str, *, name: str) -> str:
    """Return a template without blanks around it.

    Raises:
        InvalidInput: It is empty or too long, or has a name in braces that nothing fills in.
    """
    template = text.replace("\r\n", "\n").strip()
    if not template:
        raise InvalidInput(f"the {name} of a ticket cannot be empty")
    if len(template) > TEMPLATE_CHARS:
        raise InvalidInput(f"the {name} of a ticket has {TEMPLATE_CHARS:,} characters at most")
    unknown = [found for found in _NAME.findall(template) if found not in PLACEHOLDERS]
    if unknown:
        known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
        raise InvalidInput(f"{{{unknown[0]}}} is not filled in; there are {known}")
    return template


def fill_title(template: str, report: ReplayReport | IssueReport) -> str:
    """Fill in the title of a ticket, in one line of plain text."""
    values = _read_facts(report, clean_text)
    return clean_text(_fill_template(template, values), limit=240)


def fill_body(template: str, report: ReplayReport | IssueReport, kind: TrackerKind) -> str:
    """Fill in the body of a ticket, as a kind of tracker writes texts."""
    if kind in TAKES_MARKDOWN:
        values = _read_facts(report, write_code_span) | {
            "steps": _write_markdown_steps(report.steps),
            "error": _write_markdown_error(report),
            "report": _write_report(report),
        }
    else:
        values = _read_facts(report, _write_plain) | {
            "steps": _keep_apart(
                write_steps(_keep_last_steps(report.steps)) if report.steps else ""
            ),
            "error": _keep_apart(_write_plain_error(report)),
            "report": _keep_apart(_write_report(report)),
        }
    filled = _fill_template(template, values)
    return _BLANK_LINES.sub("\n\n", filled).strip()


def _fill_template(template: str, values: Mapping[str, str]) -> str:
    # In one pass: a value that looks like a name in braces is not filled in.
    return _NAME.sub(lambda match: values.get(match[1], match[0]), template)


def _read_facts(report: ReplayReport | IssueReport, write: Quote) -> dict[str, str]:
    """Read the short values, and write the recorded ones."""
    facts = dict(report.facts)

    def fact(name: str) -> str:
        value = facts.get(name)
        return write(value) if value else ""

    device = ", ".join(each for each in (fact("Device"), fact("System")) if each)
    return {
        "title": write(_name_title(report)),
        "link": report.url if isinstance(report, ReplayReport) else _list_links(report),
        "device": device,
        "app": fact("App"),
        "release": fact("Release"),
        "environment": fact("Environment"),
        "project": write(report.project_name),
    }


def _list_links(report: IssueReport) -> str:
    return f"{report.url}\n{report.replay_url}" if report.replay_url else report.url


def _name_title(report: ReplayReport | IssueReport) -> str:
    if isinstance(report, IssueReport):
        return f"{name_problem(report.kind, report.side)}: {report.title}"
    problem = find_problem(report.steps.steps)
    if problem is None:
        return f"Replay: {report.project_name}"
    text = f", {problem.text}" if problem.text else ""
    return f"{name_problem(problem.kind, problem.side)}: {problem.title}{text}"


def _keep_last_steps(steps: ReproSteps) -> ReproSteps:
    return markdown.keep_last_steps(steps, _MOST_STEPS)


def _write_markdown_steps(steps: ReproSteps | None) -> str:
    """Write the last steps without the addresses of their moments, which take most of the room."""
    if steps is None:
        return ""
    short = _keep_last_steps(steps)
    start = describe_start(short, write_code_span)
    lines = [start, ""] if start else []
    for group in group_steps(short):
        if group.action is not None:
            lines.append(f"{group.number}. {describe_step(group.action, write_code_span)}")
        indent = "   " if group.action is not None else ""
        lines += [f"{indent}- {describe_step(each, write_code_span)}" for each in group.results]
    return "\n".join(lines)


def _find_report_problem(report: ReplayReport | IssueReport) -> ReportProblem | None:
    if isinstance(report, IssueReport):
        return report.problem
    step = find_problem(report.steps.steps)
    named = [each for each in report.problems if step and each.event_id == step.event_id]
    return next(iter([*named, *report.problems]), None)


def _write_markdown_error(report: ReplayReport | IssueReport) -> str:
    problem = _find_report_problem(report)
    if problem is None:
        return ""
    return "\n".join(markdown.write_problem_lines(problem))


def _write_plain_error(report: ReplayReport | IssueReport) -> str:
    problem = _find_report_problem(report)
    if problem is None:
        return ""
    text = f", {problem.text}" if problem.text else ""
    name = name_problem(problem.kind, problem.side)
    words = clean_text(problem.title + text, limit=500)
    lines = [f"{name}: {words}{count_times(problem.times)}"]
    return "\n".join([*lines, *(f"    {clean_text(each, limit=200)}" for each in problem.frames)])


def _write_report(report: ReplayReport | IssueReport) -> str:
    if isinstance(report, IssueReport):
        return markdown.write_issue_report(report)
    steps = markdown.keep_last_steps(report.steps, _MOST_STEPS)
    return markdown.write_replay_report(replace(report, steps=steps))


def _write_plain(text: str) -> str:
    """Write a short text for Jira, without the characters of its markup."""
    return clean_text(_WIKI_MARKS.sub(" ", text), limit=200)


def _keep_apart(text: str) -> str:
    """Write a text for Jira, whose markup would read pictures, links and macros in it."""
    if not text:
        return ""
    return f"{_NOFORMAT}\n{text.replace(_NOFORMAT, '{ noformat }')}\n{_NOFORMAT}"
