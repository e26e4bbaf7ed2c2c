"""Tells the other processes how this one is, until its ingest has ended."""

from app import __version__
from app.ingest.health import IngestMonitor
from app.ingest.worker import IngestWorker
from app.processes.heartbeat import ProcessHeartbeat, make_identity
from app.storage.choose import describe_store
from app.wiring.shared import SharedParts


def open_heartbeat(
    shared: SharedParts, ingest: IngestWorker | None, monitor: IngestMonitor
) -> ProcessHeartbeat:
    """Begin to tell the others; the last heartbeat comes when ingest, if there is one, has ended.

    Args:
        shared: The parts that all roles of the process use.
        ingest: The ingest of this process, if it has one.
        monitor: Says how this process is.
    """
    settings = shared.settings
    heartbeat = ProcessHeartbeat(
        shared.database,
        make_identity(
            version=__version__,
            journal_id=ingest.journal.id if ingest else None,
            roles=settings.roles,
            store=describe_store(settings),
            database_connections=settings.database_connections,
        ),
        monitor.describe_condition,
        heartbeat_s=settings.heartbeat_s,
        silent_after_s=settings.silent_after_s,
        notes=settings.data_dir.resolve() / "journal" / "ended-processes" if ingest else None,
    )

    async def end() -> None:
        if ingest is not None:
            await ingest.close()
        has_left_journal = ingest is not None and ingest.journal.backlog().entries > 0
        await heartbeat.sign_off(has_left_journal=has_left_journal)

    heartbeat.start()
    shared.stack.push_async_callback(end)
    return heartbeat
