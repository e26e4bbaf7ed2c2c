"""Hands a replay out by a link, and takes links back."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.core.errors import InvalidInput
from app.core.replay.replay_range import read_replay_range
from app.replays.sharing.model import SharePanel, ShareTerms
from app.sharing.frame_origins import read_frame_origins
from app.sharing.make_share import make_share, revoke_share
from app.web.frame import access, answer, forms
from app.web.frame.services import services_of
from app.web.replay.readers import PartReaderHere
from app.web.replay.shares.describe import describe_made_share
from app.web.urls import project_urls, replay_urls, share_urls
from app.web.urls.routing import route_to
from app.web.words import phrases

router = APIRouter()

_MOST_FIELDS: Final = 50
_DAYS_DIGITS: Final = 3
_PANELS: Final = {panel.value: panel for panel in SharePanel}


@router.post(route_to(replay_urls.shares))
async def share_replay(
    request: Request, asked: access.CurrentReplay, reader: PartReaderHere
) -> Response:
    """Hand a replay or a range of it out; the answer is the only one that has the link.

    The form has `from` and `to`, `panel` for each panel, `bodies`, `days`, `frames` and `note`.
    """
    pairs = await forms.read_form_pairs(request, limit=_MOST_FIELDS)
    fields = dict(pairs)
    is_script = "application/json" in request.headers.get("accept", "")
    try:
        made = await make_share(
            reader, asked.access, _read_terms(pairs, fields), days=_read_days(fields)
        )
    except InvalidInput as error:
        if not is_script:
            raise
        return JSONResponse({"problem": phrases.sentence(str(error))}, error.status)
    card = describe_made_share(made, services_of(request).settings.base_url)
    if is_script:
        return JSONResponse({"path": share_urls.share(made.token), "words": card.words}, 201)
    return await answer.render_page(request, "replay/shares/made.html", card, status=201)


@router.post(route_to(replay_urls.revoke_share))
async def take_back(
    request: Request, asked: access.CurrentReplay, share_id: access.RowId
) -> Response:
    """Take a share back: it answers nobody from now on.

    The form has `back=project` if it stands in the list of a whole project.
    """
    is_in_list = (await forms.read_form(request)).get("back") == "project"
    await revoke_share(services_of(request).db, asked.access, asked.key, share_id)
    project_id, replay_id = asked.key
    href = (
        project_urls.open_shares(project_id)
        if is_in_list
        else replay_urls.hand_on(project_id, replay_id)
    )
    return answer.redirect(href, done="share-revoked")


def _read_terms(pairs: Sequence[tuple[str, str]], fields: dict[str, str]) -> ShareTerms:
    panels = frozenset(
        _PANELS[value] for name, value in pairs if name == "panel" and value in _PANELS
    )
    return ShareTerms(
        range=read_replay_range(fields),
        panels=panels,
        shows_bodies=fields.get("bodies") == "yes",
        frame_origins=read_frame_origins(fields.get("frames", "")),
        note=fields.get("note", ""),
    )


def _read_days(fields: dict[str, str]) -> int:
    text = fields.get("days", "")
    if not text.isascii() or not text.isdecimal() or len(text) > _DAYS_DIGITS:
        raise InvalidInput("choose for how many days the link is open")
    return int(text)
