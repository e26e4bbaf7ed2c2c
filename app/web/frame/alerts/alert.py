"""What a person must know about the server on every page: what happened, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from app.core.errors import DatabaseUnavailable, DatabaseUnusable
from app.core.units import format_bytes, format_duration
from app.ingest.health import IngestHealth
from app.web.urls import project_urls
from app.web.words import phrases

AlertTone = Literal["bad", "warn"]

_NEAR: Final = 2
"""Free space below this many reserves is near the end."""
_MOST_ASIDES: Final = 2
"""Projects with a line of their own; a banner is no list."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One sentence on what happened, and what to do about it."""

    tone: AlertTone
    title: str
    what_to_do: str
    href: str | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True)
class ProjectQuarantine:
    """A project with quarantined envelopes."""

    project_name: str
    envelopes: int
    href: str


def describe_alerts(
    vitals: IngestHealth,
    asides: Sequence[ProjectQuarantine],
    *,
    is_admin: bool,
    untrusted_proxy: str | None = None,
) -> tuple[Alert, ...]:
    """Put the vitals of ingest into words, the worst first.

    Args:
        vitals: As it is now.
        asides: Of the projects that the reader may see.
        is_admin: Whether the reader runs this server, and may read what its log says.
        untrusted_proxy: Address of a proxy that pages came through and that is not trusted.
    """
    return (
        *_of_disk(vitals),
        *_of_keepers(vitals, is_admin=is_admin),
        *_of_backlog(vitals),
        *_of_quarantine(asides),
        *_of_proxy(untrusted_proxy if is_admin else None),
    )


def _of_disk(vitals: IngestHealth) -> list[Alert]:
    free = format_bytes(max(0, vitals.room_bytes + vitals.reserve_bytes))
    reserve = format_bytes(vitals.reserve_bytes)
    if vitals.is_refusing:
        return [
            Alert(
                "bad",
                f"Nothing is accepted: the disk has {free} left, and {reserve} are kept free.",
                "Phones keep what they have, 30 envelopes each, and send it again. Make room on "
                "the disk of the data folder; Playhead goes on by itself.",
            )
        ]
    if vitals.is_filling:
        waiting = format_bytes(vitals.journal_bytes)
        return [
            Alert(
                "bad",
                f"The journal is filling: {waiting} wait to be digested, "
                f"{vitals.used:.0%} of its room is used.",
                "Nothing is lost yet. When its room is used up, nothing is accepted. Find out why "
                "digestion does not keep up, or make room on the disk of the data folder.",
            )
        ]
    if vitals.room_bytes + vitals.reserve_bytes < _NEAR * vitals.reserve_bytes:
        return [
            Alert(
                "warn",
                f"The disk of the server is nearly full: {free} are left.",
                f"Below {reserve} nothing is accepted any more. Make room on the disk of the data "
                "folder, delete replays, or move the video to a bucket.",
            )
        ]
    return []


def _of_keepers(vitals: IngestHealth, *, is_admin: bool) -> list[Alert]:
    if vitals.away is None:
        return []
    reason = f" It says: {phrases.shortened(str(vitals.away))}." if is_admin else ""
    if isinstance(vitals.away, DatabaseUnusable):
        return [
            Alert(
                "bad",
                "The database is not set up as it must be: new replays and errors wait in the "
                "journal.",
                f"Nothing is lost, and what waits appears when it is mended; Playhead tries again "
                f"every 5 s.{reason} Run playhead doctor on the server.",
            )
        ]
    what = "database" if isinstance(vitals.away, DatabaseUnavailable) else "storage"
    return [
        Alert(
            "bad",
            f"The {what} does not answer: new replays and errors wait in the journal.",
            f"Nothing is lost, and what waits appears when it is back; Playhead tries again every "
            f"5 s.{reason} See that the {what} runs and that this server reaches it.",
        )
    ]


def _of_backlog(vitals: IngestHealth) -> list[Alert]:
    if not vitals.is_behind or vitals.away is not None:
        return []
    age = format_duration(int(vitals.oldest_s) * 1000)
    number = phrases.count(vitals.backlog.entries, "envelope")
    waiting = f"{number} wait, the oldest" if vitals.backlog.entries else "envelopes wait"
    return [
        Alert(
            "warn",
            f"Digestion is behind: {waiting} for {age}.",
            "Nothing is lost; replays and errors appear later than usual. If this lasts, the "
            "server is too small for what apps send, or its disk or database is slow.",
        )
    ]


def _of_quarantine(asides: Sequence[ProjectQuarantine]) -> list[Alert]:
    what_to_do = (
        "Reading them failed five times, so they were put aside, and everything else went on. "
        "They are kept for seven days. Please report the reason, which admins of the project see "
        "on its page: this is a fault of Playhead."
    )
    if len(asides) > _MOST_ASIDES:
        number = phrases.count(sum(aside.envelopes for aside in asides), "envelope")
        title = f"{number} of {phrases.count(len(asides), 'project')} in quarantine."
        return [Alert("warn", title, what_to_do, project_urls.PROJECTS, "To the projects")]
    return [
        Alert(
            "warn",
            f"{aside.project_name}: {phrases.count(aside.envelopes, 'envelope')} in quarantine.",
            what_to_do,
            aside.href,
            "To the project",
        )
        for aside in asides
    ]


def _of_proxy(address: str | None) -> list[Alert]:
    if address is None:
        return []
    return [
        Alert(
            "warn",
            f"The proxy at {address} is not trusted: everybody seems to come from there.",
            "So a stranger who guesses passwords uses up the attempts of all, and rates by address "
            f"are shared. Set PLAYHEAD_TRUSTED_PROXIES={address} and start Playhead again. If no "
            "proxy of yours has this address, somebody on your network sends X-Forwarded-For.",
        )
    ]
