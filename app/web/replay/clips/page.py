"""Values that the page of a replay's clips reads, and its script."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict


@dataclass(frozen=True, slots=True)
class ClipRow:
    """A clip in the list."""

    id: str
    title: str
    state: str
    """The progress in words."""
    percent: int | None
    """How far it is rendered; None if it is not being rendered."""
    fault: str | None
    """The reason why it could not be rendered, or why it waits."""
    is_ready: bool
    has_failed: bool
    made_by: str
    made_at: datetime
    file_href: str
    delete_href: str


@dataclass(frozen=True, slots=True)
class ClipsPage:
    """The clips of a replay."""

    replay_href: str
    hand_on_href: str
    """The page on which one is made."""
    rows: tuple[ClipRow, ...]
    may_change: bool
    is_waiting: bool
    """True if a clip is waited for: the page loads itself anew then."""


class ClipAnswer(TypedDict):
    """The progress of a clip, as a script reads it."""

    id: str
    state: str
    percent: int
    words: str
    fault: str | None
    href: str
    """The address of this answer."""
    file: str | None
    """The address of the file; None until it is ready."""
    file_name: str
    media_type: str
    size_px: tuple[int, int] | None
