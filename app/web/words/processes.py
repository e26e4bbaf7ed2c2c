"""Words about processes: what one is called, what is wrong with some, and what to do about it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from app.alerts.process_problems import ProblemProcesses, ProcessProblem
from app.core.process_roles import ProcessRole
from app.core.units import format_bytes, format_duration
from app.processes.model import ROLES, ProcessRecord
from app.web.words import phrases

_MOST_NAMES: Final = 3
_SECOND_MS: Final = 1_000

_Records = Sequence[ProcessRecord]


@dataclass(frozen=True, slots=True)
class ProblemWords:
    """A problem of processes in words."""

    tone: Literal["bad", "warn"]
    title: str
    what_to_do: str


def name_process(record: ProcessRecord) -> str:
    """Name a process: `web-1 (4711)`."""
    return f"{record.identity.host} ({record.identity.pid})"


def describe_clock(clock_ahead_ms: int) -> str:
    """Say how a clock compares with that of Postgres: `12.5 s ahead`; `right` if it is."""
    if not clock_ahead_ms:
        return "right"
    side = "ahead" if clock_ahead_ms > 0 else "behind"
    return f"{abs(clock_ahead_ms) / _SECOND_MS:,.1f} s {side}"


def describe_roles(roles: Sequence[str]) -> str:
    """List roles; `all` if a process has every one."""
    return "all" if set(roles) >= set(ROLES) else ", ".join(roles)


def describe_silence(record: ProcessRecord) -> str:
    """Say how long ago a process was heard of: `3 s`, `2 min 5 s`."""
    return format_duration(round(record.silent_s) * _SECOND_MS)


def describe_backlog(record: ProcessRecord) -> str:
    """Say what waits in a journal: `12 envelopes (4.1 MiB)`; `nothing` if nothing does."""
    condition = record.condition
    if not condition.backlog_entries:
        return "nothing"
    number = phrases.count(condition.backlog_entries, "envelope")
    return f"{number} ({format_bytes(condition.backlog_bytes)})"


def describe_problem(found: ProblemProcesses, *, is_admin: bool) -> ProblemWords:
    """Say what is wrong with some processes, and what to do.

    Args:
        found: The problem, and the processes that have it.
        is_admin: True if the reader may know what the log of the server says.
    """
    records = found.processes
    names = _list_names(records)
    words = _DESCRIBERS[found.problem](records)
    told = ""
    if found.problem is ProcessProblem.OUTAGE and is_admin:
        speaker = "It" if len(records) == 1 else name_process(records[0])
        told = f" {speaker} says: {phrases.shortened(str(records[0].condition.outage))}."
    return ProblemWords(words.tone, f"{names}: {words.title}.", f"{words.what_to_do}{told}")


def describe_unserved_role(role: ProcessRole) -> ProblemWords:
    """Say that no process has a role, and what to do."""
    return _UNSERVED_ROLES[role]


def _describe_refusing(_records: _Records) -> ProblemWords:
    return ProblemWords(
        "bad",
        "the disk is too full to accept anything",
        "Phones are hung up on there, and keep what they have, 30 envelopes each. Make room on "
        "the disk of the data folder; Playhead goes on by itself.",
    )


def _describe_dead(records: _Records) -> ProblemWords:
    if len(records) == 1:
        title = "stopped or died, and nobody owns the journal"
        what_to_do = (
            "Start a process on that data folder again, which goes on with it. If the disk is lost "
            "for good, an admin removes the process from the list on the page of the server's "
            "health."
        )
    else:
        title = "stopped or died, and nobody owns their journals"
        what_to_do = (
            "Start a process on each of these data folders again, which goes on with it. If a disk "
            "is lost for good, an admin removes its process from the list on the page of the "
            "server's health."
        )
    return ProblemWords("bad", title, f"{_describe_loss(records)} {what_to_do}")


def _describe_late(records: _Records) -> ProblemWords:
    worst = max(records, key=lambda each: each.silent_s)
    up_to, they = ("", "It") if len(records) == 1 else ("up to ", "They")
    return ProblemWords(
        "warn",
        f"not heard of for {up_to}{describe_silence(worst)}",
        f"{they} may be dead, or not reach the database. {_describe_loss(records)}",
    )


def _describe_gone(records: _Records) -> ProblemWords:
    if len(records) == 1:
        return ProblemWords(
            "warn",
            "stopped or died, and no other process has taken its place",
            "It kept no envelopes, so nothing is lost. Start it again. If it is not to come back, "
            "an admin removes it from the list on the page of the server's health.",
        )
    return ProblemWords(
        "warn",
        "stopped or died, and no other processes have taken their places",
        "They kept no envelopes, so nothing is lost. Start them again. If one is not to come back, "
        "an admin removes it from the list on the page of the server's health.",
    )


def _describe_filling(_records: _Records) -> ProblemWords:
    return ProblemWords(
        "bad",
        "the journal is filling up",
        "Nothing is lost yet. When its room is used up, nothing is accepted there. Find out why "
        "digestion does not keep up, or make room on the disk.",
    )


def _describe_outage(records: _Records) -> ProblemWords:
    service = records[0].condition.outage_kind or "storage"
    these = "this one" if len(records) == 1 else "these"
    return ProblemWords(
        "bad",
        f"the {service} does not answer",
        "What arrives there waits in the journal. If other processes reach it, look at the network "
        f"of {these}.",
    )


def _describe_behind(records: _Records) -> ProblemWords:
    age = format_duration(int(max(each.oldest_s for each in records)) * _SECOND_MS)
    return ProblemWords(
        "warn",
        f"digestion is behind, the oldest envelope waits for {age}",
        "Nothing is lost; replays and errors appear later than usual.",
    )


def _describe_wrong_clock(records: _Records) -> ProblemWords:
    worst = max(records, key=lambda each: abs(each.clock_ahead_ms))
    receivers = "it receives" if len(records) == 1 else "they receive"
    return ProblemWords(
        "warn",
        f"the clock is {describe_clock(worst.clock_ahead_ms)}, compared with the database's",
        f"Errors and spans of backends that {receivers} are shown at the wrong moment. Let all "
        "hosts take their time from the network (NTP).",
    )


_DESCRIBERS: Final[dict[ProcessProblem, Callable[[_Records], ProblemWords]]] = {
    ProcessProblem.REFUSING: _describe_refusing,
    ProcessProblem.DEAD: _describe_dead,
    ProcessProblem.LATE: _describe_late,
    ProcessProblem.GONE: _describe_gone,
    ProcessProblem.FILLING: _describe_filling,
    ProcessProblem.OUTAGE: _describe_outage,
    ProcessProblem.BEHIND: _describe_behind,
    ProcessProblem.CLOCK: _describe_wrong_clock,
}


_UNSERVED_ROLES: Final = {
    ProcessRole.DOOR: ProblemWords(
        "bad",
        "No process with the role door runs: nothing is accepted.",
        "Apps cannot send, and keep what they have, some 30 envelopes each. Start a process with "
        "this role.",
    ),
    ProcessRole.PAGES: ProblemWords(
        "bad",
        "No process with the role pages runs: nobody can open a page or upload debug files.",
        "Replays and errors are stored all the same. Start a process with this role.",
    ),
    ProcessRole.WORKER: ProblemWords(
        "bad",
        "No process with the role worker runs: nothing is erased, expired, sealed or sent.",
        "Replays and errors are stored and shown, without new pictures and clips; erasures, "
        "alerts and mails wait. Start a process with this role.",
    ),
}


def _describe_loss(records: Sequence[ProcessRecord]) -> str:
    """Say what is known about the journals of processes that do not answer."""
    is_one = len(records) == 1
    if all(each.identity.journal_id is None for each in records):
        return f"{'It keeps' if is_one else 'They keep'} no envelopes, so nothing is lost."
    entries = sum(each.condition.backlog_entries for each in records)
    told = phrases.count(entries, "envelope") if entries else "nothing"
    if is_one:
        return f"When it was last heard of, {told} waited in its journal."
    return f"When they were last heard of, {told} waited in their journals."


def _list_names(records: Sequence[ProcessRecord]) -> str:
    names = [name_process(each) for each in records[:_MOST_NAMES]]
    if len(records) > _MOST_NAMES:
        names.append(f"{len(records) - _MOST_NAMES} more")
    return ", ".join(names)
