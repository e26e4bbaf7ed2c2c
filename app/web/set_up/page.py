"""The set-up page of a project: what to paste, and whether it works."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from app.core.ids import ProjectId
from app.playback import sdk_faults
from app.playback.checks import CalledHost, SetUpFacts
from app.web.urls import list_urls
from app.web.words import phrases
from app.web.words.snippets import Snippet

State = Literal["done", "waiting", "problem", "note"]

_ENOUGH: Final = 3
"""Requests to a host before their lack of an answer means something."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the list."""

    state: State
    title: str
    text: phrases.Said = ""
    href: str | None = None
    link: str = ""


@dataclass(frozen=True, slots=True)
class SetUpPage:
    """How to point apps and services at a project, and what has come of it so far."""

    project_id: ProjectId
    name: str
    dsn: str | None
    apps: tuple[Snippet, ...]
    services: tuple[Snippet, ...]
    checks: tuple[Check, ...]


def checks(project_id: ProjectId, found: SetUpFacts) -> tuple[Check, ...]:
    """Write the list, in the order in which things begin to work."""
    return (
        _segments(project_id, found),
        _video(found),
        _errors(found),
        *_hosts(found),
        _backend(found),
        *_sdks(found),
    )


def _segments(project_id: ProjectId, found: SetUpFacts) -> Check:
    if found.last_received_at is None:
        return Check(
            "waiting",
            "Waiting for the first segment",
            "Start the app and use it for five seconds.",
            list_urls.why_project(project_id),
            "Nothing comes?",
        )
    return Check(
        "done",
        "First segment received",
        ("The newest came ", found.last_received_at, "."),
        list_urls.replays(project_id),
        "Replays",
    )


def _video(found: SetUpFacts) -> Check:
    if found.video_segments:
        text = f"{found.video_segments:,} of the newest {phrases.count(found.segments, 'segment')}."
        return Check("done", "Video can be played", text)
    if found.segments:
        return Check(
            "problem",
            "Segments come without video",
            "The SDK has recorded nothing to show, or in a form that no browser plays. Segments, a "
            "tab of the replay, says which.",
        )
    return Check("waiting", "Video")


def _errors(found: SetUpFacts) -> Check:
    if found.app_errors:
        return Check(
            "done", "Error linked", f"{phrases.count(found.app_errors, 'error')} of the app."
        )
    return Check(
        "waiting",
        "No error of the app in its newest replays",
        "Throw one to see it there: its stack, and the moment in the video.",
    )


def _hosts(found: SetUpFacts) -> Iterator[Check]:
    """Name the hosts whose requests no backend answers."""
    for host in found.hosts:
        if host.answered:
            yield Check(
                "done",
                f"Requests to {host.name} are traced",
                f"A backend's spans answer {host.answered:,} of {host.requests:,}.",
            )
        elif host.requests >= _ENOUGH:
            yield _untraced(host)


def _untraced(host: CalledHost) -> Check:
    return Check(
        "problem",
        f"Requests to {host.name} lead to no backend",
        f"None of {host.requests:,} carries its trace to a service that reports here. Add "
        f"{host.name} to tracePropagationTargets, and give the service an SDK with the DSN of a "
        "project of yours. If the host is not yours, leave it.",
    )


def _backend(found: SetUpFacts) -> Check:
    if found.backend_errors:
        text = f"{phrases.count(found.backend_errors, 'error')} of services in the newest replays."
        return Check("done", "Backend error linked", text)
    return Check(
        "waiting",
        "No error of a service in the newest replays",
        "Services have projects of their own; their errors come into the replay by its trace.",
    )


def _sdks(found: SetUpFacts) -> Iterator[Check]:
    """Name the SDKs, and what is known to be wrong with them."""
    if found.sdks:
        yield Check(
            "note",
            "SDKs that record here",
            f"{', '.join(found.sdks)}. Session Replay needs "
            f"{sdk_faults.list_minimum_versions()} or later.",
        )
    for fault in found.faults:
        yield Check("problem", "Update this SDK", fault.text)
