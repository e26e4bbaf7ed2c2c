"""Values that the page Share reads."""

from dataclasses import dataclass
from datetime import datetime

from app.core.ids import ProjectId, ReplayId
from app.core.replay.replay_range import ReplayRange
from app.playback.video.widened_range import WidenedRange


@dataclass(frozen=True, slots=True)
class RangeFields:
    """The range of a replay that is shared, as its form shows it."""

    from_text: str
    """The start on the player's clock: `1:01`."""
    to_text: str
    length_ms: int
    is_whole: bool
    """True if it is the whole replay."""
    video: WidenedRange | None
    """The groups of pictures in which the range lies; None if it has no video."""
    is_widened: bool
    """True if the groups begin earlier or end later than the range by more than a moment."""


@dataclass(frozen=True, slots=True)
class HandedOutRow:
    """One thing that was made of the replay for others: a clip, a share link, a ticket."""

    kind: str
    """The sign beside it, one of the icons: `screen` for a clip, `eye` for a share."""
    title: str
    """What it is, in a few words: `Clip, 0:58 to 1:12`."""
    state: str
    """Its state, in a word or two: `ready`, `open`, `taken back`."""
    is_over: bool
    """True if it can no longer be opened."""
    details: tuple[str | datetime, ...]
    """A sentence about its maker, its views and its end, with moments in it."""
    note: str = ""
    """The note of its maker."""
    href: str | None = None
    """The address at which it is opened; None if it cannot be."""
    take_back_href: str | None = None
    """The address at which POST takes it back; None if this person may not, or it is over."""
    take_back_words: str = "Take back"


@dataclass(frozen=True, slots=True)
class PanelChoice:
    """A panel that a share link can show."""

    value: str
    label: str
    note: str
    """What it holds that a stranger may not need to see; empty for most."""
    is_chosen: bool
    """True if it is ticked before anybody chooses."""


@dataclass(frozen=True, slots=True)
class ShareForm:
    """The form by which a share link is made."""

    action_href: str
    is_allowed: bool
    """True if the project lets its members hand replays out."""
    panels: tuple[PanelChoice, ...]
    may_show_bodies: bool
    """True if the bodies of requests can be shown: never those that viewers may not see."""
    days: tuple[int, ...]
    """For how many days a link can be open."""
    note_chars: int


@dataclass(frozen=True, slots=True)
class HandoverPage:
    """Everything that the page Share shows.

    The templates of the four ways (`templates/replay/handover/_link.html`, `_report.html`,
    `_clip.html`, `_share.html`) read it, and forms in them include `_range_fields.html`.
    """

    project_id: ProjectId
    replay_id: ReplayId
    link_href: str
    """The address that opens the replay at the start of the range."""
    action_href: str
    """The address of this page, without a range."""
    base_url: str
    """The address of this server, before the path of a link that is sent to somebody."""
    user: str | None
    started_at: datetime
    duration_ms: int
    replay_range: ReplayRange | None
    """The range that is shared; None means the whole replay."""
    range: RangeFields
    has_video: bool
    may_change: bool
    """True if the person may make things of the replay for others: members may, viewers may not."""
    clips_href: str
    """The address of the clips of the replay; POST makes one."""
    clips_are_on: bool
    """True if this server renders clips."""
    caption_scripts: tuple[str, ...]
    """The names of the scripts that captions of clips can have on this server."""
    share_form: ShareForm
    handed_out: tuple[HandedOutRow, ...] = ()
