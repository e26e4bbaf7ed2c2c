"""The alerts about the server that stand above every page: what happened, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from app.alerts.process_problems import ProcessProblem, find_problems
from app.core.errors import DatabaseUnavailable, DatabaseUnusable
from app.core.process_roles import ProcessRole
from app.core.units import format_bytes, format_duration
from app.ingest.health import IngestHealth
from app.processes.model import ProcessRecord
from app.replays.open_replays import OpenReplayCounts
from app.web.urls import project_urls, server_urls
from app.web.words import phrases
from app.web.words.processes import ProblemWords, describe_problem, describe_unserved_role

AlertTone = Literal["bad", "warn"]

_LOW_RESERVES: Final = 2
"""Free space below this many times the reserve is called low."""
_MOST_PROJECTS: Final = 2
"""The projects that have an alert of their own; more become one alert."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A sentence about what happened, and what to do about it."""

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
    health: IngestHealth,
    quarantines: Sequence[ProjectQuarantine],
    *,
    is_admin: bool,
    untrusted_proxy: str | None = None,
    signed_in_until: datetime | None = None,
    closing: OpenReplayCounts | None = None,
    processes: Sequence[ProcessRecord] = (),
    own_id: str | None = None,
    unserved_roles: Sequence[ProcessRole] = (),
) -> tuple[Alert, ...]:
    """Put the health of ingest into words, the worst first.

    Args:
        health: The health of ingest now.
        quarantines: The projects with quarantined envelopes that the reader may see.
        is_admin: True if the reader is an admin of the server, who may read what its log says.
        untrusted_proxy: The address of a proxy through which pages are asked for and that is not
            trusted, if there is one.
        signed_in_until: When the reader's sign-in ends, if it came from a provider that does not
            answer now.
        closing: The replays that are open or wait for a step, if that is known.
        processes: All processes on this database.
        own_id: The process that answers, whose health is `health`.
        unserved_roles: Roles that no process has had for a while.
    """
    return (
        *_describe_disk(health),
        *_describe_outage(health, is_admin=is_admin),
        *_describe_backlog(health),
        *_describe_unserved_roles(unserved_roles, is_admin=is_admin),
        *_describe_processes(processes, own_id, health, is_admin=is_admin),
        *_describe_quarantines(quarantines, is_admin=is_admin),
        *_describe_closing(closing if is_admin else None),
        *_describe_proxy(untrusted_proxy if is_admin else None),
        *_describe_provider(signed_in_until),
    )


def _describe_disk(health: IngestHealth) -> list[Alert]:
    free = format_bytes(max(0, health.room_bytes + health.reserve_bytes))
    reserve = format_bytes(health.reserve_bytes)
    if health.is_refusing:
        return [
            Alert(
                "bad",
                f"Nothing is accepted: the disk has {free} left, and {reserve} are kept free.",
                "Phones keep what they have, 30 envelopes each, and send it again. Make room on "
                "the disk of the data folder; Playhead goes on by itself.",
            )
        ]
    if health.is_filling:
        waiting = format_bytes(health.journal_bytes)
        return [
            Alert(
                "bad",
                f"The journal is filling up: {waiting} wait to be digested, "
                f"{health.used:.0%} of its room is used.",
                "Nothing is lost yet. When its room is used up, nothing is accepted. Find out why "
                "digestion does not keep up, or make room on the disk of the data folder.",
            )
        ]
    if health.room_bytes + health.reserve_bytes < _LOW_RESERVES * health.reserve_bytes:
        return [
            Alert(
                "warn",
                f"The disk of the server is nearly full: {free} are left.",
                f"Below {reserve} nothing is accepted any more. Make room on the disk of the data "
                "folder, delete replays, or move the video to a bucket.",
            )
        ]
    return []


def _describe_outage(health: IngestHealth, *, is_admin: bool) -> list[Alert]:
    if health.outage is None:
        return []
    reason = f" It says: {phrases.shortened(str(health.outage))}." if is_admin else ""
    if isinstance(health.outage, DatabaseUnusable):
        return [
            Alert(
                "bad",
                "The database is not set up correctly: new replays and errors wait in the journal.",
                "Nothing is lost, and what waits appears when it is repaired; Playhead tries again "
                f"every 5 s.{reason} Run playhead doctor on the server.",
            )
        ]
    service = "database" if isinstance(health.outage, DatabaseUnavailable) else "storage"
    return [
        Alert(
            "bad",
            f"The {service} does not answer: new replays and errors wait in the journal.",
            f"Nothing is lost, and what waits appears when it is back; Playhead tries again every "
            f"5 s.{reason} Make sure that the {service} runs and that this server reaches it.",
        )
    ]


def _describe_backlog(health: IngestHealth) -> list[Alert]:
    if not health.is_behind or health.outage is not None:
        return []
    age = format_duration(int(health.oldest_s) * 1000)
    number = phrases.count(health.backlog.entries, "envelope")
    waiting = f"{number} wait, the oldest" if health.backlog.entries else "envelopes wait"
    return [
        Alert(
            "warn",
            f"Digestion is behind: {waiting} for {age}.",
            "Nothing is lost; replays and errors appear later than usual. If this lasts, the "
            "server is too small for what apps send, or its disk or database is slow.",
        )
    ]


def _describe_unserved_roles(roles: Sequence[ProcessRole], *, is_admin: bool) -> list[Alert]:
    return [_link_to_processes(describe_unserved_role(role), is_admin=is_admin) for role in roles]


def _describe_processes(
    processes: Sequence[ProcessRecord],
    own_id: str | None,
    health: IngestHealth,
    *,
    is_admin: bool,
) -> list[Alert]:
    """Say what is wrong with other processes, but for an outage that this one has told already."""
    return [
        _link_to_processes(describe_problem(found, is_admin=is_admin), is_admin=is_admin)
        for found in find_problems(processes, own_id=own_id)
        if found.problem is not ProcessProblem.OUTAGE or health.outage is None
    ]


def _link_to_processes(words: ProblemWords, *, is_admin: bool) -> Alert:
    return Alert(
        words.tone,
        words.title,
        words.what_to_do,
        server_urls.HEALTH if is_admin else None,
        "All processes" if is_admin else None,
    )


def _describe_quarantines(
    quarantines: Sequence[ProjectQuarantine], *, is_admin: bool
) -> list[Alert]:
    what_to_do = (
        "Reading them failed five times, so they were set aside, and everything else went on. "
        "They are kept for seven days. Please report the reason, which admins of the project see "
        "on its page: this is a fault of Playhead."
    )
    if len(quarantines) > _MOST_PROJECTS:
        number = phrases.count(sum(quarantine.envelopes for quarantine in quarantines), "envelope")
        title = f"{number} of {phrases.count(len(quarantines), 'project')} in quarantine."
        if is_admin:
            return [Alert("warn", title, what_to_do, server_urls.HEALTH, "To all of them")]
        return [Alert("warn", title, what_to_do, project_urls.PROJECTS, "To the projects")]
    return [
        Alert(
            "warn",
            f"{quarantine.project_name}: "
            f"{phrases.count(quarantine.envelopes, 'envelope')} in quarantine.",
            what_to_do,
            quarantine.href,
            "To the project",
        )
        for quarantine in quarantines
    ]


def _describe_closing(closing: OpenReplayCounts | None) -> list[Alert]:
    if closing is None or not closing.failing:
        return []
    reason = f" It says: {phrases.shortened(closing.fault)}." if closing.fault else ""
    return [
        Alert(
            "warn",
            f"{phrases.count(closing.failing, 'replay')} could not be sealed after several tries.",
            "They play as before, but take more room and are slower to delete. Playhead tries "
            f"again every 15 minutes.{reason} The log of the server says more.",
        )
    ]


def _describe_proxy(address: str | None) -> list[Alert]:
    if address is None:
        return []
    return [
        Alert(
            "warn",
            f"The proxy at {address} is not trusted: all visitors seem to come from there.",
            "So a stranger who guesses passwords uses up the attempts of everybody, and rates by "
            f"address are shared. Set PLAYHEAD_TRUSTED_PROXIES={address} and start Playhead again. "
            "If you have no proxy at this address, somebody on your network sends X-Forwarded-For.",
        )
    ]


def _describe_provider(signed_in_until: datetime | None) -> list[Alert]:
    if signed_in_until is None:
        return []
    return [
        Alert(
            "warn",
            "The sign-in provider does not answer, so your sign-in cannot be checked.",
            f"You stay signed in until {signed_in_until:%H:%M} UTC; Playhead asks again every "
            "minute. Do not sign out: you could not sign in again before it answers.",
        )
    ]
