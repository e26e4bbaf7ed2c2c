"""Turns clips into the values of their page, and into what a script reads."""

from collections.abc import Sequence

from app.core.errors import InvalidInput
from app.core.replay.clip_format import ClipFormat
from app.core.replay.replay_range import read_replay_range
from app.playback.clips.orders import ListedClip
from app.replays.clips.model import Clip, ClipRequest, ClipState
from app.replays.model import ReplayKey
from app.web.replay.clips.page import ClipAnswer, ClipRow, ClipsPage
from app.web.urls import replay_urls
from app.web.words import phrases
from app.web.words.replay import clips as words

_NOBODY = "Somebody who has left"


def read_clip_request(fields: dict[str, str]) -> ClipRequest:
    """Read what a form asks for.

    Raises:
        InvalidInput: The format is unknown, or the range is not one.
    """
    name = fields.get("format", "").strip().lower() or ClipFormat.MP4.value
    if name not in set(ClipFormat):
        raise InvalidInput("`format` needs one of mp4, gif and webp")
    return ClipRequest(
        ClipFormat(name),
        read_replay_range(fields),
        has_taps=fields.get("taps") == "yes",
        has_caption=fields.get("caption") == "yes",
        has_body=fields.get("body") == "yes",
    )


def build_clips_page(
    key: ReplayKey, listed: Sequence[ListedClip], *, may_change: bool
) -> ClipsPage:
    """Build the page of a replay's clips.

    Args:
        key: The replay.
        listed: Its clips with the names of their makers, the newest first.
        may_change: True if the visitor may make and delete clips.
    """
    return ClipsPage(
        replay_href=replay_urls.replay(*key),
        hand_on_href=replay_urls.hand_on(*key),
        rows=tuple(build_clip_row(each) for each in listed),
        may_change=may_change,
        is_waiting=any(
            each.clip.state in {ClipState.WAITING, ClipState.RENDERING} for each in listed
        ),
    )


def build_clip_row(listed: ListedClip) -> ClipRow:
    """Build the row of a clip."""
    clip = listed.clip
    return ClipRow(
        id=clip.id,
        title=words.describe_clip(clip.request),
        state=words.describe_clip_state(clip),
        percent=clip.percent if clip.state is ClipState.RENDERING else None,
        fault=None if clip.fault is None else phrases.sentence(clip.fault),
        is_ready=clip.state is ClipState.READY,
        has_failed=clip.state is ClipState.FAILED,
        made_by=listed.made_by or _NOBODY,
        made_at=clip.made_at,
        file_href=replay_urls.clip_file(*clip.key, clip.id),
        delete_href=replay_urls.delete_clip(*clip.key, clip.id),
    )


def build_clip_answer(clip: Clip) -> ClipAnswer:
    """Describe a clip for a script."""
    return ClipAnswer(
        id=clip.id,
        state=clip.state.value,
        percent=clip.percent,
        words=words.describe_clip_state(clip),
        fault=None if clip.fault is None else phrases.sentence(clip.fault),
        href=replay_urls.clip(*clip.key, clip.id),
        file=None if clip.file is None else replay_urls.clip_file(*clip.key, clip.id),
        file_name=words.name_clip_file(clip.key.replay_id, clip.request),
        media_type=clip.request.format.media_type,
        size_px=None if clip.file is None else (clip.file.width, clip.file.height),
    )
