"""All pages on one router."""

from fastapi import APIRouter

from app.web.account import openid_routes, routes as account, sign_in_routes
from app.web.alerts import routes as alerts
from app.web.browser import routes as browser
from app.web.cells import routes as cells
from app.web.debug_files import routes as debug_files
from app.web.erasures import routes as erasures
from app.web.feedback import routes as feedback
from app.web.health import routes as health
from app.web.issue import file_routes, routes as issue
from app.web.issue.report import routes as issue_report
from app.web.issues import routes as issues
from app.web.keys import routes as keys
from app.web.log import routes as log
from app.web.people import routes as people
from app.web.privacy import routes as privacy
from app.web.project import demo_routes, routes as project
from app.web.releases import routes as releases
from app.web.replay import routes as replay
from app.web.replay.clips import routes as clips
from app.web.replay.handover import routes as handover
from app.web.replay.keeping import routes as keeping
from app.web.replay.media import picture_routes, video_routes
from app.web.replay.parts import routes as replay_parts
from app.web.replay.report import routes as replay_report
from app.web.replay.request import routes as replay_requests
from app.web.replay.shares import public_routes as shared_pages, routes as shares
from app.web.replay.trace import routes as replay_traces
from app.web.replays import routes as replays, selected
from app.web.retention import routes as retention
from app.web.set_up import routes as set_up
from app.web.settings import routes as settings
from app.web.settings.shares import routes as open_shares
from app.web.settings.trackers import routes as trackers
from app.web.storage import routes as storage
from app.web.tokens import routes as tokens
from app.web.trace import routes as trace
from app.web.why import routes as why


def pages() -> APIRouter:
    """Return the router of every page; `app.state.page_services` must hold a `PageServices`."""
    router = APIRouter(include_in_schema=False)
    # Paths are tried in turn, so those that are asked for most come first. Of two that fit, the
    # first answers: `replay_parts` is after `replay`, `selected` before `replays`, and
    # `openid_routes` before `sign_in_routes`.
    for routes in (
        video_routes, picture_routes, replay, shared_pages, selected, replays, project, issues,
        issue, replay_parts, replay_traces, replay_requests, keeping, handover, clips, shares,
        file_routes, trace, replay_report, issue_report, trackers, open_shares, openid_routes,
        sign_in_routes, account, erasures, set_up, settings, privacy, releases, why, feedback,
        demo_routes, people, log, keys, alerts, tokens, debug_files, health, retention, storage,
        cells, browser,
    ):  # fmt: skip
        router.include_router(routes.router)
    return router
