"""The role `door`: accepts envelopes, keeps them in a journal, and digests them."""

from collections.abc import Iterable

from app.core.settings import Settings
from app.ingest.admission.admission import IngestAdmission
from app.ingest.admission.quotas import Quotas
from app.ingest.admission.token_buckets import SenderLimits
from app.ingest.spill.key_ring import SpillKeyRing
from app.ingest.spill.spiller import SpillOptions
from app.ingest.worker import IngestWorker
from app.replays.model import ReplayKey
from app.wiring.shared import SharedParts


async def open_door(shared: SharedParts) -> IngestWorker:
    """Open the journal, and begin to digest; nothing is accepted before somebody listens.

    `open_heartbeat` closes it, so that the others hear of its end.

    Raises:
        ServiceUnavailable: The journal cannot be opened.
    """
    settings, stack = shared.settings, shared.stack
    await shared.keys.start(shared.database)
    stack.push_async_callback(shared.keys.stop)
    quotas = make_quotas(settings)
    quotas.start(shared.database)
    stack.push_async_callback(quotas.stop)
    shared.start(shared.picture_notes)
    return IngestWorker.open(
        shared.database,
        shared.objects,
        IngestAdmission(shared.keys, quotas),
        shared.rules,
        journal_root=settings.data_dir.resolve() / "journal",
        file_bytes=settings.journal_file_bytes,
        reserve_bytes=settings.journal_reserve_bytes,
        memory_bytes=settings.digest_memory_bytes,
        note_pictures=shared.picture_notes.note if settings.pictures else _ignore_replays,
        symbolicator=shared.symbolication.for_batches,
        wanted=shared.wanted,
        # The embedded Postgres loses no commit unless the journal loses its disk as well.
        spill=SpillOptions(SpillKeyRing(shared.database), settings.spill_after_s)
        if settings.has_bucket
        else None,
        keep_s=settings.journal_keep_s if settings.database_url else 0,
    )


def _ignore_replays(keys: Iterable[ReplayKey]) -> None:
    """Do nothing: the drawing of pictures is switched off."""


def make_quotas(settings: Settings) -> Quotas:
    """Make the limits of this process, which look up nothing before `start`."""
    rates_of_keys, rates_of_unseen = (
        SenderLimits(
            envelopes_per_s=settings.key_envelopes_per_s,
            envelopes=settings.key_envelopes_burst,
            bytes_per_s=settings.key_bytes_per_s,
            size_bytes=settings.key_bytes_burst,
        )
        for _ in range(2)
    )
    return Quotas(rates_of_keys, rates_of_unseen, silent_after_s=settings.silent_after_s)
