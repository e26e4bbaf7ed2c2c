"""Tests of the list of what was made of a replay for others."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from app.core.ids import PersonId
from app.core.replay.clip_format import ClipFormat
from app.core.replay.replay_range import ReplayRange
from app.core.ticket_address import KeptTicket, read_ticket_address
from app.replays.clips.model import Clip, ClipFile, ClipRequest, ClipState
from app.replays.model import ReplayKey
from app.replays.sharing.model import Share, ShareKind, ShareTerms
from app.sharing.handed_out import HandedOut
from app.web.replay.handover.handed_out import describe_handed_out
from app.web.replay.handover.page import HandedOutRow
from app.web.urls import replay_urls
from tests.unit.web.samples.made_up import NOW, PROJECT, REPLAY

_KEY = ReplayKey(PROJECT, REPLAY)
_ANA = PersonId(1)
_HOUR = timedelta(hours=1)
_SHARE = Share(
    id=7,
    key=_KEY,
    kind=ShareKind.LINK,
    terms=ShareTerms(range=ReplayRange(58_000, 72_900), note="For the payment team"),
    made_by=_ANA,
    made_at=NOW,
    expires_at=NOW + 2 * _HOUR,
    revoked_at=None,
    revoked_by=None,
    views=3,
    viewed_at=NOW,
)
_CLIP = Clip(
    id="c" * 32,
    key=_KEY,
    day=NOW.date(),
    request=ClipRequest(ClipFormat.MP4, None),
    state=ClipState.READY,
    percent=100,
    fault=None,
    made_by=_ANA,
    made_at=NOW + _HOUR / 2,
    ended_at=NOW,
    file=ClipFile("k", 2_097_152, 320, 640, 9_000),
)


def _describe(
    *,
    clips: Sequence[Clip] = (),
    shares: Sequence[Share] = (),
    tickets: Sequence[KeptTicket] = (),
    may_change: bool = True,
    are_shares_on: bool = True,
) -> tuple[HandedOutRow, ...]:
    handed_out = HandedOut(tuple(clips), tuple(shares), {_ANA: "Ana Silva"}, tuple(tickets))
    return describe_handed_out(
        handed_out, _KEY, now=NOW + _HOUR, may_change=may_change, are_shares_on=are_shares_on
    )


def test_a_ticket_leads_to_its_tracker_and_can_be_removed():
    """Whoever may not change anything has the link alone."""
    address = read_ticket_address("https://acme.atlassian.net/browse/SHOP-12")
    ticket = KeptTicket(3, address, _ANA, NOW)
    (row,) = _describe(tickets=[ticket])
    assert (row.title, row.href) == ("Ticket SHOP-12", address.url)
    assert row.details == ("Kept by ", "Ana Silva", ", ", NOW)
    assert (row.take_back_words, row.take_back_href) == (
        "Remove",
        replay_urls.forget_ticket(PROJECT, REPLAY, 3),
    )
    (gone,) = _describe(tickets=[replace(ticket, added_by=None)], may_change=False)
    assert gone.take_back_href is None
    assert "somebody who has left" in gone.details


def test_row_says_what_was_made_by_whom_and_until_when_it_is_open():
    """A share names its part, maker, views and end; a clip its format and size."""
    clip, share = _describe(clips=[_CLIP], shares=[_SHARE])
    assert (share.title, share.state, share.note) == (
        "Share link, 0:58 to 1:12.9, video only",
        "open",
        "For the payment team",
    )
    assert share.details == (
        *("Made by ", "Ana Silva", ", ", NOW, "; 3 views", "; open until "),
        NOW + 2 * _HOUR,
    )
    assert (clip.title, clip.state) == ("MP4 clip, whole replay", "ready")
    assert "; 2.0 MiB" in clip.details


def test_a_clip_is_named_as_on_the_page_of_clips():
    """Its format is written as people write it, and its range is exact."""
    request = ClipRequest(ClipFormat.WEBP, ReplayRange(1_500, 72_000))
    (row,) = _describe(clips=[replace(_CLIP, request=request)])
    assert row.title == "WebP clip, 0:01.5 to 1:12"


def test_an_open_share_can_be_taken_back():
    """An open share has an address for taking it back; a share that is over has none."""
    revoked = replace(_SHARE, revoked_at=NOW)
    share, over = _describe(shares=[_SHARE, revoked])
    assert (
        share.take_back_href
        == f"/projects/{_KEY.project_id}/replays/{_KEY.replay_id}/shares/7/revoke"
    )
    assert over.take_back_href is None


def test_shares_of_a_project_that_lets_none_answer_are_switched_off():
    """Shares that are switched off are listed as over, and can still be taken back for good."""
    [share] = _describe(shares=[_SHARE], are_shares_on=False)
    assert (share.state, share.is_over) == ("switched off", True)
    assert share.take_back_href is not None


def test_what_is_over_comes_last():
    """The list begins with what can still be opened, each part with the newest."""
    revoked = replace(_SHARE, revoked_at=NOW + _HOUR / 4, made_at=NOW + _HOUR)
    expired = replace(_SHARE, expires_at=NOW + _HOUR, views=0)
    failed = replace(_CLIP, state=ClipState.FAILED, file=None, fault="it took too long")
    rows = _describe(clips=[failed, _CLIP], shares=[revoked, expired, _SHARE])
    assert [(row.state, row.is_over) for row in rows] == [
        ("ready", False),
        ("open", False),
        ("taken back", True),
        ("failed", True),
        ("expired", True),
    ]
    assert rows[2].details[-2:] == ("; taken back ", NOW + _HOUR / 4)
    assert "; it took too long" in rows[3].details
    assert not any("view" in str(part) for part in rows[4].details)


def test_what_is_under_way_or_made_by_nobody_says_so():
    """A clip that is rendered tells how far it is; a picture of an alert names the program."""
    waiting = replace(_CLIP, state=ClipState.WAITING, percent=0, file=None, made_by=PersonId(9))
    rendering = replace(waiting, state=ClipState.RENDERING, percent=40)
    picture = replace(_SHARE, kind=ShareKind.PICTURE, made_by=None, made_at=NOW - _HOUR)
    rows = _describe(clips=[waiting, rendering], shares=[picture])
    assert [row.state for row in rows] == ["waiting", "40 %", "open"]
    assert "somebody who has left" in rows[0].details
    assert rows[2].title == "Picture in a message"
    assert "Playhead" in rows[2].details
