"""Finds what nobody does any more: roles without a process, and processes that were not replaced.

A process that is killed leaves its row behind. What started it, such as systemd or Kubernetes,
usually starts another one with the same roles, on the same host or elsewhere; then nobody needs to
act.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from app.core.clock import monotonic_s
from app.core.process_roles import ProcessRole
from app.processes.model import ProcessRecord, ProcessState

_SILENT: Final = frozenset({ProcessState.LATE, ProcessState.SILENT})


def count_processes_by_role(records: Iterable[ProcessRecord]) -> Mapping[ProcessRole, int]:
    """Count the processes of each role that run; every role has a number."""
    running = [record for record in records if record.is_running]
    return {role: sum(record.has_role(role) for record in running) for role in ProcessRole}


def find_unreplaced(records: Iterable[ProcessRecord]) -> tuple[ProcessRecord, ...]:
    """Find the processes without a journal that fell silent and that no other has replaced.

    A process replaces one that has at most its roles and fell silent before it started. Each
    replaces one, on its own host if there is such a one. A process with a journal is not meant:
    its journal needs an owner, however many others there are.

    Returns:
        Processes that are late or silent, those that fell silent first before the others.
    """
    known = list(records)
    left = sorted(
        (each for each in known if each.identity.journal_id is None and each.state in _SILENT),
        key=lambda each: each.seen_at,
    )
    for newcomer in sorted(known, key=lambda each: each.started_at):
        replaceable = [each for each in left if _may_replace(newcomer, each)]
        if replaceable:
            left.remove(_prefer_host(replaceable, newcomer.identity.host))
    return tuple(left)


def find_settled(records: Iterable[ProcessRecord], *, silent_s: float) -> frozenset[str]:
    """Find the processes that were replaced and whose rows nobody needs any more.

    A row is needed while its successor would otherwise pass for the successor of another one. As
    many rows are left out as possible without a change of what `find_unreplaced` tells.

    Args:
        records: All processes.
        silent_s: The silence after which a row may be left out.

    Returns:
        The ids of the processes.
    """
    known = {each.identity.process_id: each for each in records}
    unreplaced = _list_ids(find_unreplaced(known.values()))
    old = [
        process_id
        for process_id, each in known.items()
        if each.identity.journal_id is None
        and each.state in _SILENT
        and each.silent_s > silent_s
        and process_id not in unreplaced
    ]
    settled: set[str] = set()
    parts = [old]
    while parts:  # few are needed, so that halving soon finds them
        part = parts.pop()
        without = settled.union(part)
        left = [each for process_id, each in known.items() if process_id not in without]
        if _list_ids(find_unreplaced(left)) == unreplaced:
            settled = without
        elif len(part) > 1:
            middle = len(part) // 2
            parts += [part[:middle], part[middle:]]
    return frozenset(settled)


def _list_ids(records: Iterable[ProcessRecord]) -> set[str]:
    return {each.identity.process_id for each in records}


def _may_replace(newcomer: ProcessRecord, silent: ProcessRecord) -> bool:
    return (
        newcomer is not silent
        and newcomer.started_at > silent.seen_at
        and set(silent.identity.roles) <= set(newcomer.identity.roles)
    )


def _prefer_host(records: Sequence[ProcessRecord], host: str) -> ProcessRecord:
    return next((each for each in records if each.identity.host == host), records[0])


class UnservedRoles:
    """Remembers since when no process has had a role.

    While the only process of a role restarts, its role is unserved for a moment, which nobody
    needs to hear of.
    """

    def __init__(self, *, patience_s: float) -> None:
        """Begin with no memory.

        Args:
            patience_s: The seconds for which a role must be unserved before it is listed.
        """
        self._patience_s = patience_s
        self._since_s: dict[ProcessRole, float] = {}

    def note(self, records: Iterable[ProcessRecord]) -> None:
        """Note which roles are served now; call it whenever the processes were read."""
        now_s = monotonic_s()
        self._since_s = {
            role: self._since_s.get(role, now_s)
            for role, count in count_processes_by_role(records).items()
            if not count
        }

    def list_lasting(self) -> tuple[ProcessRole, ...]:
        """List the roles that have been unserved for longer than the patience."""
        now_s = monotonic_s()
        return tuple(
            role for role, since_s in self._since_s.items() if now_s - since_s >= self._patience_s
        )
