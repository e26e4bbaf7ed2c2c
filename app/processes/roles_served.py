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
