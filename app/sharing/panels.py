"""Removes from recordings what belongs to panels that a share does not show.

Breadcrumbs are the rows of the Activity panel, and some of them tell of requests, errors or the
user as well: these are shown only if the share has that panel, too.
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
"""Keys of data that only requests have, whatever category an app gives them."""


def hide_panels(contents: ReplayContents, panels: AbstractSet[SharePanel]) -> ReplayContents:
    """Remove from the recordings what belongs to panels that a share does not show.

    Gaps and gestures stay, since both are part of the picture.
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
    """Remove the senders of feedback, unless the share shows the facts about the user."""
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
