"""Words for clips: what one shows, how far it is, and the name of its file."""

from app.core.ids import ReplayId
from app.core.replay.clip_format import ClipFormat
from app.core.replay.replay_range import ReplayRange, write_clock
from app.core.units import format_bytes
from app.replays.clips.model import Clip, ClipRequest, ClipState

FORMAT_WORDS = {ClipFormat.MP4: "MP4", ClipFormat.GIF: "GIF", ClipFormat.WEBP: "WebP"}
"""The names of the formats, as people write them."""
_NAME_CHARS = 8


def describe_clip(request: ClipRequest) -> str:
    """Say in a few words what a clip shows: `MP4 clip, 0:58 to 1:12, with taps`."""
    drawn = [
        words
        for words, is_drawn in (
            ("taps", request.has_taps),
            ("caption", request.has_caption),
            ("device", request.has_body),
        )
        if is_drawn
    ]
    parts = [f"{FORMAT_WORDS[request.format]} clip", describe_range(request.range)]
    if drawn:
        parts.append(f"with {', '.join(drawn)}")
    return ", ".join(parts)


def describe_range(wanted: ReplayRange | None) -> str:
    """Say which part of a replay is shown: `0:58 to 1:12.5`, or `whole replay`."""
    if wanted is None:
        return "whole replay"
    return f"{write_clock(wanted.from_ms)} to {write_clock(wanted.to_ms)}"


def describe_clip_state(clip: Clip) -> str:
    """Say how far a clip is: `rendering, 40 %`, or its length and size."""
    match clip.state:
        case ClipState.WAITING:
            return "waiting, will be tried again" if clip.fault else "waiting"
        case ClipState.RENDERING:
            return f"rendering, {clip.percent} %"
        case ClipState.FAILED:
            return "failed"
        case ClipState.READY:
            file = clip.file
            if file is None:
                return "ready"
            length = write_clock(round(file.duration_ms, -3) or 1_000)
            return f"{length} long, {format_bytes(file.size_bytes)}"


def name_clip_file(replay_id: ReplayId, request: ClipRequest) -> str:
    """Name the file of a clip: `replay-3f2a91bc-0.58-1.12.mp4`."""
    parts = ["replay", replay_id[:_NAME_CHARS]]
    if request.range is not None:
        moments = (request.range.from_ms, request.range.to_ms)
        parts += [write_clock(at_ms).replace(":", ".") for at_ms in moments]
    return f"{'-'.join(parts)}.{request.format.value}"
