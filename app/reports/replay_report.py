"""Puts together what a report says of a replay or a range of it: pure, so it runs in a thread."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from app.core import units
from app.core.replay.replay_range import ReplayRange
from app.formats.replay.activity import NetworkSpan
from app.formats.request_path import drop_query
from app.playback.recording.conditions import DeviceCondition
from app.playback.recording.contents import ReplayContents
from app.playback.visit.model import ReplayFeedback, ReplayPageData
from app.replays import naming
from app.reports.flows.model import FlowFacts
from app.reports.model import ReplayReport, ReportAddresses, ReportProblem, ReportRequest
from app.reports.problems import make_problem_step, merge_repeated, read_problems
from app.reports.steps.derive import StepSources, derive_steps, find_platform
from app.reports.steps.model import CHANGING_METHODS, ReproSteps

_MOST_PROBLEMS: Final = 20
_MOST_REQUESTS: Final = 30
_MOST_FEEDBACK: Final = 5


def build_replay_report(
    data: ReplayPageData,
    within: ReplayRange | None,
    addresses: ReportAddresses,
    *,
    has_poster: bool,
    has_moments: bool,
) -> ReplayReport:
    """Put together what a report says of a replay.

    Args:
        data: The replay, as its reader may see it.
        within: The range that the report is about; None for the whole replay.
        addresses: The addresses of pages.
        has_poster: True if the replay has a small picture.
        has_moments: True if the picture of any moment of it can be drawn.

    Raises:
        InvalidInput: The range begins after the end of the replay.
    """
    context, contents = data.context, data.contents
    outline = context.outline
    chosen = within.cut_to(outline.duration_ms) if within else None
    problems = read_problems(data.activity.errors, addresses)
    shown = merge_repeated(problem for problem in problems if _is_within(chosen, problem.at_ms))
    requests = [
        _make_request(span, outline.zero_ms)
        for span in contents.spans
        if span.is_request and _is_within(chosen, span.at_ms - outline.zero_ms)
    ]
    facts = outline.replay.facts
    key = context.key
    report_facts = describe_facts(facts)
    return ReplayReport(
        project_id=key.project_id,
        replay_id=key.replay_id,
        project_name=context.project.name,
        facts=report_facts,
        recorded_at=outline.recorded_at,
        duration_ms=outline.duration_ms,
        within=chosen,
        steps=derive_replay_steps(contents, problems, within=chosen),
        problems=tuple(shown[:_MOST_PROBLEMS]),
        more_problems=len(shown[_MOST_PROBLEMS:]),
        requests=tuple(_choose_requests(requests)),
        more_requests=max(0, len(requests) - _MOST_REQUESTS),
        conditions=tuple(_list_conditions(contents, chosen)),
        feedback=_list_feedback(data.activity.feedback, chosen),
        remarks=tuple(_list_remarks(contents, chosen)),
        has_poster=has_poster,
        has_moments=has_moments,
        flow_facts=FlowFacts(
            recorded_on=", ".join(value for _, value in report_facts) or "an unknown device",
            app_id=_read_text(facts, "app_id"),
            sdk_name=_read_text(facts, "sdk_name") or "",
            address=addresses.moment(
                key.project_id, key.replay_id, chosen.from_ms if chosen else 0
            ),
        ),
        addresses=addresses,
    )


def derive_replay_steps(
    contents: ReplayContents,
    problems: Iterable[ReportProblem],
    *,
    within: ReplayRange | None,
) -> ReproSteps:
    """Derive the steps of a replay from its recordings and its errors."""
    outline = contents.outline
    steps = (make_problem_step(problem) for problem in problems)
    sources = StepSources(
        breadcrumbs=contents.breadcrumbs,
        zero_ms=outline.zero_ms,
        platform=find_platform(outline.replay.facts),
        gestures=contents.gestures,
        spans=contents.spans,
        screens=contents.screens,
        problems=[step for step in steps if step is not None],
        is_from_start=outline.replay.replay_type == "session" and contents.from_segment == 0,
        is_cut=_is_cut(contents, within),
    )
    return derive_steps(sources, within=within)


def describe_facts(facts: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Name the device, system, app and environment of a recording, as far as they are known."""
    named = (
        ("Device", naming.name_device(facts)),
        ("System", naming.name_system(facts)),
        ("App", _name_app(facts)),
        ("Environment", _read_text(facts, "environment")),
    )
    return tuple((name, value) for name, value in named if value)


def _name_app(facts: Mapping[str, Any]) -> str | None:
    version, name = naming.name_app(facts), _read_text(facts, "app_name")
    return f"{name} {version}" if name and version else version or name


def _make_request(span: NetworkSpan, zero_ms: int) -> ReportRequest:
    return ReportRequest(
        at_ms=max(0, span.at_ms - zero_ms),
        method=(span.method or "GET").upper(),
        url=drop_query(span.url or "") or "unknown address",
        status=span.status,
        took_ms=None if span.ended_ms is None else span.ended_ms - span.at_ms,
        has_failed=span.has_failed,
    )


def _choose_requests(requests: Sequence[ReportRequest]) -> list[ReportRequest]:
    """Choose the requests to name: those that failed, then those that changed something."""
    ranked = sorted(
        requests,
        key=lambda each: (not each.has_failed, each.method not in CHANGING_METHODS, each.at_ms),
    )
    return sorted(ranked[:_MOST_REQUESTS], key=lambda each: each.at_ms)


def _list_conditions(
    contents: ReplayContents, within: ReplayRange | None
) -> Iterable[DeviceCondition]:
    """List the conditions that overlap the range, cut to it."""
    for condition in contents.conditions:
        if within is None:
            yield condition
        elif condition.start_ms < within.to_ms and condition.end_ms > within.from_ms:
            yield replace(
                condition,
                start_ms=max(condition.start_ms, within.from_ms),
                end_ms=min(condition.end_ms, within.to_ms),
            )


def _list_feedback(feedback: ReplayFeedback, within: ReplayRange | None) -> tuple[str, ...]:
    """List what users wrote about the whole replay; most of it is written after the recording."""
    if within is not None:
        return ()
    return tuple(record.message for record in feedback.feedback[:_MOST_FEEDBACK])


def _list_remarks(contents: ReplayContents, within: ReplayRange | None) -> Iterable[str]:
    if contents.is_storage_away:
        yield "The storage does not answer, so the recordings could not be read."
    elif _is_cut(contents, within):
        yield "The recording is too long to be read at once; its end is left out."
    if contents.from_segment and not within:
        yield "The beginning of the recording is left out."
    if contents.missing_ids:
        count = len(contents.missing_ids)
        noun = "part" if count == 1 else "parts"
        yield f"{count} {noun} of the recording never arrived, so steps may be missing."


def _is_cut(contents: ReplayContents, within: ReplayRange | None) -> bool:
    """Tell whether recordings of the range were not read."""
    if not contents.unread:
        return False
    if within is None:
        return True
    first_at = min(segment.started_at for segment in contents.unread)
    return units.ms_from_at(first_at) - contents.outline.zero_ms < within.to_ms


def _is_within(within: ReplayRange | None, at_ms: int | None) -> bool:
    if within is None:
        return True
    return at_ms is not None and within.from_ms <= at_ms < within.to_ms


def _read_text(facts: Mapping[str, Any], name: str) -> str | None:
    value = facts.get(name)
    return value if isinstance(value, str) and value else None
