"""Adopts what dead hosts have spilled into the bucket: one of all doors and workers does it."""

from datetime import timedelta

from app.ingest.digest.batch_digester import BatchDigester
from app.ingest.digest.retry import StepRetrier
from app.ingest.queue import EnvelopeQueue
from app.ingest.spill.adopter import SpillAdopter
from app.ingest.spill.key_ring import SpillKeyRing
from app.ingest.worker import IngestWorker
from app.processes.duties import LEASE, ProcessDuty
from app.wiring.door import make_quotas
from app.wiring.shared import SharedParts


def open_spill_adopter(
    shared: SharedParts, ingest: IngestWorker | None, process_id: str
) -> SpillAdopter:
    """Begin to look for spilled journals of dead processes.

    Args:
        shared: The parts that all roles of the process use.
        ingest: The ingest of this process, if it has one.
        process_id: The id of this process.
    """
    settings = shared.settings
    key_ring = ingest.spiller.key_ring if ingest and ingest.spiller else None
    adopter = SpillAdopter(
        shared.database,
        shared.objects,
        ingest.digester.batches if ingest else _open_batches(shared),
        key_ring or SpillKeyRing(shared.database),
        own_journal_id=ingest.journal.id if ingest else None,
        silent_after_s=settings.silent_after_s,
        keep_s=settings.journal_keep_s if settings.database_url else 0,
    )
    lease = min(LEASE, timedelta(seconds=settings.silent_after_s / 2))
    adopter.duty = ProcessDuty(shared.database, process_id, "spilled journals", lease=lease)
    shared.start(adopter)
    return adopter


def _open_batches(shared: SharedParts) -> BatchDigester:
    """Make what digests batches in a process that accepts nothing itself."""
    settings = shared.settings
    quotas = make_quotas(settings)
    quotas.start(shared.database)
    shared.stack.push_async_callback(quotas.stop)
    shared.start(shared.picture_notes)
    return BatchDigester(
        shared.database,
        shared.objects,
        None,
        queue=EnvelopeQueue(settings.digest_memory_bytes),
        quotas=quotas,
        rules=shared.rules,
        retrier=StepRetrier(),
        note_pictures=shared.picture_notes.note,
        symbolicator=shared.symbolication.for_batches,
        wanted=shared.wanted,
    )
