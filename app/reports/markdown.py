"""Writes reports as Markdown, as GitHub, GitLab, Linear, Jira and chats read it.

Recorded texts stand in code spans and code blocks, in which nothing is markup (`plain_text.py`).
Addresses are our own.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from app.core import units
from app.reports.model import IssueReport, ReplayReport, ReportProblem, ReportRequest
from app.reports.plain_text import clean_text, write_code_span
from app.reports.steps.model import ReproSteps, Step, find_problem
from app.reports.steps.wording import count_times, describe_start, describe_step, group_steps
from app.reports.words import describe_recording, name_problem

MOST_CHARS: Final = 60_000
"""GitHub takes 65,536 characters, and everybody else more."""
Moment = Callable[[int], str]
"""Returns the address of a moment of a replay."""
_STEPS_TRIED: Final = (200, 100, 50, 20, 5)
_TITLE_CHARS: Final = 200
_TEXT_CHARS: Final = 500


def write_replay_report(report: ReplayReport) -> str:
    """Write the report of a replay or of a range; the longest one loses its first steps."""
    text = ""
    for most in _STEPS_TRIED:
        steps = keep_last_steps(report.steps, most)
        text = "\n".join(_iterate_replay_lines(replace(report, steps=steps))) + "\n"
        if len(text) <= MOST_CHARS:
            break
    return text


def write_issue_report(report: IssueReport) -> str:
    """Write the report of an issue with one of its events."""
    text = ""
    for most in _STEPS_TRIED:
        steps = keep_last_steps(report.steps, most) if report.steps else None
        text = "\n".join(_iterate_issue_lines(replace(report, steps=steps))) + "\n"
        if len(text) <= MOST_CHARS:
            break
    return text


def keep_last_steps(steps: ReproSteps, most: int) -> ReproSteps:
    """Keep the last steps, which lead to what went wrong."""
    left_out = max(0, len(steps.steps) - most)
    return replace(steps, steps=steps.steps[left_out:], earlier=steps.earlier + left_out)


def _iterate_replay_lines(report: ReplayReport) -> Iterator[str]:
    yield f"## {_write_replay_title(report)}"
    yield ""
    yield describe_recording(report, write_code_span)
    yield ""
    picture = f" · [Picture]({report.picture_url})" if report.picture_url else ""
    yield f"[Watch the replay]({report.url}){picture}"
    yield from _iterate_steps(report.steps, report.moment)
    yield from _iterate_problems(report)
    yield from _iterate_requests(report)
    if report.conditions:
        yield from _iterate_heading_lines("Conditions")
        for condition in report.conditions:
            times = f"{units.format_clock(condition.start_ms)} to "
            yield f"- {times}{units.format_clock(condition.end_ms)}: {condition.text}"
    if report.feedback:
        yield from _iterate_heading_lines("The user wrote")
        yield from (f"- {write_code_span(text, limit=_TEXT_CHARS)}" for text in report.feedback)
    yield from _iterate_remarks(report.remarks)


def _write_replay_title(report: ReplayReport) -> str:
    problem = find_problem(report.steps.steps)
    if problem is None:
        return "Replay"
    return f"{name_problem(problem.kind, problem.side)}: {write_code_span(problem.title)}"


def _iterate_steps(steps: ReproSteps, moment: Moment | None) -> Iterator[str]:
    yield from _iterate_heading_lines("Steps")
    start = describe_start(steps, write_code_span)
    if start is not None:
        yield start
        yield ""
    groups = group_steps(steps)
    for group in groups:
        indent = ""
        if group.action is not None:
            number = f"{group.number}. "
            indent = " " * len(number)
            yield f"{number}{_write_step(group.action, moment)}"
        yield from (f"{indent}- {_write_step(result, moment)}" for result in group.results)
        if group.action is None:
            # A list of another kind begins here.
            yield ""
    if not groups:
        yield "The recording notes no touches, screens, failed requests or errors here."


def _write_step(step: Step, moment: Moment | None) -> str:
    clock = units.format_clock(step.at_ms)
    time = f"[{clock}]({moment(step.at_ms)})" if moment else clock
    return f"{time} {describe_step(step, write_code_span)}"


def _iterate_problems(report: ReplayReport) -> Iterator[str]:
    if not report.problems:
        return
    yield from _iterate_heading_lines("Errors")
    for problem in report.problems:
        time = ""
        if problem.at_ms is not None:
            at_ms = max(0, problem.at_ms)
            time = f"[{units.format_clock(at_ms)}]({report.moment(at_ms)}) "
        yield f"- {time}{_write_problem(problem)}"
        yield from (f"  {line}" for line in _write_frames(problem))
    if report.more_problems:
        yield f"- And {report.more_problems:,} more."


def write_problem_lines(problem: ReportProblem) -> list[str]:
    """Write an error with the app's own calls, for the body of a ticket."""
    return [_write_problem(problem), *_write_frames(problem)]


def _write_problem(problem: ReportProblem) -> str:
    """Write an error in one line: what it is, its text, where, and the address of its event."""
    words = f"{name_problem(problem.kind, problem.side)}: "
    words += write_code_span(problem.title, limit=_TITLE_CHARS)
    if problem.text:
        words += f", {write_code_span(problem.text, limit=_TEXT_CHARS)}"
    if problem.culprit:
        words += f" in {write_code_span(problem.culprit, limit=_TITLE_CHARS)}"
    if problem.side == "backend":
        words += f" of {write_code_span(problem.project_name)}"
    words += count_times(problem.times)
    return f"{words} ([event]({problem.url}))" if problem.url else words


def _write_frames(problem: ReportProblem) -> Iterator[str]:
    """Write calls as a code block, whose fence no line of it can end."""
    if problem.frames:
        yield "```"
        for frame in problem.frames:
            yield clean_text(frame, limit=_TITLE_CHARS).replace("```", "'''")
        yield "```"


def _iterate_requests(report: ReplayReport) -> Iterator[str]:
    if not report.requests:
        return
    yield from _iterate_heading_lines("Requests")
    for request in report.requests:
        time = f"[{units.format_clock(request.at_ms)}]({report.moment(request.at_ms)})"
        yield f"- {time} {_write_request(request)}"
    if report.more_requests:
        yield f"- And {report.more_requests:,} more."


def _write_request(request: ReportRequest) -> str:
    took = "" if request.took_ms is None else f", {units.format_duration(request.took_ms)}"
    answer = str(request.status) if request.status else "no answer"
    line = f"{write_code_span(f'{request.method} {request.url}', limit=300)} {answer}{took}"
    return f"**{line}**" if request.has_failed else line


def _iterate_remarks(remarks: tuple[str, ...]) -> Iterator[str]:
    if remarks:
        yield ""
        yield from (f"- _{remark}_" for remark in remarks)


def _iterate_heading_lines(title: str) -> Iterator[str]:
    yield ""
    yield f"### {title}"
    yield ""


def _iterate_issue_lines(report: IssueReport) -> Iterator[str]:
    yield f"## {name_problem(report.kind, report.side)}: {write_code_span(report.title)}"
    yield ""
    yield from (f"- {name}: {write_code_span(value)}" for name, value in report.counts)
    if report.culprit:
        yield f"- In: {write_code_span(report.culprit, limit=_TITLE_CHARS)}"
    yield ""
    watch = f" · [Replay, 15 s before it]({report.replay_url})" if report.replay_url else ""
    yield f"[Issue]({report.url}){watch}"
    if report.problem is not None:
        yield from _iterate_heading_lines("The event")
        yield from (f"- {name}: {write_code_span(value)}" for name, value in report.facts)
        if report.message:
            yield f"- Message: {write_code_span(report.message, limit=_TEXT_CHARS)}"
        yield f"- {_write_problem(report.problem)}"
        yield from (f"  {line}" for line in _write_frames(report.problem))
    if report.steps is not None:
        yield from _iterate_steps(report.steps, report.moment)
        if report.steps_are_of_event:
            yield ""
            yield "_There is no replay of this event: the steps are the breadcrumbs it carried._"
    yield from _iterate_remarks(report.remarks)
