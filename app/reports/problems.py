"""Reads the errors that reports name: title, text and the app's own calls of each."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from app.core.ids import ProjectId
from app.formats.events import exceptions
from app.formats.events.event import CRASHES, HANGS
from app.formats.events.exceptions import Frame
from app.issues.model import StoredEvent
from app.playback.links import replay_clock
from app.playback.visit.model import ReplayErrors
from app.reports.model import ReportAddresses, ReportProblem
from app.reports.steps.model import ProblemKind, ProblemStep, Side
from app.symbolication.model import read_clear_event

_MOST_FRAMES: Final = 5


def read_problems(errors: ReplayErrors, addresses: ReportAddresses) -> list[ReportProblem]:
    """Read the errors of a replay in the order of their time on the player's clock."""
    context = errors.context
    problems = []
    for linked, offset in zip(errors.events.events, errors.offsets, strict=True):
        near_ms = replay_clock.near_replay_ms(context.window, offset)
        problems.append(
            read_problem(
                linked.event,
                at_ms=None if near_ms is None else near_ms - context.zero_ms,
                home=context.key.project_id,
                project_names=context.project_names,
                addresses=addresses,
            )
        )
    return sorted(problems, key=lambda each: (each.at_ms is None, each.at_ms or 0))


def merge_repeated(problems: Iterable[ReportProblem]) -> list[ReportProblem]:
    """Make one of errors that follow one another and say the same."""
    merged: list[ReportProblem] = []
    for problem in problems:
        before = merged[-1] if merged else None
        if before is not None and _identify(before) == _identify(problem):
            merged[-1] = replace(before, times=before.times + problem.times)
        else:
            merged.append(problem)
    return merged


def _identify(problem: ReportProblem) -> tuple[object, ...]:
    return problem.kind, problem.side, problem.title, problem.text, problem.project_name


def read_problem(
    event: StoredEvent,
    *,
    at_ms: int | None,
    home: ProjectId,
    project_names: Mapping[ProjectId, str],
    addresses: ReportAddresses,
) -> ReportProblem:
    """Read one event.

    Args:
        event: The event.
        at_ms: Its time on the player's clock.
        home: The project of the replay, or of the issue.
        project_names: The names of the projects that the reader may see.
        addresses: The addresses of pages.
    """
    side = replay_clock.find_side(home, event.project_id, event.platform)
    return ReportProblem(
        at_ms=at_ms,
        kind=find_problem_kind(event.kind, side),
        side=side,
        title=event.exception_type or event.title,
        text=event.exception_value if event.exception_type else None,
        culprit=event.culprit,
        project_name=project_names.get(event.project_id, "another project"),
        release=event.release,
        frames=_list_own_calls(event),
        event_id=event.event_id,
        url=addresses.event(event.project_id, event.issue_id, event.event_id)
        if event.issue_id
        else None,
    )


def find_problem_kind(kind: str, side: Side) -> ProblemKind:
    """Return what a kind of events is for somebody who follows steps.

    A backend goes on after an error that nobody caught: the request has failed, and no app is gone.
    """
    if kind in CRASHES and side == "app":
        return "crash"
    if kind in HANGS and side == "app":
        return "hang"
    return "message" if kind == "message" else "error"


def make_problem_step(problem: ReportProblem) -> ProblemStep | None:
    """Make a step of a problem; None if it has no time in the replay."""
    if problem.at_ms is None:
        return None
    return ProblemStep(
        max(0, problem.at_ms),
        problem.kind,
        problem.side,
        problem.title,
        problem.text,
        problem.event_id,
    )


def _list_own_calls(event: StoredEvent) -> tuple[str, ...]:
    """List the app's own calls, the innermost first, or the innermost ones if none is its own."""
    clear = read_clear_event(event.payload, event.symbolicated)
    frames = next((each.frames for each in exceptions.read_exceptions(clear) if each.frames), ())
    calls = [frame for frame in reversed(frames) if frame.in_app] or list(reversed(frames))
    return tuple(_describe_frame(frame) for frame in calls[:_MOST_FRAMES])


def _describe_frame(frame: Frame) -> str:
    name = frame.function or frame.address or "unknown"
    of_module = f"{frame.module}." if frame.module else ""
    file = frame.filename or frame.package
    if file is None:
        return f"{of_module}{name}"
    line = f":{frame.line}" if frame.line else ""
    return f"{of_module}{name} ({file}{line})"
