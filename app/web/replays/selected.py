"""Actions on the replays that somebody selects in the list."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core import clock
from app.core.errors import InvalidInput
from app.erasure.selected import erase_replays
from app.memberships.model import Role
from app.playback import replay_selection
from app.playback.replay_list import PAGE_ROWS
from app.replays.model import ReplayKey
from app.retention import keep_replays
from app.web.frame import access, answer, forms
from app.web.frame.services import services_of
from app.web.replays import build
from app.web.replays.row_values import read_row_value
from app.web.urls import list_urls
from app.web.words import phrases
from app.web.words.replay.holds import read_hold_form

router = APIRouter()

_OTHER_FIELDS: Final = 10


@router.post(list_urls.SELECTED)
async def mark_seen(request: Request, visitor: access.CurrentVisitor) -> Response:
    """Mark the selected replays as seen by the visitor."""
    fields = await _read_fields(request)
    keys = _read_keys(fields)
    await replay_selection.mark_replays_seen(services_of(request).db, visitor.person, keys)
    return answer.redirect(_back_href(fields), done="marked-seen", count=len(keys))


@router.post(list_urls.DELETE_SELECTED)
async def delete_selected(request: Request, visitor: access.CurrentVisitor) -> Response:
    """Ask before deleting the selected replays; delete them when the answer is yes."""
    services = services_of(request)
    fields = await _read_fields(request)
    keys = _read_keys(fields)
    if ("sure", "yes") not in fields:
        selected = await replay_selection.read_replays_to_delete(services.db, visitor.person, keys)
        page = build.build_deletion(selected, back_href=_back_href(fields))
        return await answer.render_page(request, "replays/delete.html", page)
    act = await erase_replays(services.db, visitor.person, keys, at=clock.now())
    services.eraser.hurry()
    return answer.redirect(_back_href(fields), done="replays-deleted", count=act.replays)


@router.post(list_urls.PIN_SELECTED)
async def pin_selected(request: Request, visitor: access.CurrentVisitor) -> Response:
    """Pin the selected replays, so that no rule deletes them."""
    fields = await _read_fields(request)
    pinned = await keep_replays.pin_replays(
        services_of(request).db, visitor.person, _read_keys(fields), is_pinned=True
    )
    return answer.redirect(_back_href(fields), done="replays-pinned", count=pinned)


@router.post(list_urls.HOLD_SELECTED)
async def hold_selected(request: Request, visitor: access.CurrentVisitor) -> Response:
    """Ask for the fields of a legal hold; set it on the selected replays once they are sent."""
    services = services_of(request)
    fields = await _read_fields(request)
    keys, form = _read_keys(fields), read_hold_form(dict(fields))
    if ("sure", "yes") in fields:
        try:
            held = await keep_replays.hold_replays(
                services.db,
                visitor.person,
                keys,
                name=form.name,
                reason=form.reason,
                until=form.until,
            )
            return answer.redirect(_back_href(fields), done="replays-held", count=held)
        except InvalidInput as error:
            form = replace(form, problem=phrases.sentence(str(error)))
    selected = await replay_selection.read_selected_replays(
        services.db, visitor.person, keys, role=Role.ADMIN
    )
    page = build.build_hold(selected, form, back_href=_back_href(fields))
    status = 400 if form.problem else 200
    return await answer.render_page(request, "replays/hold.html", page, status=status)


async def _read_fields(request: Request) -> list[tuple[str, str]]:
    return await forms.read_form_pairs(request, limit=PAGE_ROWS + _OTHER_FIELDS)


def _back_href(fields: Sequence[tuple[str, str]]) -> str:
    return forms.read_own_path(dict(fields).get("back"))


def _read_keys(fields: Sequence[tuple[str, str]]) -> list[ReplayKey]:
    """Read which replays are selected.

    Raises:
        InvalidInput: None is, or a field does not name a replay.
    """
    keys = set()
    for name, value in fields:
        if name == "replay":
            key = read_row_value(value)
            if key is None:
                raise InvalidInput("the form names a replay that cannot exist")
            keys.add(key)
    if not keys:
        raise InvalidInput("no replay is selected")
    return sorted(keys)
