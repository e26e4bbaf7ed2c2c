"""Why is there no replay: findings in words, from what was gathered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Literal

from app.core import units
from app.core.ids import ProjectId
from app.issues.named_replays import LinkableEvent, NamingEvents
from app.playback.why import DAYS, EventTrail, ProjectTrail, ReplayLosses, ReplayTrail, StoredReplay
from app.projects.model import Quarantined
from app.replays.model import Tombstone
from app.replays.traced import TracedReplay
from app.web.urls import list_urls, project_urls, replay_urls
from app.web.words import outcomes, phrases
from app.web.words.outcomes import Loss

Tone = Literal["good", "bad", "warn", "none"]

_LATE: Final = timedelta(minutes=5)
_MINUTE_MS: Final = 60_000

NEVER: Final = (
    (
        "Is Session Replay on in the app, with a sample rate above 0? With a session sample rate "
        "of 0 there is a replay only after an error."
    ),
    (
        "Can the phone open the address of the DSN in its browser? A name that only your desk "
        "knows, or http where the system wants https, fails silently."
    ),
    (
        "Does the proxy before this server let /api/ through, with bodies of 20 MB? The recipes "
        "are in docs/deployment.md."
    ),
    (
        "Has it had time? The first segment is sent after 5 s. A phone that is offline sends "
        "when it is back, and an app that crashed at its next start."
    ),
    "Is the id right, and are you a member of the project that the app sends to?",
)
"""What to look at when nothing of a replay is known."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is known."""

    tone: Tone
    title: str
    text: phrases.Said
    href: str | None = None
    link: str = ""


@dataclass(frozen=True, slots=True)
class ProjectLosses:
    """What a project lost of replays in 30 days, with reasons in words."""

    project_name: str
    href: str
    losses: tuple[Loss, ...]


@dataclass(frozen=True, slots=True)
class WhyPage:
    """The question, and the answer as far as it is known."""

    asked: str
    """What stands in the field."""
    subject: str | None = None
    """`Replay 5b1c…`; None before anything is asked."""
    findings: tuple[Finding, ...] = ()
    losses: tuple[ProjectLosses, ...] = ()
    checks: tuple[str, ...] = ()
    """What to look at oneself."""
    problem: str | None = None
    projects: tuple[tuple[str, str], ...] = ()
    """Names and addresses of the projects one may ask about."""
    days: int = DAYS


def of_replay(trail: ReplayTrail, names: Mapping[ProjectId, str]) -> WhyPage:
    """Answer for a replay id."""
    findings = [one for stored in trail.stored for one in _stored(stored, names)]
    findings += [_deleted(mark, names) for mark in trail.tombstones]
    findings += [_set_aside(one) for one in trail.quarantined]
    findings += [_named(by, names) for by in trail.named_by]
    is_explained = bool(trail.stored or trail.tombstones or trail.quarantined)
    if not is_explained:
        findings.insert(0, _missing(trail))
    return WhyPage(
        asked=trail.replay_id,
        subject=f"Replay {trail.replay_id}",
        findings=tuple(findings),
        losses=() if is_explained else _all_losses(trail.lost, names),
        checks=() if is_explained or trail.named_by else NEVER,
    )


def of_event(trail: EventTrail, names: Mapping[ProjectId, str]) -> WhyPage:
    """Answer for an event that names no replay."""
    event = trail.event
    project = _name(event.project_id, names)
    first = Finding(
        "none",
        "The event is here and names no replay",
        (
            f"{phrases.shortened(event.title, limit=200)}, in {project} at ",
            event.at,
            (
                ". When it was sent, the app recorded nothing: the session was not sampled, or "
                "Session Replay is off; or, for a backend, the request brought no trace of an app "
                "along."
            ),
        ),
    )
    findings = [first, *(_of_trace(one, names) for one in trail.of_trace)]
    if not trail.of_trace:
        findings.append(_no_link(event))
    return WhyPage(event.event_id, f"Event {event.event_id}", tuple(findings))


def _of_trace(one: TracedReplay, names: Mapping[ProjectId, str]) -> Finding:
    return Finding(
        "good",
        f"Its trace runs through a replay of {_name(one.key.project_id, names)}",
        (
            "Which began ",
            one.started_at,
            (
                ". The event is shown there if it happened in its time, a minute before and after "
                "included."
            ),
        ),
        replay_urls.replay(one.key.project_id, one.key.replay_id),
        "Open the replay",
    )


def _no_link(event: LinkableEvent) -> Finding:
    traced = (
        f"No replay has its trace {event.trace_id} either."
        if event.trace_id
        else "It has no trace either."
    )
    return Finding(
        "bad",
        "No replay leads to it",
        f"{traced} For errors of a backend, list its host in the app's tracePropagationTargets.",
        project_urls.set_up(event.project_id),
        "Set up",
    )


def of_project(trail: ProjectTrail, names: Mapping[ProjectId, str]) -> WhyPage:
    """Answer for a whole project."""
    name = _name(trail.project_id, names)
    findings = [
        Finding(
            "good" if trail.kept_items else "bad",
            f"{trail.kept_items:,} parts of replays were kept in {DAYS} days"
            if trail.kept_items
            else f"No part of a replay was kept in {DAYS} days",
            "A part is a segment, about five seconds.",
            list_urls.replays(trail.project_id),
            "The replays",
        )
    ]
    if trail.naming:
        findings.append(
            Finding(
                "warn" if trail.dangling else "good",
                f"{trail.dangling:,} of the newest {trail.naming:,} errors with a replay id "
                "name a replay that is not here"
                if trail.dangling
                else f"The replays that the newest {trail.naming:,} errors name are all here",
                "Each was deleted, never came, or is in a project you are not a member of."
                if trail.dangling
                else "Every id leads to its replay.",
            )
        )
    findings += [
        Finding(
            "none",
            phrases.shortened(one.title, limit=120),
            (one.at, f", names replay {one.replay_id}"),
            list_urls.why(one.replay_id),
            "Why?",
        )
        for one in trail.missing
    ]
    return WhyPage(
        asked="",
        subject=name,
        findings=tuple(findings),
        losses=_all_losses((trail.lost,), names),
        checks=() if trail.kept_items else NEVER,
    )


def with_projects(page: WhyPage, names: Mapping[ProjectId, str]) -> WhyPage:
    """Offer the projects one may ask about."""
    listed = tuple((name, list_urls.why_project(project_id)) for project_id, name in names.items())
    return replace(page, projects=listed)


def _deleted(mark: Tombstone, names: Mapping[ProjectId, str]) -> Finding:
    return Finding(
        "bad",
        f"Deleted from {_name(mark.key.project_id, names)}",
        (
            "On ",
            mark.deleted_at,
            (
                f", with {phrases.count(mark.segments, 'segment')}. "
                "Segments that come later are thrown away."
            ),
        ),
        replay_urls.replay(mark.key.project_id, mark.key.replay_id),
        "By whom",
    )


def _set_aside(one: Quarantined) -> Finding:
    return Finding(
        "bad",
        "An envelope of it is in quarantine",
        (
            "Received ",
            one.received_at,
            f"; reading it failed five times: {phrases.shortened(one.reason, limit=300)}",
        ),
    )


def _named(by: NamingEvents, names: Mapping[ProjectId, str]) -> Finding:
    verb = "names" if by.events == 1 else "name"
    release = f", release {by.release}" if by.release else ""
    return Finding(
        "none",
        f"{phrases.count(by.events, 'error')} of {_name(by.project_id, names)} {verb} it",
        (
            *(("From ", by.first_at, " to ") if by.events > 1 else ("At ",)),
            by.last_at,
            f", by {by.sdk_name or 'an unknown SDK'}{release}. So the app did record.",
        ),
    )


def _missing(trail: ReplayTrail) -> Finding:
    if trail.named_by:
        return Finding(
            "bad",
            "It was recorded, and no part of it arrived",
            "Errors carry its id, so the app did record. Its segments were dropped on the phone, "
            "refused or limited here, or are still on the phone: the tables below say what was "
            "lost of replays in these days.",
        )
    return Finding(
        "bad",
        "Nothing of it is known here",
        "No segment, no error that names it, no deletion, in any project you are a member of.",
    )


def _stored(stored: StoredReplay, names: Mapping[ProjectId, str]) -> list[Finding]:
    """Say of a replay that is here what of it is missing."""
    of = stored.replay
    here = Finding(
        "good",
        f"It is here, in {_name(of.key.project_id, names)}",
        (
            (
                f"{phrases.count(of.segments, 'segment')}, {of.video_segments:,} with video, the "
                "last one received "
            ),
            of.last_received_at,
            ".",
        ),
        replay_urls.replay(of.key.project_id, of.key.replay_id),
        "Open the replay",
    )
    findings = [here]
    if stored.missing_ids:
        findings.append(
            Finding(
                "warn",
                f"{phrases.count(len(stored.missing_ids), 'segment')} never arrived",
                f"Number {phrases.ranges(stored.missing_ids)}. Phones keep 30 envelopes while they "
                "are offline; the oldest go first.",
            )
        )
    faults = sorted({one.video_fault for one in stored.segments if one.video_fault})
    if faults:
        findings.append(
            Finding("warn", "Some of its video cannot be played", f"{'; '.join(faults)}.")
        )
    if abs(of.drift_ms) >= _MINUTE_MS:
        direction = "behind" if of.drift_ms > 0 else "ahead of"
        apart = units.format_duration(abs(of.drift_ms))
        findings.append(
            Finding(
                "warn",
                f"The phone's clock was {apart} {direction} ours",
                "Replays are shown in the phone's time: look for it there in the list.",
            )
        )
    delay = of.first_received_at - of.started_at - timedelta(milliseconds=of.drift_ms)
    if delay >= _LATE:
        took = units.format_duration(round(delay.total_seconds() * 1000))
        findings.append(
            Finding(
                "none", f"It was uploaded {took} late", "The phone was offline, or the app off."
            )
        )
    return findings


def _all_losses(
    lost: Sequence[ReplayLosses], names: Mapping[ProjectId, str]
) -> tuple[ProjectLosses, ...]:
    found = (
        ProjectLosses(
            _name(one.project_id, names),
            project_urls.project(one.project_id),
            outcomes.what_arrived(one.counts).losses,
        )
        for one in lost
    )
    return tuple(one for one in found if one.losses)


def _name(project_id: ProjectId, names: Mapping[ProjectId, str]) -> str:
    return names.get(project_id, "another project")
