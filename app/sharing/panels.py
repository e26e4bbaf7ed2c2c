"""Takes out of the recordings what belongs to panels that were not handed out.

Breadcrumbs are the rows of the Activity panel, and some of them tell of requests, errors or the
user as well: these are shown only if the panel that they tell of is handed out, too.
"""

from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

from app.feedback.model import FeedbackRecord
from app.formats.replay.activity import Breadcrumb
from app.playback.recording.contents import ReplayContents
from app.replays.sharing.model import SharePanel

_REQUESTS: Final = ("http", "xhr", "fetch", "network.", "graphql", "websocket", "resource.")
_ERRORS: Final = ("error", "exception", "anr", "sentry.event", "replay.hydrate-error")
"""The beginnings of categories of breadcrumbs that tell of a request, and of an error."""
_USER: Final = frozenset({"user", "feedback", "sentry.feedback"})
_URL_KEYS: Final = frozenset({"url", "http.method", "http.request.method", "status_code"})
"""Data that only requests have, whatever an app calls their category."""


def hide_panels(contents: ReplayContents, panels: AbstractSet[SharePanel]) -> ReplayContents:
    """Take out of the recordings what belongs to panels that are not handed out.

    Gaps stay, since the pictures show them, and so do gestures, which are drawn on the pictures.
    """
    if SharePanel.ACTIVITY not in panels:
        contents = replace(
            contents,
            breadcrumbs=(),
            conditions=(),
            screens=(),
            gaps=tuple(replace(gap, cause="unknown") for gap in contents.gaps),
        )
    if SharePanel.NETWORK not in panels:
        contents = replace(contents, spans=())
    return replace(
        contents,
        breadcrumbs=tuple(
            crumb for crumb in contents.breadcrumbs if _find_other_panel(crumb) in {None, *panels}
        ),
        options=contents.options if SharePanel.DETAILS in panels else None,
    )


def hide_senders(
    feedback: tuple[FeedbackRecord, ...], panels: AbstractSet[SharePanel]
) -> tuple[FeedbackRecord, ...]:
    """Take out of feedback who sent it, unless the facts about the user are handed out."""
    if SharePanel.DETAILS in panels:
        return feedback
    return tuple(replace(record, name=None, email=None) for record in feedback)


def _find_other_panel(crumb: Breadcrumb) -> SharePanel | None:
    """Return the panel besides Activity that a breadcrumb tells of; None for most."""
    category = crumb.category.lower()
    if category.startswith(_REQUESTS) or not _URL_KEYS.isdisjoint(crumb.data):
        return SharePanel.NETWORK
    if category.startswith(_ERRORS):
        return SharePanel.ERRORS
    return SharePanel.DETAILS if category in _USER else None
