"""The values of pages about errors, and of replays that are not there."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

StateKind = Literal["deleted", "expired", "not_found"]


@dataclass(frozen=True, slots=True)
class StatePage:
    """The page at the address of a replay that cannot be shown."""

    kind: StateKind
    replay_id: str
    back_href: str
    retry_href: str | None = None
    deleted_by: str | None = None
    deleted_at: datetime | None = None
    rule: str | None = None
    """The rule by which it expired: `30 days`."""
    losses: str | None = None
    """The replay data that the project lost lately, which may be why there is no replay."""
    losses_href: str | None = None


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """The page for a refusal or a failure: what happened, and what to do."""

    status: int
    title: str
    text: str
    error_id: str | None = None
    """The id in the log; None for refusals, which are not logged."""
    back_href: str = "/replays"
    """Where to go from here; empty for nowhere."""
    back_label: str = "Back to the replays"
    retry_href: str | None = None
    """The address to try again, if that may help."""
    reload_s: int | None = None
    """The seconds after which the page loads itself again; None if it does not."""
