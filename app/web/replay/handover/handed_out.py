"""Puts what was made of a replay for others into the rows of a list."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from app.core import units
from app.core.ids import PersonId
from app.core.ticket_address import KeptTicket
from app.replays.clips.model import Clip, ClipState
from app.replays.model import ReplayKey
from app.replays.sharing.model import Share, ShareKind
from app.sharing.handed_out import HandedOut
from app.web.replay.handover.page import HandedOutRow
from app.web.urls import replay_urls
from app.web.words.phrases import count, shortened
from app.web.words.replay.clips import FORMAT_WORDS, describe_range
from app.web.words.replay.shares import describe_panels

_SHARE_STATES: Final = {"open": "open", "expired": "expired", "revoked": "taken back"}
_SHARE_ENDS: Final = {
    "open": "; open until ",
    "expired": "; expired ",
    "revoked": "; taken back ",
}
_NAME_CHARS: Final = 60
_GONE: Final = "somebody who has left"


def describe_handed_out(
    handed_out: HandedOut,
    key: ReplayKey,
    *,
    now: datetime,
    may_change: bool,
    are_shares_on: bool,
) -> tuple[HandedOutRow, ...]:
    """Describe what was made of a replay: what can still be opened first, then the newest first.

    Args:
        handed_out: Everything that was made of it.
        key: The replay.
        now: The server's time.
        may_change: True if the visitor may take it back.
        are_shares_on: True if the project lets its shares answer.
    """
    rows = [
        *(
            (clip.made_at, _describe_clip(clip, handed_out.names, may_change=may_change))
            for clip in handed_out.clips
        ),
        *(
            (
                share.made_at,
                _describe_share(share, handed_out.names, now=now, may_change=may_change),
            )
            for share in handed_out.shares
        ),
        *(
            (
                ticket.added_at,
                _describe_ticket(ticket, key, handed_out.names, may_change=may_change),
            )
            for ticket in handed_out.tickets
        ),
    ]
    if not are_shares_on:
        rows = [(made_at, _switch_off(row)) for made_at, row in rows]
    newest_first = sorted(rows, key=lambda row: row[0], reverse=True)
    return tuple(row for _, row in sorted(newest_first, key=lambda row: row[1].is_over))


def _describe_clip(clip: Clip, names: Mapping[PersonId, str], *, may_change: bool) -> HandedOutRow:
    request, file = clip.request, clip.file
    is_rendering = clip.state is ClipState.RENDERING
    size = f"; {units.format_bytes(file.size_bytes)}" if file else ""
    fault = f"; {clip.fault}" if clip.fault else ""
    return HandedOutRow(
        kind="screen",
        title=f"{FORMAT_WORDS[request.format]} clip, {describe_range(request.range)}",
        state=f"{clip.percent} %" if is_rendering else clip.state.value,
        is_over=clip.state is ClipState.FAILED,
        details=(*_describe_maker(clip.made_by, names), clip.made_at, size, fault),
        href=replay_urls.clip_file(*clip.key, clip.id) if file else replay_urls.clips(*clip.key),
        take_back_href=replay_urls.delete_clip(*clip.key, clip.id) if may_change else None,
        take_back_words="Delete" if file or clip.fault else "Cancel",
    )


def _describe_share(
    share: Share, names: Mapping[PersonId, str], *, now: datetime, may_change: bool
) -> HandedOutRow:
    state = share.find_state(now=now)
    is_picture = share.kind is ShareKind.PICTURE
    part = describe_range(share.terms.range)
    views = f"; {count(share.views, 'view')}" if share.views or state == "open" else ""
    end = (_SHARE_ENDS[state], share.revoked_at or share.expires_at)
    return HandedOutRow(
        kind="eye",
        title="Picture in a message"
        if is_picture
        else f"Share link, {part}, {describe_panels(share.terms)}",
        note=share.terms.note,
        state=_SHARE_STATES[state],
        is_over=state != "open",
        details=(*_describe_maker(share.made_by, names), share.made_at, views, *end),
        take_back_href=replay_urls.revoke_share(share.key.project_id, share.key.replay_id, share.id)
        if state == "open" and may_change
        else None,
    )


def _switch_off(row: HandedOutRow) -> HandedOutRow:
    """Say of an open share that its project lets none answer."""
    is_open_share = row.kind == "eye" and not row.is_over
    return replace(row, state="switched off", is_over=True) if is_open_share else row


def _describe_ticket(
    ticket: KeptTicket, key: ReplayKey, names: Mapping[PersonId, str], *, may_change: bool
) -> HandedOutRow:
    """Describe a ticket; what is taken back is its address here, not the ticket."""
    added_by = _GONE if ticket.added_by is None else names.get(ticket.added_by, _GONE)
    return HandedOutRow(
        kind="note",
        title=f"Ticket {ticket.address.label}",
        state="kept",
        is_over=False,
        details=("Kept by ", shortened(added_by, limit=_NAME_CHARS), ", ", ticket.added_at),
        href=ticket.address.url,
        take_back_href=replay_urls.forget_ticket(*key, ticket.id) if may_change else None,
        take_back_words="Remove",
    )


def _describe_maker(person_id: PersonId | None, names: Mapping[PersonId, str]) -> tuple[str, ...]:
    maker = "Playhead" if person_id is None else names.get(person_id, _GONE)
    return ("Made by ", shortened(maker, limit=_NAME_CHARS), ", ")
