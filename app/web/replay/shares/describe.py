"""Describes shares for the people of the project: the form that makes one, and what one shows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.playback.visit.model import ReplayContext
from app.replays.sharing.model import NOTE_CHARS, SHARE_DAYS, SharePanel, ShareTerms
from app.sharing.make_share import MadeShare
from app.web.replay.handover.page import PanelChoice, ShareForm
from app.web.urls import replay_urls, share_urls
from app.web.words.replay.clips import describe_range
from app.web.words.replay.shares import PANEL_WORDS, describe_panels

_PANEL_NOTES: Final = {
    SharePanel.NETWORK: "addresses, headers and times",
    SharePanel.TRACE: "of this project only",
    SharePanel.LOGS: "of this project only",
    SharePanel.DETAILS: "who used which device and app",
}
_CHOSEN: Final = frozenset({SharePanel.ACTIVITY, SharePanel.NETWORK, SharePanel.ERRORS})
"""What a colleague needs who fixes a fault; who the user is, is not among it."""


@dataclass(frozen=True, slots=True)
class MadeShareCard:
    """A link that was made just now; nobody can read it again."""

    url: str
    words: str
    """A sentence about what it shows."""
    expires_at: datetime
    back_href: str


def describe_made_share(made: MadeShare, base_url: str) -> MadeShareCard:
    """Describe a link, the one time that it is shown.

    Args:
        made: The share with its token.
        base_url: The address of the server as people reach it.
    """
    share = made.share
    return MadeShareCard(
        url=f"{base_url.rstrip('/')}{share_urls.share(made.token)}",
        words=_describe_terms(share.terms),
        expires_at=share.expires_at,
        back_href=replay_urls.hand_on(share.key.project_id, share.key.replay_id),
    )


def make_share_form(context: ReplayContext) -> ShareForm:
    """Make the form by which a share link is made."""
    key = context.key
    return ShareForm(
        action_href=replay_urls.shares(key.project_id, key.replay_id),
        is_allowed=context.project.allows_shares,
        panels=tuple(
            PanelChoice(panel.value, words, _PANEL_NOTES.get(panel, ""), is_chosen=panel in _CHOSEN)
            for panel, words in PANEL_WORDS.items()
        ),
        may_show_bodies=context.project.viewers_see_bodies,
        days=SHARE_DAYS,
        note_chars=NOTE_CHARS,
    )


def _describe_terms(terms: ShareTerms) -> str:
    """Say in a sentence what a share shows: its part of the replay, and its panels."""
    part = describe_range(terms.range) if terms.range else "the whole replay"
    return f"Shows {part}, {describe_panels(terms)}."
