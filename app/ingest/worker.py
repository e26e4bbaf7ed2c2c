"""The ingest of one process: its parts are started here, and stopped.

acceptor ──────┬─► journal ─► queue ─► digester
quarantine, ───┘      └─ what waits ─► spiller ─► bucket
where somebody
asks for it
"""

from dataclasses import dataclass
from pathlib import Path

from app.db.engine import Database
from app.ingest.accept.acceptor import EnvelopeAcceptor
from app.ingest.admission.admission import IngestAdmission
from app.ingest.digest.batch_digester import NotePictures
from app.ingest.digest.digester import Digester
from app.ingest.digest.symbolicate import BatchSymbolicator
from app.ingest.quarantine import QuarantineRetrier
from app.ingest.queue import EnvelopeQueue
from app.ingest.spill.spiller import Spiller, SpillOptions
from app.journal.writer import Journal
from app.messages.wanted import WantedSignals
from app.projects.rule_cache import RuleCache
from app.storage.port import ObjectStore


@dataclass(frozen=True, slots=True)
class IngestWorker:
    """A running ingest; requests go to `acceptor`."""

    admission: IngestAdmission
    journal: Journal
    queue: EnvelopeQueue
    acceptor: EnvelopeAcceptor
    digester: Digester
    retrier: QuarantineRetrier
    """Reads envelopes in quarantine again when somebody asks for it."""
    spiller: Spiller | None = None
    """Copies what waits into the bucket; None with local storage."""

    @classmethod
    def open(
        cls,
        database: Database,
        objects: ObjectStore,
        admission: IngestAdmission,
        rules: RuleCache,
        *,
        journal_root: Path,
        file_bytes: int,
        reserve_bytes: int,
        memory_bytes: int,
        note_pictures: NotePictures,
        symbolicator: BatchSymbolicator | None = None,
        wanted: WantedSignals | None = None,
        keep_s: float = 0,
        spill: SpillOptions | None = None,
    ) -> "IngestWorker":
        """Open a journal of this process's own and begin to digest.

        Args:
            database: The database that gets the rows.
            objects: The store that gets videos and files.
            admission: The keys and limits of this process.
            rules: The privacy rules of all projects.
            journal_root: The folder with the journals of all processes.
            file_bytes: The size after which a journal begins a new file.
            reserve_bytes: The free disk space below which nothing is accepted.
            memory_bytes: The memory that accepted envelopes may take until they are digested.
            note_pictures: Called with the replays whose pictures may have to change.
            wanted: The signals that rules want; None for none.
            symbolicator: Makes stacks of events clear; None leaves them as they are sent.
            keep_s: The seconds for which digested journal files stay, if Postgres loses commits.
            spill: The settings for copying waiting envelopes into the bucket; None not to copy any.

        Raises:
            ServiceUnavailable: The journal cannot be opened.
        """
        journal = Journal.open(
            journal_root, file_bytes=file_bytes, reserve_bytes=reserve_bytes, keep_s=keep_s
        )
        queue = EnvelopeQueue(memory_bytes)
        digester = Digester(
            database,
            objects,
            journal,
            queue=queue,
            admission=admission,
            rules=rules,
            note_pictures=note_pictures,
            symbolicator=symbolicator,
            wanted=wanted,
            keep_s=keep_s,
        )
        digester.start()
        spiller = None
        if spill is not None:
            spiller = Spiller(objects, journal, spill.key_ring, after_s=spill.after_s)
            spiller.start()
        acceptor = EnvelopeAcceptor(admission, journal, queue)
        retrier = QuarantineRetrier(database, journal, queue)
        retrier.start()
        return cls(admission, journal, queue, acceptor, digester, retrier, spiller)

    async def close(self) -> None:
        """Digest what is in memory as far as possible; the journal keeps the rest."""
        await self.retrier.stop()
        await self.digester.stop()
        if self.spiller is not None:
            await self.spiller.stop()
        await self.journal.close()
        await self.digester.delete_mark_if_empty()
