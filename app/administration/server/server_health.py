"""Reads how the server is and what is in quarantine, and has envelopes digested again."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from app.accounts.model import Person
from app.administration.server.process_list import forget_dead_process
from app.administration.server.server_admin import require_server_admin
from app.audit import writes as audit
from app.audit.model import Action
from app.core.errors import ServiceUnavailable
from app.core.ids import ProjectId
from app.db.engine import Database
from app.db.list_slices import ListSlice
from app.ingest.health import IngestHealth, IngestMonitor
from app.ingest.quarantine import QuarantineRetrier
from app.processes import records as processes
from app.processes.heartbeat import ProcessHeartbeat
from app.processes.model import ProcessRecord
from app.projects import quarantine, queries as projects
from app.projects.model import QuarantinedEnvelope


@dataclass(frozen=True, slots=True)
class ServerCounts:
    """Counts of processes that do not belong to ingest, as the metrics have them."""

    accepted: int = 0
    """Envelopes that were accepted since the start."""
    connections: int = 0
    """Connections that are open."""
    hang_ups: Mapping[str, int] = field(default_factory=dict)
    """Connections closed without an answer since the start, by reason."""
    pictures_waiting: int = 0
    """Replays whose small pictures are not drawn yet, in all processes."""
    replays_open: int = 0
    """Replays that have not ended yet, in all processes."""
    closings_failing: int = 0
    """Replays that have ended and whose last steps fail, in all processes."""


@dataclass(frozen=True, slots=True)
class ServerHealth:
    """The health of ingest, all processes, their counts, and a slice of quarantine."""

    ingest: IngestHealth
    """The health of the process that answers."""
    own_id: str
    """The id of that process."""
    processes: tuple[ProcessRecord, ...]
    """All processes as they told last, those that run first."""
    counts: ServerCounts
    """The counts of all running processes."""
    refused: Mapping[str, int]
    """Envelopes that met a limit or had no known key, in all processes that run, by reason."""
    quarantined: ListSlice[QuarantinedEnvelope]
    project_names: Mapping[ProjectId, str]
    """The names of the projects in quarantine; a deleted project has none."""


async def read_server_health(
    database: Database,
    admin: Person,
    monitor: IngestMonitor,
    counts: ServerCounts,
    heartbeat: ProcessHeartbeat,
    *,
    first: int = 0,
) -> ServerHealth:
    """Return how the server is.

    Args:
        database: The database with the quarantine.
        admin: Whoever asks.
        monitor: Watches ingest.
        counts: The counts of this process.
        heartbeat: Knows which processes there are.
        first: Number of quarantined envelopes to skip.

    Raises:
        PermissionDenied: Whoever asks is not an admin of the server.
    """
    require_server_admin(admin)
    async with database.reading() as connection:
        quarantined = await quarantine.list_all_quarantined(connection, first=first)
        names = await projects.read_project_names(
            connection, {envelope.project_id for envelope in quarantined.rows}
        )
        known = await processes.list_processes(
            connection,
            heartbeat_s=heartbeat.pause_s,
            silent_after_s=heartbeat.silent_after_s,
        )
    ingest, own_id = monitor.read_health(), heartbeat.identity.process_id
    others = [
        each.condition for each in known if each.is_running and each.identity.process_id != own_id
    ]
    return ServerHealth(
        ingest,
        own_id,
        known,
        replace(
            counts,
            accepted=counts.accepted + sum(each.read_count("accepted") for each in others),
            connections=counts.connections + sum(each.read_count("connections") for each in others),
            hang_ups=_add_up(counts.hang_ups, *(each.read_counts("hang_ups") for each in others)),
        ),
        _add_up(ingest.refused, *(each.read_counts("refused") for each in others)),
        quarantined,
        names,
    )


async def forget_process(
    database: Database, admin: Person, heartbeat: ProcessHeartbeat, process_id: str
) -> None:
    """Take a dead process from the list, because its journal is lost for good.

    Raises:
        PermissionDenied: Whoever asks is not an admin of the server.
        NotFound: There is no such process.
        InvalidInput: It runs.
    """
    require_server_admin(admin)
    async with database.transaction() as connection:
        await forget_dead_process(
            connection,
            process_id,
            person_id=admin.id,
            heartbeat_s=heartbeat.pause_s,
            silent_after_s=heartbeat.silent_after_s,
        )


def _add_up(*counts_by_reason: Mapping[str, int]) -> Mapping[str, int]:
    total: Counter[str] = Counter()
    for counts in counts_by_reason:
        total.update(counts)
    return total


async def retry_quarantined(
    database: Database, admin: Person, retrier: QuarantineRetrier | None, quarantined_id: int
) -> bool:
    """Have a quarantined envelope digested again; if it fails again, it comes back.

    A process with a journal does it at once. Otherwise the envelope waits for one that has.

    Returns:
        True if it was taken out of quarantine; False if it waits, or another process does it.

    Raises:
        PermissionDenied: Whoever asks is not an admin of the server.
        NotFound: The envelope is gone.
        InvalidInput: It cannot be read any more, or its project has no key.
    """
    require_server_admin(admin)
    async with database.transaction() as connection:
        envelope = await quarantine.ask_for_retry(connection, quarantined_id)
        if envelope is not None:
            await audit.add_audit_line(
                connection,
                Action.QUARANTINE_RETRIED,
                person_id=admin.id,
                project_id=envelope.project_id,
                subject=str(quarantined_id),
                detail={"items": ", ".join(envelope.item_types)},
            )
    if retrier is None:
        return False
    try:
        return await retrier.retry_envelope(quarantined_id)
    except ServiceUnavailable:
        return False
