"""Pages for what is not there: errors, deleted replays, a keeper that does not answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

StateKind = Literal["deleted", "expired", "not_found"]


@dataclass(frozen=True, slots=True)
class StatePage:
    """A replay's address without a replay to show."""

    kind: StateKind
    replay_id: str
    back_href: str
    retry_href: str | None = None
    deleted_by: str | None = None
    deleted_at: datetime | None = None
    rule: str | None = None
    """By which it expired: `30 days`."""
    losses: str | None = None
    """What the project lost of its replays lately: a reason why there is none."""
    losses_href: str | None = None


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """Any refusal or failure of a page: what happened and what to do."""

    status: int
    title: str
    text: str
    error_id: str | None = None
    """Names the log line; None for refusals that are not logged."""
    back_href: str = "/replays"
    retry_href: str | None = None
    """Where to try the same again, when that may help."""
