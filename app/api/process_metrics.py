"""Metrics about all processes on the database, as this one last heard of them."""

from collections.abc import Iterator, Sequence
from typing import override

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.alerts.process_problems import ProcessProblem, find_problems
from app.core.clock import monotonic_s
from app.processes.heartbeat import ProcessHeartbeat
from app.processes.model import ProcessRecord, ProcessState
from app.processes.roles_served import count_processes_by_role


class ProcessesCollector(Collector):
    """Metrics of all processes, which the heartbeat reads, collected with each request."""

    def __init__(self, heartbeat: ProcessHeartbeat) -> None:
        """Read from a heartbeat."""
        self._heartbeat = heartbeat
        self._began_s = monotonic_s()

    @override
    def collect(self) -> Iterator[Metric]:
        read_at_s = self._heartbeat.read_at_s
        yield GaugeMetricFamily(
            "playhead_heartbeat_age_seconds",
            "Time since this process last told the others how it is, and heard of them.",
            monotonic_s() - (self._began_s if read_at_s is None else read_at_s),
        )
        records = self._heartbeat.records
        yield _count_states(records)
        yield _count_problems(records)
        if read_at_s is not None:  # before, a role would seem to have no process
            yield _count_roles(records)
        yield GaugeMetricFamily(
            "playhead_processes_backlog_entries",
            "Accepted envelopes that are not digested yet, in all processes, dead ones included.",
            sum(each.condition.backlog_entries for each in records),
        )
        yield GaugeMetricFamily(
            "playhead_processes_backlog_oldest_seconds",
            "Age of the oldest of them.",
            max((each.oldest_s for each in records), default=0.0),
        )
        yield from _list_clocks_and_silences(records)


def _count_states(records: Sequence[ProcessRecord]) -> Metric:
    description = "Processes by state; a silent one counts as dead."
    states = GaugeMetricFamily("playhead_processes", description, labels=("state",))
    for state in ProcessState:
        states.add_metric((state.value,), sum(each.state is state for each in records))
    return states


def _count_problems(records: Sequence[ProcessRecord]) -> Metric:
    description = "Processes that have a problem, by problem."
    problems = GaugeMetricFamily("playhead_process_problems", description, labels=("problem",))
    affected = {found.problem: len(found.processes) for found in find_problems(records)}
    for problem in ProcessProblem:
        problems.add_metric((problem.value,), affected.get(problem, 0))
    return problems


def _count_roles(records: Sequence[ProcessRecord]) -> Metric:
    description = "Processes that run, by role; one with several roles counts for each of them."
    roles = GaugeMetricFamily("playhead_processes_by_role", description, labels=("role",))
    for role, count in count_processes_by_role(records).items():
        roles.add_metric((role.value,), count)
    return roles


def _list_clocks_and_silences(records: Sequence[ProcessRecord]) -> Iterator[Metric]:
    labels = ("host", "pid")
    silences = GaugeMetricFamily(
        "playhead_process_silent_seconds", "Time since a process was heard of.", labels=labels
    )
    clocks = GaugeMetricFamily(
        "playhead_process_clock_ahead_seconds",
        "How far the clock of a process is ahead of that of Postgres.",
        labels=labels,
    )
    for record in records:
        of_process = (record.identity.host, str(record.identity.pid))
        silences.add_metric(of_process, record.silent_s)
        clocks.add_metric(of_process, record.clock_ahead_ms / 1_000)
    yield silences
    yield clocks
