"""The picture of a replay in a row: its poster, or why there is none."""

from dataclasses import dataclass
from typing import Literal

from app.replays.model import ReplayKey
from app.replays.pictures import ReplayPictures
from app.web.urls import replay_urls

PosterState = Literal["made", "due", "none"]


@dataclass(frozen=True, slots=True)
class Poster:
    """A poster; sizes are those of the picture, not of the row."""

    state: PosterState = "none"
    note: str = "No picture"
    """The reason why there is no picture, in words."""
    href: str = ""
    """The address of the pictures; scripts ask there whether one that is due has come."""
    version: str = ""
    width: int = 0
    height: int = 0
    preview_tiles: int = 0


def describe_poster(
    key: ReplayKey, found: ReplayPictures | None, *, has_video: bool, is_due: bool
) -> Poster:
    """Describe the poster of a replay, of which `found` is what was drawn."""
    href = replay_urls.pictures(key.project_id, key.replay_id)
    if found is not None and found.made is not None:
        sizes = found.made.sizes
        return Poster(
            state="made",
            note="",
            href=href,
            version=found.made.version,
            width=sizes.poster_width,
            height=sizes.poster_height,
            preview_tiles=sizes.preview_tiles,
        )
    if has_video and is_due:
        return Poster(state="due", note="The picture is being made", href=href)
    if not has_video:
        return Poster(note="No video")
    reason = f": {found.fault}" if found is not None and found.fault else ""
    return Poster(note=f"No picture{reason}")
