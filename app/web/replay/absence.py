"""Describes the address of a replay that is not there: deleted, expired, or never arrived."""

from typing import Final

from app.playback.visit.model import ReplayAbsence
from app.web.frame.rendering.state_pages import StatePage
from app.web.replay.losses import describe_losses
from app.web.urls import list_urls, project_urls

_RULE: Final = "rule: "
"""The reason of a deletion begins like this if a rule of the project asked for it, not a person."""
_GONE: Final = 410
_NOT_FOUND: Final = 404


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
