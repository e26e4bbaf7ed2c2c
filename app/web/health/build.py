"""Puts the health of the server into words: what `/health/ready` and the metrics know."""

from collections.abc import Iterator
from typing import Final

from app import __version__
from app.administration.server.server_health import ServerCounts, ServerHealth
from app.alerts.process_problems import ProcessProblem, find_problems, list_problems
from app.core.errors import DatabaseUnusable, ServiceUnavailable
from app.core.process_roles import ProcessRole
from app.core.units import format_bytes, format_duration
from app.ingest.health import IngestHealth
from app.processes.model import ProcessRecord
from app.processes.roles_served import count_processes_by_role
from app.projects.model import Outcome, QuarantinedEnvelope
from app.web.health.build_processes import build_process_row
from app.web.health.page import HealthCheck, HealthPage, RefusalRow, ServerQuarantineRow
from app.web.urls import project_urls, server_urls
from app.web.words import phrases
from app.web.words.parts import describe_slice
from app.web.words.processes import describe_problem, describe_unserved_role
from app.web.words.reasons import KNOWN, Reason

_LOW_RESERVES: Final = 2
"""Free space below this many times the reserve is called low, as in the alerts."""
_WAITING: Final = "It is read again within some seconds, or as soon as a journal has room."
_WAITING_FOR_DOOR: Final = (
    "No process with the role door runs; it is read again as soon as one does."
)
_PROBLEM_STATES: Final = {
    ProcessProblem.REFUSING: "stopped",
    ProcessProblem.DEAD: "dead",
    ProcessProblem.LATE: "late",
    ProcessProblem.GONE: "gone",
    ProcessProblem.FILLING: "fills up",
    ProcessProblem.OUTAGE: "cut off",
    ProcessProblem.BEHIND: "behind",
    ProcessProblem.CLOCK: "wrong clock",
}
_HANG_UPS: Final = {
    "headers": "sent no whole head in time",
    "silence": "fell silent",
    "whole_request": "took too long for one request",
    "crowded": "to make room for others",
    "crowded_address": "to make room for others of the same address",
    "memory": "since memory was full",
    "no_door": "since this process takes no envelopes",
    "unkept": "since nothing could be kept then",
}
"""The reasons for closing connections without an answer, in words; others show their own names."""


def build_health_page(
    health: ServerHealth,
    *,
    is_storage_remote: bool,
    draws_pictures: bool,
    untrusted_proxy: str | None,
    problem: str | None = None,
) -> HealthPage:
    """Build the page of the server's health.

    Args:
        health: The state of the server.
        is_storage_remote: True if videos are in a bucket.
        draws_pictures: True if this server draws small pictures of replays.
        untrusted_proxy: The address of a proxy that is not trusted, if there is one.
        problem: Why something that was asked for could not be done.
    """
    ingest, counts = health.ingest, health.counts
    checks = (
        *_check_processes(health),
        *_check_accepting(health),
        *_check_disk(health),
        _check_digest(health),
        _check_database(ingest),
        _check_storage(ingest, is_remote=is_storage_remote),
        _check_quarantine(health),
        _check_closing(counts),
        _check_pictures(counts, is_drawing=draws_pictures),
        _check_connections(counts),
        _check_proxy(untrusted_proxy),
    )
    return HealthPage(
        version=__version__,
        is_ready=not ingest.is_filling and not isinstance(ingest.outage, DatabaseUnusable),
        checks=checks,
        processes=tuple(build_process_row(each, own_id=health.own_id) for each in health.processes),
        refusals=tuple(
            _build_refusal(reason, quantity)
            for reason, quantity in sorted(health.refused.items(), key=lambda pair: -pair[1])
        ),
        quarantined=health.quarantined.total,
        quarantine=tuple(_build_row(envelope, health) for envelope in health.quarantined.rows),
        quarantine_part=describe_slice(
            "envelope",
            health.quarantined,
            href=lambda first: server_urls.health(first=first),
        ),
        problem=problem,
    )


def _check_processes(health: ServerHealth) -> Iterator[HealthCheck]:
    """Say how many processes run, and what is wrong with those that do not answer now."""
    running = sum(each.is_running for each in health.processes)
    text = f"{phrases.count(running, 'process', 'processes')} run on this database."
    if running == 1:
        text = "One process runs on this database."
    for role, count in count_processes_by_role(health.processes).items():
        if not count:
            words = describe_unserved_role(role)
            yield HealthCheck("Processes", words.tone, "missing", words.title, words.what_to_do)
    found = list(find_problems(health.processes, own_id=health.own_id))
    if not found:
        yield HealthCheck("Processes", "good", "in touch", text)
        return
    for each in found:
        words = describe_problem(each, is_admin=True)
        state = _PROBLEM_STATES[each.problem]
        yield HealthCheck("Processes", words.tone, state, words.title, words.what_to_do)


def _check_accepting(health: ServerHealth) -> Iterator[HealthCheck]:
    """Say whether envelopes are accepted; that no process does so stands with the processes."""
    doors = _list_doors(health)
    if health.processes and not doors:
        return
    refusing = sum(_is_refusing(each, health) for each in doors)
    # Without the rows of processes, this process knows of itself alone.
    has_stopped = refusing == len(doors) if doors else health.ingest.is_refusing
    text = f"{phrases.count(health.counts.accepted, 'envelope')} accepted since the start."
    advice = "Make room on the disk of the data folder. Playhead goes on by itself."
    if has_stopped:
        text += " The disk is too full to accept more; phones keep what they have for now."
        yield HealthCheck("Accepting", "bad", "stopped", text, advice)
    elif refusing:
        text += f" {refusing} of the {len(doors)} processes that accept them have too full a disk."
        yield HealthCheck("Accepting", "warn", "in part", text, advice)
    else:
        yield HealthCheck("Accepting", "good", "works", text)


def _is_refusing(door: ProcessRecord, health: ServerHealth) -> bool:
    """Tell whether a process accepts nothing; this one knows it better than its row."""
    if door.identity.process_id == health.own_id:
        return health.ingest.is_refusing
    return ProcessProblem.REFUSING in list_problems(door)


def _list_doors(health: ServerHealth) -> list[ProcessRecord]:
    return [
        each for each in health.processes if each.is_running and each.has_role(ProcessRole.DOOR)
    ]


def _check_disk(health: ServerHealth) -> Iterator[HealthCheck]:
    """Describe the disk of this process, if it has a journal; the table has the others."""
    ingest = health.ingest
    if any(
        each.identity.process_id == health.own_id and each.identity.journal_id is None
        for each in health.processes
    ):
        return
    free = max(0, ingest.room_bytes + ingest.reserve_bytes)
    text = (
        f"{format_bytes(free)} free on the disk of the data folder. The journal takes "
        f"{format_bytes(ingest.journal_bytes)}, and {format_bytes(ingest.reserve_bytes)} are kept "
        "free."
    )
    advice = "Make room on the disk of the data folder, or keep replays for a shorter time."
    if ingest.is_filling:
        yield HealthCheck("Disk", "bad", "fills up", text, advice)
    elif free < _LOW_RESERVES * ingest.reserve_bytes:
        yield HealthCheck("Disk", "warn", "nearly full", text, advice)
    else:
        yield HealthCheck("Disk", "good", "has room", text)


def _check_digest(health: ServerHealth) -> HealthCheck:
    """Count what waits in all processes; others that are behind stand with the processes."""
    ingest = health.ingest
    waiting = ingest.backlog.entries + sum(
        each.condition.backlog_entries
        for each in health.processes
        if each.is_running and each.identity.process_id != health.own_id
    )
    if not ingest.is_behind:
        text = f"{phrases.count(waiting, 'envelope')} wait to become rows." if waiting else ""
        return HealthCheck("Digest", "good", "keeps up", text or "Nothing waits.")
    age = format_duration(int(ingest.oldest_s) * 1000)
    return HealthCheck(
        "Digest",
        "warn",
        "behind",
        f"{phrases.count(waiting, 'envelope')} wait, the oldest for {age}. Nothing is lost.",
        "If nothing else on this page explains it, the server is too small for what apps send, or "
        "its disk or database is slow.",
    )


def _check_database(ingest: IngestHealth) -> HealthCheck:
    outage = ingest.outage
    if isinstance(outage, DatabaseUnusable):
        return HealthCheck(
            "Database",
            "bad",
            "not set up correctly",
            f"{_quote(outage)} What arrives waits in the journal.",
            "Run playhead doctor on the server: it names what is missing.",
        )
    return HealthCheck(
        "Database", "good", "answers", "Postgres answers, or you would not see this."
    )


def _check_storage(ingest: IngestHealth, *, is_remote: bool) -> HealthCheck:
    place = "the bucket" if is_remote else "the data folder"
    outage = ingest.outage
    if isinstance(outage, ServiceUnavailable) and not isinstance(outage, DatabaseUnusable):
        return HealthCheck(
            "Storage",
            "bad",
            "does not answer",
            f"{_quote(outage)} What arrives waits in the journal.",
            f"Make sure that {place} can be reached and written to. Playhead tries every 5 s.",
        )
    return HealthCheck("Storage", "good", "answers", f"Videos and files are in {place}.")


def _quote(outage: ServiceUnavailable) -> str:
    return phrases.sentence(phrases.shortened(str(outage)))


def _check_quarantine(health: ServerHealth) -> HealthCheck:
    number = health.quarantined.total
    if not number:
        return HealthCheck("Quarantine", "good", "empty", "Every envelope could be read.")
    return HealthCheck(
        "Quarantine",
        "warn",
        phrases.count(number, "envelope"),
        "Reading them failed five times, so they were set aside, and everything else went on.",
        "Below are the reasons. Please report them: this is a fault of Playhead.",
    )


def _check_closing(counts: ServerCounts) -> HealthCheck:
    text = (
        f"{phrases.count(counts.replays_open, 'replay')} may still get segments: phones send late, "
        "also after a crash."
    )
    if not counts.closings_failing:
        return HealthCheck("Replays that end", "good", "are finished", text)
    return HealthCheck(
        "Replays that end",
        "warn",
        f"{counts.closings_failing:,} fail",
        f"{text} {phrases.count(counts.closings_failing, 'replay')} could not be finished yet; "
        "they can be watched, and Playhead goes on trying.",
        "The log of the server names the reason.",
    )


def _check_pictures(counts: ServerCounts, *, is_drawing: bool) -> HealthCheck:
    if not is_drawing:
        return HealthCheck(
            "Pictures", "good", "switched off", "PLAYHEAD_PICTURES is off: lists have no pictures."
        )
    number = phrases.count(counts.pictures_waiting, "replay")
    return HealthCheck("Pictures", "good", "drawn", f"{number} wait for their small pictures.")


def _check_connections(counts: ServerCounts) -> HealthCheck:
    text = f"{phrases.count(counts.connections, 'connection')} open."
    closed = ", ".join(
        f"{quantity:,} {_HANG_UPS.get(reason, reason)}"
        for reason, quantity in sorted(counts.hang_ups.items())
    )
    more = f" Closed without an answer since the start: {closed}." if closed else ""
    return HealthCheck("Connections", "good", "served", text + more)


def _check_proxy(untrusted_proxy: str | None) -> HealthCheck:
    if untrusted_proxy is None:
        return HealthCheck("Proxy", "good", "fine", "No proxy hides the addresses of visitors.")
    return HealthCheck(
        "Proxy",
        "warn",
        "not trusted",
        f"Pages are asked for through {untrusted_proxy}, so all visitors seem to come from there.",
        f"Set PLAYHEAD_TRUSTED_PROXIES={untrusted_proxy} and start Playhead again.",
    )


def _build_refusal(reason: str, quantity: int) -> RefusalRow:
    known = {**KNOWN[Outcome.REFUSED], **KNOWN[Outcome.LIMITED]}
    words = known.get(reason, Reason("It met a limit."))
    return RefusalRow(reason, quantity, words.meaning, words.what_to_do)


def _build_row(envelope: QuarantinedEnvelope, health: ServerHealth) -> ServerQuarantineRow:
    name = health.project_names.get(envelope.project_id)
    key = (envelope.project_id, envelope.id)
    return ServerQuarantineRow(
        received_at=envelope.received_at,
        project=name or "A project that is gone",
        project_href=project_urls.project(envelope.project_id) if name else None,
        item_types=", ".join(envelope.item_types),
        reason=envelope.reason,
        body_bytes=envelope.body_bytes,
        download_href=project_urls.quarantined(*key) if name else None,
        retry_href=server_urls.retry_quarantined(envelope.id),
        asked_at=envelope.retry_asked_at,
        waiting=_WAITING_FOR_DOOR if health.processes and not _list_doors(health) else _WAITING,
        is_being_read=envelope.is_being_retried,
        retry_fault=envelope.retry_fault and phrases.sentence(envelope.retry_fault),
    )
