"""Answers for the address of a replay that is not there: deleted, expired, or never arrived."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from app.playback.visit.model import ReplayAbsence
from app.playback.visit.reader import ReplayReader
from app.web.frame import answer
from app.web.frame.rendering.state_pages import StatePage
from app.web.replay.losses import describe_losses
from app.web.urls import list_urls, project_urls

_RULE: Final = "rule: "
"""The reason of a deletion begins like this if a rule of the project asked for it, not a person."""
_GONE: Final = 410
_NOT_FOUND: Final = 404


async def show_absence(request: Request, reader: ReplayReader) -> Response:
    """Say why there is no replay at its address."""
    absence = await reader.find_absence()
    page = describe_absence(absence, retry_href=request.url.path)
    status = choose_status(absence)
    return await answer.render_page(request, "state/replay.html", page, status=status)


def describe_absence(absence: ReplayAbsence, *, retry_href: str) -> StatePage:
    """Describe why there is no replay.

    Args:
        absence: What is known.
        retry_href: The address of the replay, which may arrive later.
    """
    key, tombstone = absence.key, absence.tombstone
    if tombstone is None:
        return StatePage(
            "not_found",
            key.replay_id,
            list_urls.REPLAYS,
            retry_href=retry_href,
            losses=describe_losses(absence.outcomes),
            losses_href=f"{project_urls.project(key.project_id)}#outcomes",
        )
    is_by_rule = tombstone.reason.startswith(_RULE)
    return StatePage(
        "expired" if is_by_rule else "deleted",
        key.replay_id,
        list_urls.REPLAYS,
        deleted_by=absence.deleted_by,
        deleted_at=tombstone.deleted_at,
        rule=tombstone.reason.removeprefix(_RULE) if is_by_rule else None,
    )


def choose_status(absence: ReplayAbsence) -> int:
    """Return the HTTP status: 410 for a replay that was deleted, otherwise 404."""
    return _NOT_FOUND if absence.tombstone is None else _GONE
