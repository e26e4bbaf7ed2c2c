"""Puts together what a report says of an issue with one of its events."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from app.core import units
from app.core.replay.replay_range import ReplayRange
from app.formats import jsonish
from app.formats.events import event_breadcrumbs, messages
from app.formats.jsonish import JsonObject
from app.formats.stored import packed_json
from app.issues.counts import counting
from app.issues.model import Issue, StoredEvent
from app.playback.links import replay_clock
from app.reports.flows.model import FlowFacts
from app.reports.model import IssueReport, ReportAddresses, ReportProblem
from app.reports.problems import (
    find_problem_kind,
    make_problem_step,
    read_problem,
    read_problems,
)
from app.reports.read_issue_report import IssueReportData, ReplayOfEvent
from app.reports.replay_report import derive_replay_steps, describe_facts
from app.reports.steps.derive import StepSources, derive_steps, find_platform
from app.reports.steps.model import ReproSteps
from app.triage.issue.issue_reader import IssueSummary

_BEFORE_MS: Final = 60_000
"""The time before an event whose steps are told; most faults follow from what was done last."""
_AFTER_MS: Final = 2_000
_LEAD_MS: Final = 15_000
"""A replay is opened so long before the event, as alerts do."""
_MESSAGE_CHARS: Final = 2_000


def build_issue_report(data: IssueReportData, addresses: ReportAddresses) -> IssueReport:
    """Put together what a report says of an issue."""
    summary, event = data.summary, data.event
    issue = summary.issue
    sent = packed_json.unpack_object(event.payload) if event else {}
    facts = _read_facts(sent, event)
    # Without a version, the app is called by its release, which has a line of its own.
    named = tuple(fact for fact in describe_facts(facts) if fact != ("App", facts["release"]))
    side = replay_clock.find_side(issue.project_id, issue.project_id, issue.platform)
    problem = _read_event(data, event, addresses) if event else None
    replay = data.replay
    replay_url = moment = None
    if replay is not None:
        key = replay.page.context.key
        replay_url = addresses.moment(*key, max(0, replay.at_ms - _LEAD_MS))

        def moment(at_ms: int) -> str:
            return addresses.moment(*key, max(0, at_ms))

    return IssueReport(
        project_id=issue.project_id,
        issue_id=issue.issue_id,
        project_name=summary.project.name,
        title=issue.title,
        kind=find_problem_kind(issue.kind, side),
        side=side,
        culprit=issue.culprit,
        counts=tuple(_list_counts(summary)),
        facts=(*named, *_list_event_facts(event)),
        problem=problem,
        message=messages.format_message(sent, limit=_MESSAGE_CHARS),
        steps=_derive_steps(data, sent, problem, facts, addresses),
        steps_are_of_event=replay is None,
        replay_url=replay_url,
        moment=moment,
        flow_facts=FlowFacts(
            recorded_on=", ".join(value for _, value in named) or "an unknown device",
            app_id=facts.get("app_id"),
            sdk_name=facts.get("sdk_name") or "",
            address=replay_url or addresses.issue(issue.project_id, issue.issue_id),
        ),
        remarks=tuple(_list_remarks(replay)),
        addresses=addresses,
    )


def _read_event(
    data: IssueReportData, event: StoredEvent, addresses: ReportAddresses
) -> ReportProblem:
    project = data.summary.project
    return read_problem(
        event,
        at_ms=data.replay.at_ms if data.replay else None,
        home=project.id,
        project_names={project.id: project.name},
        addresses=addresses,
    )


def _derive_steps(
    data: IssueReportData,
    sent: JsonObject,
    problem: ReportProblem | None,
    facts: Mapping[str, Any],
    addresses: ReportAddresses,
) -> ReproSteps | None:
    """Derive what led to the event from its replay, or else from the breadcrumbs it carried."""
    if data.replay is not None:
        page, at_ms = data.replay.page, data.replay.at_ms
        within = ReplayRange(max(0, at_ms - _BEFORE_MS), at_ms + _AFTER_MS)
        problems = read_problems(page.activity.errors, addresses)
        return derive_replay_steps(page.contents, problems, within=within)
    crumbs = event_breadcrumbs.read_event_breadcrumbs(sent)
    if data.event is None or problem is None or not crumbs:
        return None
    zero_ms = min(crumb.at_ms for crumb in crumbs)
    end_ms = max(0, units.ms_from_at(data.event.at) - zero_ms)
    step = make_problem_step(_place(problem, end_ms))
    sources = StepSources(
        breadcrumbs=sorted(crumbs, key=lambda crumb: crumb.at_ms),
        zero_ms=zero_ms,
        platform=find_platform(facts),
        problems=[step] if step else [],
    )
    steps = derive_steps(sources)
    return steps if len(steps.steps) > 1 else None


def _place(problem: ReportProblem, at_ms: int) -> ReportProblem:
    """Place the event on the clock of its own breadcrumbs, which begins with the first."""
    return replace(problem, at_ms=at_ms)


def _read_facts(sent: JsonObject, event: StoredEvent | None) -> dict[str, str | None]:
    """Read the facts of an event under the names that rows of replays have."""
    contexts = jsonish.mapping(sent, "contexts")
    facts = {
        f"{kind}_{name}": jsonish.text(jsonish.mapping(contexts, kind), name)
        for kind, names in (("device", ("model", "brand", "family")), ("os", ("name", "version")))
        for name in names
    }
    app, sdk = jsonish.mapping(contexts, "app"), jsonish.mapping(sent, "sdk")
    return facts | {
        "app_name": jsonish.text(app, "app_name"),
        "app_version": jsonish.text(app, "app_version"),
        "app_build": jsonish.text(app, "app_build"),
        "app_id": jsonish.text(app, "app_identifier"),
        "sdk_name": jsonish.text(sdk, "name"),
        "release": event.release if event else None,
        "environment": event.environment if event else None,
        "platform": event.platform if event else None,
    }


def _list_counts(summary: IssueSummary) -> Iterator[tuple[str, str]]:
    issue = summary.issue
    yield "Events", f"{issue.events:,}"
    yield "Users", f"{issue.users + summary.replay_users:,}"
    yield "Replays", f"{issue.replays:,}"
    yield "First seen", _write_sight(issue.first_seen_at, issue.first_release)
    yield "Last seen", _write_sight(issue.last_seen_at, issue.last_release)
    yield "Status", _write_status(issue)


def _write_sight(at: datetime, release: str | None) -> str:
    moment = f"{at:%Y-%m-%d %H:%M} UTC"
    return f"{moment} in {release}" if release else moment


def _write_status(issue: Issue) -> str:
    if issue.is_regressed:
        return "open again: it was resolved and came back"
    if issue.status == "resolved" and issue.resolved_release:
        return f"resolved in {issue.resolved_release}"
    return issue.status


def _list_event_facts(event: StoredEvent | None) -> Iterator[tuple[str, str]]:
    if event is None:
        return
    if event.release:
        yield "Release", event.release
    yield "Happened", f"{counting.find_seen_at(event):%Y-%m-%d %H:%M:%S} UTC"
    yield "Event", event.event_id


def _list_remarks(replay: ReplayOfEvent | None) -> Iterator[str]:
    if replay is not None and replay.page.contents.is_storage_away:
        yield "The storage does not answer, so the steps of the replay could not be read."
