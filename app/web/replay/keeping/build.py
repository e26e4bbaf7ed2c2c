"""Turns the holds of a replay into the values of their page."""

from app.replays import naming
from app.retention.keep_replays import ReplayHolds
from app.web.replay.keeping.page import HoldRow, HoldsPage
from app.web.urls import replay_urls
from app.web.words.replay.holds import HoldForm

_GONE = "somebody who has left"


def build_holds_page(read: ReplayHolds, *, may_change: bool, form: HoldForm) -> HoldsPage:
    """Build the page of a replay's legal holds.

    Args:
        read: The replay and its holds.
        may_change: True if the visitor may set and release holds.
        form: The typed values, if the page is shown again because of a problem.
    """
    key = read.replay.key
    return HoldsPage(
        replay_href=replay_urls.replay(key.project_id, key.replay_id),
        replay_id=key.replay_id,
        user=naming.name_user(read.replay.user),
        started_at=read.replay.recorded_at,
        action_href=replay_urls.hold_replay(key.project_id, key.replay_id),
        release_href=replay_urls.release_hold(key.project_id, key.replay_id),
        holds=tuple(
            HoldRow(
                hold.name,
                hold.reason,
                hold.expires_at,
                hold.held_at,
                read.names.get(hold.held_by, _GONE) if hold.held_by else "the command line",
            )
            for hold in read.holds
        ),
        may_change=may_change,
        form=form,
    )
