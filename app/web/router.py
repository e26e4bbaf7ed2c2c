"""All pages on one router."""

from fastapi import APIRouter

from app.web.pages import account, browser, demo, playback, projects, replay, replays, sign_in


def pages() -> APIRouter:
    """Return the router of every page; `app.state.house` must hold a `House`."""
    router = APIRouter(include_in_schema=False)
    for room in (sign_in, account, replays, projects, replay, playback, demo, browser):
        router.include_router(room.router)
    return router
