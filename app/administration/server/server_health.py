"""Reads how the server is, and what is in quarantine in all projects; takes envelopes out again."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.accounts.model import Person
from app.administration.server.server_admin import require_server_admin
from app.audit import writes as audit
from app.audit.model import Action
from app.core.errors import InvalidInput
from app.core.ids import ProjectId
from app.db.engine import Database
from app.db.list_slices import ListSlice
from app.ingest.health import IngestHealth, IngestMonitor
from app.ingest.quarantine import QuarantineRetrier
from app.projects import quarantine, queries as projects
from app.projects.model import QuarantinedEnvelope


@dataclass(frozen=True, slots=True)
class ServerCounts:
    """What this process counts beside ingest, as the metrics have it."""

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
    """The health of ingest, other counts, and a slice of quarantine."""

    ingest: IngestHealth
    counts: ServerCounts
    quarantined: ListSlice[QuarantinedEnvelope]
    project_names: Mapping[ProjectId, str]
    """The names of the projects in quarantine; a deleted project has none."""


async def read_server_health(
    database: Database,
    admin: Person,
    monitor: IngestMonitor,
    counts: ServerCounts,
    *,
    first: int = 0,
) -> ServerHealth:
    """Return how the server is.

    Args:
        database: Where quarantine is.
        admin: Whoever asks.
        monitor: Watches ingest.
        counts: What this process counts.
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
    return ServerHealth(monitor.read_health(), counts, quarantined, names)


async def retry_quarantined(
    database: Database, admin: Person, retrier: QuarantineRetrier | None, quarantined_id: int
) -> None:
    """Digest a quarantined envelope again; if it fails again, it comes back.

    Raises:
        PermissionDenied: Whoever asks is not an admin of the server.
        NotFound: The envelope is gone.
        InvalidInput: It cannot be read any more, its project has no key, or this process has no
            journal.
        ServiceUnavailable: The journal does not take it now.
    """
    require_server_admin(admin)
    if retrier is None:
        raise InvalidInput("this process has no journal: its role `door` is switched off")
    async with database.transaction() as connection:
        envelope = await retrier.retry_envelope(connection, quarantined_id)
        await audit.add_audit_line(
            connection,
            Action.QUARANTINE_RETRIED,
            person_id=admin.id,
            project_id=envelope.project_id,
            subject=str(quarantined_id),
            detail={"items": ", ".join(envelope.item_types)},
        )
