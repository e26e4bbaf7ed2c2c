"""The frozen values that this package hands upward."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from app.core.ids import ProjectId, PublicKey, ReplayId


@dataclass(frozen=True, slots=True)
class Project:
    """A tenant: one app whose replays belong together."""

    id: ProjectId
    slug: str
    name: str
    created_at: datetime
    stored_bytes_limit: int | None = None
    """The most bytes of videos and files that it may have in object storage; None for no limit."""
    viewers_see_bodies: bool = True
    """True if the role `viewer` may see the bodies of recorded requests and answers."""
    allows_shares: bool = True
    """True if its members may make share links; if False, existing links are closed, too."""
    alerts_show_pictures: bool = False
    """True if messages of alerts show pictures of its replays, which open without an account."""


@dataclass(frozen=True, slots=True)
class ProjectKey:
    """The public key in a DSN; it can only add to its project."""

    public_key: PublicKey
    project_id: ProjectId
    label: str
    is_active: bool
    created_at: datetime
    last_used_at: datetime | None = None
    """The time of the last accepted envelope with it, to ten seconds; None if none was noted."""
    has_been_used: bool = False
    """True if it was ever used; older releases did not note when."""


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """The facts about a key that are needed to accept an envelope."""

    project_id: ProjectId
    is_active: bool


class Outcome(StrEnum):
    """The result of processing an item; every item has exactly one outcome."""

    KEPT = "kept"
    DUPLICATE = "duplicate"
    DELETED = "deleted"
    LIMITED = "limited"
    REFUSED = "refused"
    IGNORED = "ignored"
    DROPPED_BY_SDK = "dropped_by_sdk"
    """The SDK never sent it, and says so in a client report."""


class LimitReason(StrEnum):
    """The limit that an item met; the reasons of `Outcome.LIMITED`."""

    ENVELOPES = "envelope_rate"
    BYTES = "byte_rate"
    STORAGE = "storage_quota"
    SEGMENTS = "segments"
    """The replay has as many segments as are allowed."""


class OutcomeKey(NamedTuple):
    """Under what an item is counted: project, day, type, outcome and reason."""

    project_id: ProjectId
    day: date
    item_type: str
    outcome: str
    reason: str = ""


class RemovalKey(NamedTuple):
    """Under what a removal of text is counted: project, day (UTC) and rule."""

    project_id: ProjectId
    day: date
    rule: str


@dataclass(frozen=True, slots=True)
class RemovalCount:
    """The number of times that a rule removed something within some days."""

    rule: str
    quantity: int


@dataclass(frozen=True, slots=True)
class OutcomeCount:
    """The number of items with one outcome on one day (UTC)."""

    day: date
    item_type: str
    outcome: str
    reason: str
    quantity: int


@dataclass(frozen=True, slots=True)
class QuarantinedEnvelope:
    """An envelope that was set aside because its content cannot be digested."""

    id: int
    project_id: ProjectId
    received_at: datetime
    item_types: tuple[str, ...]
    reason: str
    replay_id: ReplayId | None
    content_encoding: str | None
    body_bytes: int
    retry_asked_at: datetime | None = None
    """The time at which somebody asked to digest it again; None if nobody waits for that."""
    is_being_retried: bool = False
    """True while a process puts it back into its journal."""
    retry_fault: str | None = None
    """The reason why it could not be digested again, if that was tried."""
