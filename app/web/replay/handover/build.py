"""Turns a replay and a range of it into the values of the page Share."""

from typing import Final

from app.core import clock
from app.core.replay.replay_range import ReplayRange, write_clock
from app.media.clip.fonts import list_caption_scripts
from app.playback.video.widened_range import widen_range
from app.playback.visit.model import ReplayContext
from app.replays import naming
from app.sharing.handed_out import HandedOut
from app.web.replay.handover.handed_out import describe_handed_out
from app.web.replay.handover.page import HandoverPage, RangeFields
from app.web.replay.shares.describe import make_share_form
from app.web.urls import replay_urls

_MOMENT_MS: Final = 250
"""A range that is widened by less than this is called exact: no frame lasts so short a time."""


def build_handover_page(
    context: ReplayContext,
    replay_range: ReplayRange | None,
    handed_out: HandedOut,
    *,
    base_url: str,
    may_change: bool,
    clips_are_on: bool = True,
) -> HandoverPage:
    """Build the page Share of a replay.

    Args:
        context: The replay.
        replay_range: The range that was asked for; None means the whole replay.
        handed_out: The shares, clips and tickets that exist already.
        base_url: The address of this server.
        may_change: True if the visitor may make things of the replay for others.
        clips_are_on: True if this server renders clips.

    Raises:
        InvalidInput: The range begins after the end of the replay.
    """
    key, outline = context.key, context.outline
    chosen = replay_range.cut_to(outline.duration_ms) if replay_range else None
    start_ms = chosen.from_ms if chosen else 0
    return HandoverPage(
        project_id=key.project_id,
        replay_id=key.replay_id,
        link_href=replay_urls.replay_at(
            key.project_id, key.replay_id, at_ms=start_ms, marked=chosen
        ),
        action_href=replay_urls.hand_on(key.project_id, key.replay_id),
        base_url=base_url,
        user=naming.name_user(outline.replay.user),
        started_at=outline.recorded_at,
        duration_ms=outline.duration_ms,
        replay_range=chosen,
        range=_describe_range(context, chosen),
        has_video=bool(outline.playable.newest.gops),
        may_change=may_change,
        clips_href=replay_urls.clips(key.project_id, key.replay_id),
        clips_are_on=clips_are_on,
        caption_scripts=list_caption_scripts(),
        share_form=make_share_form(context),
        handed_out=describe_handed_out(
            handed_out,
            key,
            now=clock.now(),
            may_change=may_change,
            are_shares_on=context.project.allows_shares,
        ),
    )


def _describe_range(context: ReplayContext, chosen: ReplayRange | None) -> RangeFields:
    outline = context.outline
    shown = chosen or ReplayRange(0, outline.duration_ms)
    video = widen_range(outline.playable.newest, chosen)
    is_widened = video is not None and (
        video.from_ms < shown.from_ms - _MOMENT_MS or video.to_ms > shown.to_ms + _MOMENT_MS
    )
    return RangeFields(
        from_text=write_clock(shown.from_ms),
        to_text=write_clock(shown.to_ms),
        length_ms=shown.length_ms,
        is_whole=chosen is None,
        video=video,
        is_widened=is_widened,
    )
