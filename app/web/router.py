"""All pages on one router."""

from fastapi import APIRouter

from app.web.pages import (
    account,
    browser,
    demo,
    feedback,
    issue,
    issue_event,
    issues,
    network,
    pictures,
    playback,
    projects,
    quarantine,
    releases,
    replay,
    replay_parts,
    replays,
    screenshots,
    selected,
    set_up,
    settings,
    sign_in,
    traces,
    why,
)


def pages() -> APIRouter:
    """Return the router of every page; `app.state.house` must hold a `House`."""
    router = APIRouter(include_in_schema=False)
    for room in (
        sign_in, account, selected, replays, projects, set_up, settings, quarantine, releases,
        replay, replay_parts, network, playback, pictures, traces, why, issues, issue, issue_event,
        feedback, screenshots, demo, browser,
    ):  # fmt: skip
        router.include_router(room.router)
    return router
