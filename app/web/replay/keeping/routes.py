"""Pins a replay, and sets and releases its legal holds."""

from dataclasses import replace

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import InvalidInput
from app.memberships.model import Role
from app.retention import keep_replays
from app.web.frame import access, answer, forms
from app.web.frame.access import RequestedReplay
from app.web.frame.services import services_of
from app.web.replay.keeping.build import build_holds_page
from app.web.replay.readers import MemberHere
from app.web.urls import replay_urls
from app.web.urls.routing import route_to
from app.web.words import phrases
from app.web.words.replay.holds import HoldForm, read_hold_form

router = APIRouter()


@router.post(route_to(replay_urls.pin_replay))
async def pin_replay(request: Request, member: MemberHere, asked: access.CurrentReplay) -> Response:
    """Pin a replay, or take its pin off."""
    is_pinned = (await forms.read_form(request)).get("pinned") == "yes"
    await keep_replays.pin_replays(
        services_of(request).db, member.person, [asked.key], is_pinned=is_pinned
    )
    return answer.redirect(
        replay_urls.replay(asked.key.project_id, asked.key.replay_id),
        done="replay-pinned" if is_pinned else "replay-unpinned",
    )


@router.get(route_to(replay_urls.hold_replay))
async def show_holds(request: Request, asked: access.CurrentReplay) -> Response:
    """Show the legal holds of a replay, and the form for one more."""
    return await _show(request, asked, read_hold_form({}))


@router.post(route_to(replay_urls.hold_replay))
async def set_hold(request: Request, asked: access.CurrentReplay) -> Response:
    """Put a replay under a legal hold."""
    asked.access.require_role(Role.ADMIN)
    fields = await forms.read_form(request)
    form = read_hold_form(fields)
    try:
        await keep_replays.hold_replays(
            services_of(request).db,
            asked.access.person,
            [asked.key],
            name=form.name,
            reason=form.reason,
            until=form.until,
        )
    except InvalidInput as error:
        return await _show(request, asked, replace(form, problem=phrases.sentence(str(error))))
    href = replay_urls.replay(asked.key.project_id, asked.key.replay_id)
    return answer.redirect(href, done="hold-set")


@router.post(route_to(replay_urls.release_hold))
async def release_hold(request: Request, asked: access.CurrentReplay) -> Response:
    """End a legal hold of a replay."""
    name = (await forms.read_form(request)).get("name", "")
    await keep_replays.release_hold(services_of(request).db, asked.access, asked.key, name)
    href = replay_urls.hold_replay(asked.key.project_id, asked.key.replay_id)
    return answer.redirect(href, done="hold-released")


async def _show(request: Request, asked: RequestedReplay, form: HoldForm) -> Response:
    read = await keep_replays.read_holds(services_of(request).db, asked.key)
    may_change = asked.access.role.includes(Role.ADMIN)
    page = build_holds_page(read, may_change=may_change, form=form)
    status = 400 if form.problem else 200
    return await answer.render_page(request, "replay/holds.html", page, status=status)
