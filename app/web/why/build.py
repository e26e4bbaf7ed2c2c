"""Puts into words what is known of a replay that is missed."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

from app.core import units
from app.core.ids import ProjectId
from app.issues.events.named_replays import LinkableEvent, NamingEvent, NamingEvents
from app.playback.why import (
    DAYS,
    EventTrail,
    MissingReplayAnswer,
    ProjectTrail,
    ReplayLosses,
    ReplayTrail,
    ReplayWithMissingSegments,
)
from app.projects.model import QuarantinedEnvelope
from app.replays.model import Replay, Tombstone
from app.replays.trace_links import TracedReplay
from app.web.urls import list_urls, project_urls, replay_urls
from app.web.why.page import ProjectLosses, WhyFinding, WhyPage
from app.web.words import outcomes, phrases

_LATE: Final = timedelta(minutes=5)
_MINUTE_MS: Final = 60_000

NEVER: Final = (
    (
        "Is Session Replay on in the app, with a sample rate above 0? With a session sample rate "
        "of 0 there is a replay only after an error."
    ),
    (
        "Can the phone open the address of the DSN in its browser? A host name that only your own "
        "computer can resolve fails silently, and so does http where the system requires https."
    ),
    (
        "Does the proxy in front of this server let /api/ through, with bodies of 20 MB? The "
        "recipes are in docs/deployment.md."
    ),
    (
        "Has it had enough time? The first segment is sent after 5 s. A phone that is offline "
        "sends when it is back online, and an app that crashed when it is started again."
    ),
    "Is the id right, and are you a member of the project that the app sends to?",
)
"""Things to check when nothing is known of a replay."""


def build_page(answer: MissingReplayAnswer, asked: str) -> WhyPage:
    """Describe what is known of a replay that is missed.

    Args:
        answer: What is known.
        asked: The text that somebody wrote into the field; empty if they asked about a project.
    """
    names = answer.project_names
    projects = tuple(
        (name, list_urls.why_project(project_id)) for project_id, name in names.items()
    )
    match answer.trail:
        case ReplayTrail() as trail:
            return _describe_replay(trail, names, projects)
        case EventTrail() as event_trail:
            return WhyPage(
                asked=event_trail.event.event_id,
                subject=f"event {event_trail.event.event_id}",
                findings=tuple(_describe_event(event_trail, names)),
                projects=projects,
            )
        case ProjectTrail() as project_trail:
            return WhyPage(
                asked="",
                subject=_name(project_trail.project_id, names),
                findings=tuple(_describe_project(project_trail)),
                losses=_describe_losses((project_trail.lost,), names),
                checks=() if project_trail.kept_items else NEVER,
                projects=projects,
            )
        case None:
            problem = "An id has 32 hex digits, with or without dashes." if asked else None
            return WhyPage(asked=asked, problem=problem, projects=projects)


def _describe_replay(
    trail: ReplayTrail, names: Mapping[ProjectId, str], projects: tuple[tuple[str, str], ...]
) -> WhyPage:
    is_explained = bool(trail.stored or trail.tombstones or trail.quarantined)
    findings = [] if is_explained else [_describe_missing(trail)]
    for stored in trail.stored:
        findings += _describe_stored(stored, names)
    findings += [_describe_deletion(tombstone, names) for tombstone in trail.tombstones]
    findings += [_describe_quarantined(envelope) for envelope in trail.quarantined]
    findings += [_describe_naming(naming, names) for naming in trail.named_by]
    return WhyPage(
        asked=trail.replay_id,
        subject=f"replay {trail.replay_id}",
        findings=tuple(findings),
        losses=() if is_explained else _describe_losses(trail.lost, names),
        checks=() if is_explained or trail.named_by else NEVER,
        projects=projects,
    )


def _describe_missing(trail: ReplayTrail) -> WhyFinding:
    if trail.named_by:
        return WhyFinding(
            "bad",
            "It was recorded, and no part of it arrived",
            "Errors carry its id, so the app was recording. Its segments were dropped on the phone "
            "or refused here, or are still on the phone: the tables below say which "
            "replay data was lost in these days.",
        )
    return WhyFinding(
        "bad",
        "Nothing of it is known here",
        "There is no segment of it, no error that names it, and no deletion, in any project that "
        "you are a member of.",
    )


def _describe_stored(
    stored: ReplayWithMissingSegments, names: Mapping[ProjectId, str]
) -> Iterator[WhyFinding]:
    """Say of a replay that is here which part of it is missing."""
    replay = stored.replay
    yield WhyFinding(
        "good",
        f"It is here, in {_name(replay.key.project_id, names)}",
        (
            (
                f"{phrases.count(replay.segments, 'segment')}, {replay.video_segments:,} with "
                "video, the last one received "
            ),
            replay.last_received_at,
            ".",
        ),
        replay_urls.replay(replay.key.project_id, replay.key.replay_id),
        "Open the replay",
    )
    if stored.missing_ids:
        yield WhyFinding(
            "warn",
            f"{phrases.count(len(stored.missing_ids), 'segment')} never arrived",
            f"Number {phrases.ranges(stored.missing_ids)}. Phones keep 30 envelopes while they "
            "are offline; the oldest go first.",
        )
    faults = sorted({segment.video_fault for segment in stored.segments if segment.video_fault})
    if faults:
        yield WhyFinding("warn", "Some of its video cannot be played", f"{'; '.join(faults)}.")
    yield from _describe_times(replay)


def _describe_times(replay: Replay) -> Iterator[WhyFinding]:
    if abs(replay.drift_ms) >= _MINUTE_MS:
        direction = "behind" if replay.drift_ms > 0 else "ahead of"
        apart = units.format_duration(abs(replay.drift_ms))
        yield WhyFinding(
            "warn",
            f"The phone's clock was {apart} {direction} ours",
            "Replays are shown in the phone's time: look for it there in the list.",
        )
    delay = replay.first_received_at - replay.started_at - timedelta(milliseconds=replay.drift_ms)
    if delay >= _LATE:
        took = units.format_duration(round(delay.total_seconds() * 1000))
        yield WhyFinding(
            "none",
            f"It was uploaded {took} late",
            "The phone was offline, or the app was not running.",
        )


def _describe_deletion(tombstone: Tombstone, names: Mapping[ProjectId, str]) -> WhyFinding:
    return WhyFinding(
        "bad",
        f"It was deleted from {_name(tombstone.key.project_id, names)}",
        (
            "On ",
            tombstone.deleted_at,
            (
                f", with {phrases.count(tombstone.segments, 'segment')}. "
                "Segments that arrive later are rejected."
            ),
        ),
        replay_urls.replay(tombstone.key.project_id, tombstone.key.replay_id),
        "Who deleted it",
    )


def _describe_quarantined(envelope: QuarantinedEnvelope) -> WhyFinding:
    return WhyFinding(
        "bad",
        "An envelope of it is in quarantine",
        (
            "Received ",
            envelope.received_at,
            f"; reading it failed five times: {phrases.shortened(envelope.reason, limit=300)}",
        ),
    )


def _describe_naming(naming: NamingEvents, names: Mapping[ProjectId, str]) -> WhyFinding:
    verb = "names" if naming.events == 1 else "name"
    release = f", release {naming.release}" if naming.release else ""
    return WhyFinding(
        "none",
        f"{phrases.count(naming.events, 'error')} of {_name(naming.project_id, names)} {verb} it",
        (
            *(("From ", naming.first_at, " to ") if naming.events > 1 else ("At ",)),
            naming.last_at,
            f", by {naming.sdk_name or 'an unknown SDK'}{release}. So the app was recording.",
        ),
    )


def _describe_event(trail: EventTrail, names: Mapping[ProjectId, str]) -> Iterator[WhyFinding]:
    event = trail.event
    yield WhyFinding(
        "none",
        "The event is here and names no replay",
        (
            f"{phrases.shortened(event.title, limit=200)}, in {_name(event.project_id, names)} at ",
            event.at,
            (
                ". The app was not recording when it was sent: the session was not sampled, or "
                "Session Replay is off. An event of a backend names no replay if the request "
                "carried no trace of an app."
            ),
        ),
    )
    for replay in trail.of_trace:
        yield _describe_traced_replay(replay, names)
    if not trail.of_trace:
        yield _describe_unlinked_event(event)


def _describe_traced_replay(replay: TracedReplay, names: Mapping[ProjectId, str]) -> WhyFinding:
    return WhyFinding(
        "good",
        f"Its trace runs through a replay of {_name(replay.key.project_id, names)}",
        (
            "The replay began at ",
            replay.started_at,
            "; the event appears in it if it happened within a minute of it.",
        ),
        replay_urls.replay(replay.key.project_id, replay.key.replay_id),
        "Open the replay",
    )


def _describe_unlinked_event(event: LinkableEvent) -> WhyFinding:
    trace = (
        f"No replay has its trace {event.trace_id} either."
        if event.trace_id
        else "It has no trace either."
    )
    return WhyFinding(
        "bad",
        "No replay leads to it",
        f"{trace} For errors of a backend, list its host in the app's tracePropagationTargets.",
        project_urls.set_up(event.project_id),
        "Set up",
    )


def _describe_project(trail: ProjectTrail) -> Iterator[WhyFinding]:
    yield WhyFinding(
        "good" if trail.kept_items else "bad",
        f"{phrases.count(trail.kept_items, 'segment')} kept in the last {DAYS} days"
        if trail.kept_items
        else f"No segment was kept in the last {DAYS} days",
        "A segment is a piece of a replay, about five seconds long.",
        list_urls.replays(trail.project_id),
        "The replays",
    )
    if trail.dangling:
        yield WhyFinding(
            "warn",
            "The newest error with a replay id names a replay that is not here"
            if trail.naming == 1
            else f"{trail.dangling:,} of the newest {trail.naming:,} errors with a replay id name "
            "a replay that is not here",
            "Each of these replays was deleted, never arrived, or is in a project that you are "
            "not a member of.",
        )
    elif trail.naming:
        yield WhyFinding(
            "good",
            "The replay that the newest error names is here"
            if trail.naming == 1
            else f"The replays that the newest {trail.naming:,} errors name are all here",
            "Every id leads to its replay.",
        )
    for event in trail.missing:
        yield _describe_dangling_event(event)


def _describe_dangling_event(event: NamingEvent) -> WhyFinding:
    return WhyFinding(
        "none",
        phrases.shortened(event.title, limit=120),
        (event.at, f", names replay {event.replay_id}"),
        list_urls.why(event.replay_id),
        "Why?",
    )


def _describe_losses(
    losses: Sequence[ReplayLosses], names: Mapping[ProjectId, str]
) -> tuple[ProjectLosses, ...]:
    described = (
        ProjectLosses(
            _name(lost.project_id, names),
            project_urls.project(lost.project_id),
            outcomes.summarize_outcomes(lost.counts).losses,
        )
        for lost in losses
    )
    return tuple(each for each in described if each.losses)


def _name(project_id: ProjectId, names: Mapping[ProjectId, str]) -> str:
    return names.get(project_id, "another project")
