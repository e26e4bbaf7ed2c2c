"""Finds conditions of the whole server: the disk, limits, quarantine, backlogs, processes."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from app.alerts.composing.addresses import MessageAddresses
from app.alerts.model import AlertRule, RuleKind
from app.alerts.process_problems import ProcessProblem, find_problems
from app.alerts.watch.condition import WatchedCondition
from app.core import clock
from app.core.units import format_duration
from app.db.engine import Database
from app.processes import records
from app.processes.model import ProcessRecord, ProcessState
from app.processes.roles_served import UnservedRoles
from app.projects import queries as projects
from app.retention.storage_report import foretell_full_day

_FORECAST_S: Final = 600.0
"""A forecast adds up all days of all projects, and does not change from minute to minute."""
_BACKLOG: Final = frozenset(
    {ProcessProblem.REFUSING, ProcessProblem.FILLING, ProcessProblem.BEHIND}
)
_CONSEQUENCES: Final = {
    ProcessProblem.DEAD: "What waits in its journal waits until a process starts on its data"
    " folder.",
    ProcessProblem.GONE: "It kept no envelopes, and no process with its roles has started since.",
}
_WORDS: Final = {
    ProcessProblem.REFUSING: "accepts nothing: the disk of its journal is full",
    ProcessProblem.FILLING: "may soon accept nothing: its journal fills up",
    ProcessProblem.BEHIND: "does not digest as fast as it accepts",
}


class ServerWatcher:
    """Finds the conditions that rules of the server watch."""

    def __init__(
        self,
        database: Database,
        addresses: MessageAddresses,
        *,
        data_dir: Path | None,
        longest_days: int | None,
        heartbeat_s: float,
        silent_after_s: float,
    ) -> None:
        """Make a watcher.

        Args:
            database: The database.
            addresses: Makes the addresses of the pages that say more.
            data_dir: The folder with objects; None if they are in a bucket.
            longest_days: The most days that the settings of the server allow.
            heartbeat_s: The pause between two heartbeats of a process.
            silent_after_s: The silence after which a process counts as dead.
        """
        self._database = database
        self._addresses = addresses
        self._data_dir = data_dir
        self._longest_days = longest_days
        self._heartbeat_s = heartbeat_s
        self._silent_after_s = silent_after_s
        self._unserved_roles = UnservedRoles(patience_s=silent_after_s)
        self._forecast: tuple[date, date | None] | None = None
        self._foretold_s = -_FORECAST_S

    async def find_conditions(self, rule: AlertRule) -> list[WatchedCondition]:
        """Return the conditions of a rule that hold now."""
        match rule.kind:
            case RuleKind.DISK:
                return await self._find_full_disk(rule.settings.disk_days)
            case RuleKind.LIMITED:
                return await self._find_limited()
            case RuleKind.QUARANTINE:
                return await self._find_quarantine()
            case RuleKind.BACKLOG:
                return self._judge_backlogs(await self._read_processes())
            case RuleKind.PROCESS:
                return self._judge_processes(await self._read_processes())
            case _:
                return []

    async def _find_full_disk(self, within_days: int) -> list[WatchedCondition]:
        if self._data_dir is None:
            return []
        if clock.monotonic_s() - self._foretold_s >= _FORECAST_S or self._forecast is None:
            self._forecast = await foretell_full_day(
                self._database, data_dir=self._data_dir, longest_days=self._longest_days
            )
            self._foretold_s = clock.monotonic_s()
        today, full_on = self._forecast
        if full_on is None or full_on - today > timedelta(days=within_days):
            return []
        days = (full_on - today).days
        return [
            WatchedCondition(
                "disk",
                f"The disk is full in {days} day{'s' if days != 1 else ''}",
                f"If as much comes as in the last days, it is full on {full_on}. Keep less, or make"
                " room: when it is full, nothing is accepted any more.",
                self._addresses.storage_path,
                over="The disk lasts longer again",
            )
        ]

    async def _find_limited(self) -> list[WatchedCondition]:
        today = clock.now().date()
        async with self._database.reading() as connection:
            counts = await projects.count_limited(connection, today)
            names = await projects.read_project_names(connection, set(counts))
        return [
            WatchedCondition(
                f"limited:{project_id}:{today}",
                f"{names.get(project_id, 'A project')} meets its limits",
                f"{quantity:,} item{'s' if quantity != 1 else ''} of today met a limit, and are not"
                " stored. The page of the project says which limit.",
                self._addresses.project_path(project_id),
                facts=(("Items", f"{quantity:,}"),),
                tone="warn",
            )
            for project_id, quantity in sorted(counts.items())
        ]

    async def _find_quarantine(self) -> list[WatchedCondition]:
        async with self._database.reading() as connection:
            counts = await projects.count_quarantined(connection)
        total = sum(counts.values())
        if not total:
            return []
        return [
            WatchedCondition(
                "quarantine",
                f"{total:,} envelope{'s' if total != 1 else ''} in quarantine",
                "They could not be stored because of what is in them. They are kept for a week;"
                " read them again after an update.",
                self._addresses.health_path,
                over="Quarantine is empty again",
                tone="warn",
            )
        ]

    async def _read_processes(self) -> tuple[ProcessRecord, ...]:
        async with self._database.reading() as connection:
            return await records.list_processes(
                connection,
                heartbeat_s=self._heartbeat_s,
                silent_after_s=self._silent_after_s,
            )

    def _judge_backlogs(self, processes: Sequence[ProcessRecord]) -> list[WatchedCondition]:
        return [
            WatchedCondition(
                f"{found.problem}:{record.identity.process_id}",
                f"{_name_process(record)} {_WORDS[found.problem]}",
                f"{record.condition.backlog_entries:,} envelopes wait in its journal, the oldest"
                f" one for {format_duration(round(record.oldest_s) * 1000)}.",
                self._addresses.health_path,
                over=f"{_name_process(record)} keeps up again",
                tone="warn" if found.problem is ProcessProblem.BEHIND else "bad",
            )
            for found in find_problems(processes)
            if found.problem in _BACKLOG
            for record in found.processes
        ]

    def _judge_processes(self, processes: Sequence[ProcessRecord]) -> list[WatchedCondition]:
        self._unserved_roles.note(processes)
        found = [
            WatchedCondition(
                f"gone:{record.identity.process_id}",
                f"{_name_process(record)} is gone",
                f"It was not heard of for {format_duration(round(record.silent_s) * 1000)} and has"
                f" not said that it stops. {_CONSEQUENCES[problem.problem]}",
                self._addresses.health_path,
                over=f"{_name_process(record)} is back, replaced, or removed from the list",
            )
            for problem in find_problems(processes)
            if problem.problem in _CONSEQUENCES
            for record in problem.processes
            if record.state is ProcessState.SILENT
        ]
        found += [
            WatchedCondition(
                f"role:{role}",
                f"No process has the role {role}",
                f"The work of this role has waited for {round(self._silent_after_s)} s and more:"
                " start a process that has it.",
                self._addresses.health_path,
                over=f"A process has the role {role} again",
            )
            for role in self._unserved_roles.list_lasting()
        ]
        found += [
            WatchedCondition(
                f"outage:{record.identity.process_id}",
                f"{_name_process(record)} cannot use"
                f" the {record.condition.outage_kind or 'storage'}",
                "What arrives there waits in its journal.",
                self._addresses.health_path,
                over=f"{_name_process(record)} works again",
            )
            for record in processes
            if record.is_running and record.condition.outage is not None
        ]
        return found


def _name_process(record: ProcessRecord) -> str:
    return f"{record.identity.host} ({record.identity.pid})"
