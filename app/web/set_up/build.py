"""Builds the set-up page of a project: texts with its DSN, and what its newest replays say."""

from collections.abc import Iterator
from typing import Final

from app.core.ids import ProjectId
from app.memberships.model import ProjectAccess, Role
from app.playback import sdk_faults
from app.playback.checks import CalledHost, SetUpFacts
from app.web.set_up import snippets
from app.web.set_up.build_snippets import write_build_snippets
from app.web.set_up.page import SetUpCheck, SetUpPage
from app.web.urls import list_urls
from app.web.words import phrases

_ENOUGH_REQUESTS: Final = 3
"""Requests to a host before their lack of an answer means something."""


def build_set_up_page(
    access: ProjectAccess, dsn: str | None, facts: SetUpFacts, *, base_url: str
) -> SetUpPage:
    """Build the set-up page; without a DSN it has nothing to paste for apps and services.

    Args:
        access: The project, and what the reader may do in it.
        dsn: The DSN of a key that is on, if any.
        facts: The facts that the newest replays show.
        base_url: The address of this server.
    """
    project = access.project
    return SetUpPage(
        project_id=project.id,
        name=project.name,
        dsn=dsn,
        apps=snippets.write_app_snippets(dsn) if dsn else (),
        services=snippets.write_service_snippets(dsn) if dsn else (),
        builds=write_build_snippets(base_url, project.slug),
        may_make_tokens=access.role.includes(Role.ADMIN),
        checks=build_checks(project.id, facts),
    )


def build_checks(project_id: ProjectId, facts: SetUpFacts) -> tuple[SetUpCheck, ...]:
    """Write the list of checks, in the order in which things begin to work."""
    return (
        _check_segments(project_id, facts),
        _check_video(facts),
        _check_errors(facts),
        *_check_hosts(facts),
        _check_backend(facts),
        *_check_sdks(facts),
    )


def _check_segments(project_id: ProjectId, facts: SetUpFacts) -> SetUpCheck:
    if facts.last_received_at is None:
        return SetUpCheck(
            "waiting",
            "Waiting for the first segment",
            "Start the app and use it for five seconds.",
            list_urls.why_project(project_id),
            "Nothing arrives?",
        )
    return SetUpCheck(
        "done",
        "First segment received",
        ("The newest arrived ", facts.last_received_at, "."),
        list_urls.replays(project_id),
        "Replays",
    )


def _check_video(facts: SetUpFacts) -> SetUpCheck:
    if facts.video_segments:
        segments = phrases.count(facts.segments, "segment")
        text = f"{facts.video_segments:,} of the newest {segments}."
        return SetUpCheck("done", "Video can be played", text)
    if facts.segments:
        return SetUpCheck(
            "problem",
            "Segments come without video",
            "The SDK recorded no pictures, or in a form that no browser plays. The tab Segments of "
            "a replay says which.",
        )
    return SetUpCheck("waiting", "Video")


def _check_errors(facts: SetUpFacts) -> SetUpCheck:
    if facts.app_errors:
        return SetUpCheck(
            "done", "Error linked", f"{phrases.count(facts.app_errors, 'error')} of the app."
        )
    return SetUpCheck(
        "waiting",
        "No error of the app in its newest replays",
        "Throw one to see its stack and its moment in the video.",
    )


def _check_hosts(facts: SetUpFacts) -> Iterator[SetUpCheck]:
    """Say of each host that the app calls whether its requests are traced into a backend."""
    for host in facts.hosts:
        if host.answered:
            yield SetUpCheck(
                "done",
                f"Requests to {host.name} are traced",
                f"A backend's spans answer {host.answered:,} of {host.requests:,}.",
            )
        elif host.requests >= _ENOUGH_REQUESTS:
            yield _untraced_host(host)


def _untraced_host(host: CalledHost) -> SetUpCheck:
    return SetUpCheck(
        "problem",
        f"Requests to {host.name} lead to no backend",
        f"None of {host.requests:,} carries its trace to a service that reports here. Add "
        f"{host.name} to tracePropagationTargets, and give the service an SDK with the DSN of a "
        "project here. If the host is not yours, leave it as it is.",
    )


def _check_backend(facts: SetUpFacts) -> SetUpCheck:
    if facts.backend_errors:
        text = f"{phrases.count(facts.backend_errors, 'error')} of services in the newest replays."
        return SetUpCheck("done", "Backend error linked", text)
    return SetUpCheck(
        "waiting",
        "No error of a service in the newest replays",
        "Services have projects of their own; their errors are linked to the replay by its trace.",
    )


def _check_sdks(facts: SetUpFacts) -> Iterator[SetUpCheck]:
    """Name the SDKs that record, and the known faults of their versions."""
    if facts.sdks:
        yield SetUpCheck(
            "note",
            "SDKs that record here",
            f"{', '.join(facts.sdks)}. Session Replay needs "
            f"{sdk_faults.list_minimum_versions()} or later.",
        )
    for fault in facts.faults:
        yield SetUpCheck("problem", "Update this SDK", fault.text)
