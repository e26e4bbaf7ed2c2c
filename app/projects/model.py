"""What this room hands upward: frozen values, no table objects."""

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
    """The most bytes of video and files it may have in storage; None: no limit."""


@dataclass(frozen=True, slots=True)
class ProjectKey:
    """The public key in a DSN; it can only add to its project."""

    public_key: PublicKey
    project_id: ProjectId
    label: str
    is_active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What accepting an envelope needs to know of a key."""

    project_id: ProjectId
    is_active: bool


class Outcome(StrEnum):
    """What became of an item; every item ends in exactly one."""

    KEPT = "kept"
    DUPLICATE = "duplicate"
    DELETED = "deleted"
    LIMITED = "limited"
    REFUSED = "refused"
    IGNORED = "ignored"
    DROPPED_BY_SDK = "dropped_by_sdk"
    """Never sent: the SDK says so in a client report."""


class LimitReason(StrEnum):
    """Which limit an item met; the reasons of `Outcome.LIMITED`."""

    ENVELOPES = "envelope_rate"
    BYTES = "byte_rate"
    STORAGE = "storage_quota"
    SEGMENTS = "segments"
    """The replay has as many segments as one may have."""


class OutcomeKey(NamedTuple):
    """What is counted: items of a type that ended this way, for this reason, on this day."""

    project_id: ProjectId
    day: date
    item_type: str
    outcome: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class OutcomeCount:
    """How many items ended one way on one day (UTC)."""

    day: date
    item_type: str
    outcome: str
    reason: str
    quantity: int


@dataclass(frozen=True, slots=True)
class QuarantinedEnvelope:
    """An envelope that failed on its content; `body_bytes` says how much of it is kept."""

    id: int
    project_id: ProjectId
    received_at: datetime
    item_types: tuple[str, ...]
    reason: str
    replay_id: ReplayId | None
    content_encoding: str | None
    body_bytes: int
